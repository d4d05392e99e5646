// The table of placeholders: rows that come and go, names that go into the text where the cursor was last.

export function keepPlaceholders(form) {
    const card = form.querySelector("[data-placeholders]");
    const body = card.querySelector("tbody");
    const total = card.querySelector("[name$=-TOTAL_FORMS]");
    const pattern = card.querySelector("template[data-row]");
    let last = form.querySelector("[data-text]");

    form.addEventListener("focusin", (event) => { if (event.target.matches("[data-text]")) last = event.target; });
    const chips = form.querySelector("[data-names]");
    form.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (!button) return;
        if ("add" in button.dataset) add().querySelector("input").focus();
        if ("declare" in button.dataset) add(button.dataset.declare).querySelector("[name$=-sample]").focus();
        if ("remove" in button.dataset) remove(button.closest("tr"));
        if ("insertRow" in button.dataset) insert(tagOf(rowOf(button.closest("tr"))));
        if ("insert" in button.dataset) insert(tagOf({ name: button.dataset.insert, required: !("optional" in button.dataset) }));
        if ("name" in button.dataset) insert(tagOf(rows().find(({ name }) => name === button.dataset.name)));
    });
    body.addEventListener("input", offer);
    offer();

    function add(name = "") {
        body.insertAdjacentHTML("beforeend", pattern.innerHTML.replaceAll("__prefix__", total.value));
        total.value = Number(total.value) + 1;
        const row = body.lastElementChild;
        row.querySelector("[name$=-name]").value = name;
        row.querySelector("[name$=-required]").checked = true;
        changed();
        return row;
    }

    function remove(row) {
        const next = row.nextElementSibling ?? row.previousElementSibling;
        row.remove();
        (next?.querySelector("[data-remove]") ?? card.querySelector("[data-add]")).focus();
        changed();
    }

    function insert(text) {
        if (!last) return;
        last.focus();
        last.setRangeText(text, last.selectionStart, last.selectionEnd, "end");
        changed(last);
    }

    function changed(field = body) {
        field.dispatchEvent(new Event("input", { bubbles: true }));
    }

    function rows() {
        return [...body.rows].map(rowOf).filter((row) => row.name);
    }

    // The names beside the texts, for the mouse; a keyboard finds them in the same order.
    function offer() {
        const names = rows().map(({ name }) => name);
        if (chips.dataset.shown === names.join()) return;
        chips.dataset.shown = names.join();
        chips.replaceChildren(...names.map((name) => {
            const chip = document.createElement("button");
            Object.assign(chip, { type: "button", className: "ta-chip", textContent: name });
            chip.dataset.name = name;
            return chip;
        }));
    }

    return { rows, show: (answer) => tell(card, answer) };
}

function rowOf(row) {
    const of = (part) => row.querySelector(`[name$=-${part}]`);
    return { name: of("name").value.trim(), type: of("type").value, required: of("required").checked, sample: of("sample").value };
}

// What may be blank stands in its own section, and so does what is no text.
function tagOf({ name, type = "text", required, sample = "" }) {
    if (type === "flag") return `{{#${name}}}{{/${name}}}`;
    if (type === "list") return `{{#${name}}}${itemsOf(sample)}{{/${name}}}`;
    return required ? `{{${name}}}` : `{{#${name}}}{{${name}}}{{/${name}}}`;
}

function itemsOf(sample) {
    try {
        const [first] = JSON.parse(sample);
        if (first && typeof first === "object") return Object.keys(first).map((key) => `{{${key}}}`).join(" ");
    } catch { /* no list yet */ }
    return "{{.}}";
}

function tell(card, { unknown, unused }) {
    const [undeclared, idle] = [card.querySelector("[data-unknown]"), card.querySelector("[data-unused]")];
    undeclared.hidden = !unknown.length;
    undeclared.querySelector("ul").replaceChildren(...unknown.map((name) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        Object.assign(button, { type: "button", className: "ta-chip", textContent: `+ ${name}` });
        button.dataset.declare = name;
        item.append(button);
        return item;
    }));
    idle.hidden = !unused.length;
    idle.querySelector("span").textContent = unused.join(", ");
}
