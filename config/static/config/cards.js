/* On a narrow window unfold makes a card of each row: in, its labels; out, the same as the columns' heads have them. */
document.addEventListener("DOMContentLoaded", () => {
    for (const cell of document.querySelectorAll("#result_list [data-label]")) {
        const { label } = cell.dataset;
        cell.dataset.label = label.charAt(0).toUpperCase() + label.slice(1);
    }
});
