/* Django's field to choose several, for assistive tools: in, the help it writes beside its filters; out, the same as named
 * pictures. A bare span must not carry a name (aria-prohibited-attr).
 */
(() => {
    "use strict";
    const name = () => document.querySelectorAll(".selector .help-tooltip[aria-label]:not([role])")
        .forEach((help) => help.setAttribute("role", "img"));
    // Django builds the field in a listener of the same event, whichever of the two comes first.
    window.addEventListener("load", () => setTimeout(name));
})();
