/* A form of class pr-once is sent once: the second click of a double click finds its buttons disabled. What reaches the server
 * twice all the same (two tabs, no script) is told apart there. */
(() => {
    "use strict";
    const buttons = (form) => form.querySelectorAll("button[type=submit]");
    document.addEventListener("submit", (event) => {
        if (!event.target.classList.contains("pr-once")) return;
        // After the event: a disabled button's name and value would not be sent.
        setTimeout(() => { for (const one of buttons(event.target)) one.disabled = true; });
        event.target.setAttribute("aria-busy", "true");
    });
    // Back to the page by the browser's button: it may be sent again.
    addEventListener("pageshow", () => {
        for (const form of document.querySelectorAll("form.pr-once")) {
            form.removeAttribute("aria-busy");
            for (const one of buttons(form)) one.disabled = false;
        }
    });
})();
