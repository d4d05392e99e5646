/* unfold's icons are words that a font draws («arrow_circle_up»). In: each icon, also one that arrives later; out, the same
 * silent for who listens, the control that has nothing else named by its title, and a sorted column said to be sorted. */
(() => {
    "use strict";
    const ICON = ".material-symbols-outlined";
    const words = (element) => element.textContent.trim();

    function hush(icon) {
        const column = icon.closest("th");
        const control = icon.closest("a, button");
        // A word of the font is a poor name, and none is a worse one.
        const isAll = control && words(control) === words(icon) && !control.hasAttribute("aria-label");
        if (isAll && !control.title) return;
        icon.setAttribute("aria-hidden", "true");
        if (column?.classList.contains("sorted")) {
            column.setAttribute("aria-sort", column.classList.contains("ascending") ? "ascending" : "descending");
        }
        if (!isAll) return;
        const of = column && words(column.querySelector(".text"));
        control.setAttribute("aria-label", of ? `${control.title}: ${of}` : control.title);
    }

    const hushAll = (part) => part.querySelectorAll(`${ICON}:not([aria-hidden])`).forEach(hush);

    // Once the page is whole: a control which is still being read may yet get its text.
    document.addEventListener("DOMContentLoaded", () => {
        hushAll(document);
        new MutationObserver((changes) => {
            for (const { target } of changes) hushAll(target);
        }).observe(document.body, { childList: true, subtree: true });
    });
})();
