// The live preview: what stands in the form is posted after a pause in typing, to an address that saves nothing. A channel
// that cannot be made keeps its last picture; what is wrong stands at its field, and leads to its line.
import { jumpTo, markLines } from "./lines.js";

const PAUSE = 350; // milliseconds
const WIDTHS = { desktop: 680, phone: 375, dark: 375 };

export function showPreview(form, table) {
    const pane = form.querySelector("[data-pane]");
    const status = form.querySelector("[data-status]");
    const switches = form.querySelector("[data-languages]");
    let timer = 0;
    let running = null;
    pane.hidden = switches.hidden = false;

    form.addEventListener("input", (event) => {
        if (event.target.name === "device") return fit(form);
        if (event.target.name === "preview_locale") choose(form);
        clearTimeout(timer);
        timer = setTimeout(ask, PAUSE);
    });
    // Beside the text that one writes stands what it becomes; where both are in one column nothing moves.
    form.addEventListener("focusin", (event) => {
        const channel = event.target.dataset.text === undefined ? "" : event.target.name.split(":")[1];
        const section = channel && pane.querySelector(`[data-channel=${channel}]`);
        if (section && pane.scrollHeight > pane.clientHeight) pane.scrollTop = section.offsetTop - pane.firstElementChild.offsetHeight;
    });
    form.addEventListener("click", (event) => {
        const jump = event.target.closest("[data-jump]");
        if (jump) jumpTo(form.elements[jump.dataset.jump], Number(jump.dataset.to));
    });
    window.addEventListener("resize", () => fit(form));
    choose(form);
    offerValues(form, table);
    ask();

    async function ask() {
        running?.abort();
        running = new AbortController();
        tell("working", form.dataset.working);
        try {
            const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form), signal: running.signal });
            // A session that ended leads to the login page.
            if (answer.redirected || answer.status === 403) return tell("behind", form.dataset.signedOut);
            if (!answer.ok) return tell("behind", form.dataset.failed);
            draw(await answer.json());
        } catch (error) {
            if (error.name !== "AbortError") tell("behind", form.dataset.failed);
        }
    }

    function draw(answer) {
        let behind = false;
        for (const section of form.querySelectorAll("[data-channel]")) {
            const { channel } = section.dataset;
            const drawn = answer.channels[channel];
            const wanted = drawn !== undefined || (answer.written ?? []).includes(channel);
            if (drawn !== undefined && section.drawn !== drawn) section.querySelector("[data-shown]").innerHTML = section.drawn = drawn;
            section.querySelector("[data-stale]").hidden = drawn !== undefined;
            section.hidden = !wanted || (drawn === undefined && !section.drawn);
            behind ||= wanted && drawn === undefined;
        }
        showProblems(form, answer);
        table.show(answer);
        offerValues(form, table);
        fit(form);
        tell(behind || answer.others.length ? "behind" : "ready", behind || !answer.written ? form.dataset.behind : form.dataset.ready);
    }

    function tell(state, words) {
        status.dataset.state = state;
        if (status.textContent !== words) status.textContent = words;
    }
}

// The fields of the language that is looked at.
function choose(form) {
    const chosen = form.elements.preview_locale.value;
    for (const part of form.querySelectorAll("[data-locale]")) part.hidden = part.dataset.locale !== chosen;
    for (const section of form.querySelectorAll("[data-channel]")) {
        section.drawn = undefined;
        section.lang = chosen;
    }
}

function showProblems(form, { fields, others }) {
    for (const box of form.querySelectorAll("[data-field]")) {
        const name = box.dataset.field;
        const told = fields[name] ?? [];
        const field = form.elements[name];
        box.classList.toggle("ta-field--bad", told.length > 0);
        field.setAttribute("aria-invalid", told.length > 0);
        field.setAttribute("aria-describedby", `told-${field.id}`);
        markLines(field, told.map(({ line }) => line));
        box.querySelector(".ta-told").replaceChildren(...told.map((problem) => item(problem, name, form)));
    }
    for (const count of form.querySelectorAll("[data-count]")) {
        const wrong = Object.entries(fields).filter(([name]) => name.startsWith(`${count.dataset.count}:`));
        count.textContent = wrong.flatMap(([, told]) => told).length || "";
    }
    const list = form.querySelector("[data-others]");
    list.hidden = !others.length;
    list.replaceChildren(...others.map((message) => item({ message })));
}

function item({ line, message }, name, form) {
    const entry = document.createElement("li");
    if (!line) {
        entry.textContent = message;
        return entry;
    }
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: `${form.dataset.line} ${line}: ${message}` });
    Object.assign(button.dataset, { jump: name, to: line });
    entry.append(button);
    return entry;
}

// The frame is as wide as the device, and made smaller where the column is narrower.
function fit(form) {
    const device = form.elements.device.value;
    for (const box of form.querySelectorAll("[data-device]")) {
        const frame = box.firstElementChild;
        const scale = Math.min(1, box.clientWidth / WIDTHS[device] || 1);
        frame.style.width = `${WIDTHS[device]}px`;
        frame.style.height = `${520 / scale}px`;
        frame.style.transform = `scale(${scale})`;
        frame.plain ??= frame.srcdoc;
        // A sandboxed frame does not inherit the colour scheme: the rules for the dark are made to hold always.
        const wanted = device === "dark" ? frame.plain.replaceAll("@media (prefers-color-scheme: dark)", "@media all") : frame.plain;
        if (frame.srcdoc !== wanted) frame.srcdoc = wanted;
    }
}

// A field to try another value for each placeholder; what is typed there stays while the table changes.
function offerValues(form, table) {
    const box = form.querySelector("[data-values]");
    const rows = table.rows();
    const names = rows.map(({ name }) => name).join(" ");
    if (box.dataset.names === names) return;
    box.dataset.names = names;
    const typed = new Map([...box.querySelectorAll("input")].map((field) => [field.name, field.value]));
    box.replaceChildren(...rows.map(({ name, sample }) => {
        const label = document.createElement("label");
        const field = document.createElement("input");
        Object.assign(field, { name: `try:${name}`, className: "ta-input", placeholder: sample, value: typed.get(`try:${name}`) ?? "" });
        label.append(name, field);
        return label;
    }));
}
