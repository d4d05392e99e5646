/* How long a job takes: in, <canvas data-trend="id"> and its JSON; out, a line of its last runs, below their time limit.
 * Each result has a shape of its own; the colours follow the theme. */
(() => {
    "use strict";
    const SHAPES = { success: "circle", failed: "crossRot", crashed: "rectRot" };

    const colours = () => {
        const dark = document.documentElement.classList.contains("dark");
        return dark
            ? { success: "#4ade80", failed: "#ff8f8a", crashed: "#ffcb7a", limit: "#cbd2dd", text: "#cbd2dd", grid: "#2b3240" }
            : { success: "#178a42", failed: "#c4262b", crashed: "#8a4b00", limit: "#475467", text: "#475467", grid: "#e4e7ec" };
    };

    function settings(found) {
        const colour = colours();
        const points = (status) => found.seconds.map((value, place) => (found.statuses[place] === status ? value : null));
        const sets = Object.keys(SHAPES).filter((status) => found.statuses.includes(status)).map((status) => ({
            label: found.words[status], data: points(status), showLine: false, pointStyle: SHAPES[status],
            pointRadius: status === "success" ? 3 : 6, pointBorderWidth: 2,
            borderColor: colour[status], backgroundColor: colour[status],
        }));
        sets.push({
            label: found.words.limit, data: found.seconds.map(() => found.limit), pointRadius: 0, pointStyle: "line",
            borderColor: colour.limit, backgroundColor: colour.limit, borderDash: [6, 4], borderWidth: 2,
        });
        const axis = (title) => ({
            title: { display: true, text: title, color: colour.text },
            ticks: { color: colour.text, maxRotation: 0, autoSkipPadding: 16 }, grid: { color: colour.grid },
        });
        return {
            type: "line",
            data: { labels: found.labels, datasets: sets },
            options: {
                animation: false, responsive: true, maintainAspectRatio: false,
                interaction: { mode: "nearest", intersect: false },
                scales: { x: axis(found.words.started), y: { ...axis(found.words.took), type: "logarithmic" } },
                plugins: { legend: { position: "bottom", labels: { color: colour.text, usePointStyle: true } } },
            },
        };
    }

    for (const canvas of document.querySelectorAll("canvas[data-trend]")) {
        const found = JSON.parse(document.getElementById(canvas.dataset.trend).textContent);
        let chart = new Chart(canvas, settings(found));
        new MutationObserver(() => { chart.destroy(); chart = new Chart(canvas, settings(found)); })
            .observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    }
})();
