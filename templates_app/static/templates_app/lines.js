// Numbers beside the lines of a field that does not wrap. In: a textarea; out: the same one beside its numbers.

export function numberLines(field) {
    const box = document.createElement("div");
    const numbers = document.createElement("div");
    box.className = "ta-lines";
    numbers.className = "ta-numbers ta-code";
    numbers.setAttribute("aria-hidden", "true"); // each problem says its line in words
    field.before(box);
    box.append(numbers, field);
    const draw = () => {
        const count = field.value.split("\n").length;
        if (numbers.childElementCount === count) return;
        numbers.replaceChildren(...Array.from({ length: count }, (_, place) => {
            const number = document.createElement("span");
            number.textContent = place + 1;
            return number;
        }));
        markLines(field, field.badLines ?? []);
    };
    field.addEventListener("input", draw);
    field.addEventListener("scroll", () => { numbers.scrollTop = field.scrollTop; });
    draw();
}

export function markLines(field, lines) {
    field.badLines = lines;
    const numbers = field.previousElementSibling;
    if (!numbers?.classList.contains("ta-numbers")) return;
    [...numbers.children].forEach((number, place) => {
        number.classList.toggle("ta-number--bad", lines.includes(place + 1));
    });
}

export function jumpTo(field, line) {
    const lines = field.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    const card = field.closest("details");
    if (card) card.open = true;
    field.focus();
    field.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
    field.scrollTop = Math.max(0, (line - 3) * parseFloat(getComputedStyle(field).lineHeight));
}
