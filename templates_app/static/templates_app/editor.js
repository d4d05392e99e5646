// The editor of a draft: numbers beside the lines, the table of placeholders, the live preview, a word before typing is lost.
// Without it the form is whole: it saves, and shows each problem at its field.
import { numberLines } from "./lines.js";
import { keepPlaceholders } from "./placeholders.js";
import { showPreview } from "./preview.js";

const form = document.getElementById("draft");
for (const field of form.querySelectorAll("[data-lines]")) numberLines(field);
const table = keepPlaceholders(form);
showPreview(form, table);
warnBeforeLeaving();
keepKeys();

// What the fields held when the page came; the preview's own switches are no changes.
function words() {
    const typed = new FormData(form);
    for (const name of [...typed.keys()]) if (/^(preview_|device$|try:|seen$|csrf)/.test(name)) typed.delete(name);
    return new URLSearchParams(typed).toString();
}

function warnBeforeLeaving() {
    const before = words();
    let saving = false;
    form.addEventListener("submit", (event) => {
        if (saving) event.preventDefault(); // the second of two clicks
        saving = true;
    });
    window.addEventListener("pageshow", () => { saving = false; });
    window.addEventListener("beforeunload", (event) => {
        if (!saving && ("dirty" in form.dataset || words() !== before)) event.preventDefault();
    });
}

// Ctrl or ⌘ + S saves and goes on.
function keepKeys() {
    document.addEventListener("keydown", (event) => {
        if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
            event.preventDefault();
            const button = form.querySelector("button[name=stay]") ?? form.querySelector("button:not([type=button])");
            form.requestSubmit(button);
        }
    });
    // Enter in a one-line field of the table or the note must not save a half-written draft.
    form.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
    });
}
