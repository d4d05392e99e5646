/* Draws the charts of the first page: in, a canvas with data-chart, the id of its JSON; out, a chart, which is updated in
 * place when the JSON has changed (consent/live.js), and recoloured when the theme changes. Nothing moves by itself. */
(() => {
    "use strict";
    const charts = new Map();
    const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const language = document.documentElement.lang || "en";
    const number = new Intl.NumberFormat(language);
    /* Where a reader of times looks for a line: in seconds. */
    const TIMES = [0.01, 0.1, 1, 10, 60, 600, 3600, 36000];
    const SHAPES = { p50: [[], "circle"], p95: [[6, 4], "triangle"], p99: [[2, 3], "rect"] };

    /* Beside its colour a series has a pattern: lines for what failed, dots for what was withheld. */
    function fill(key) {
        const colour = css(`--ho-${key}`);
        if (key === "sent") return colour;
        const tile = document.createElement("canvas");
        tile.width = tile.height = 6;
        const pen = tile.getContext("2d");
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 6, 6);
        pen.strokeStyle = pen.fillStyle = css("--pr-page") || "#fff";
        if (key === "failed") {
            pen.lineWidth = 1.5;
            pen.beginPath();
            pen.moveTo(-1, 7); pen.lineTo(7, -1);
            pen.stroke();
        } else {
            pen.fillRect(2, 2, 2, 2);
        }
        return pen.createPattern(tile, "repeat");
    }

    function datasets({ kind, series }) {
        return series.map(({ key, name, values }) => {
            const colour = css(`--ho-${key}`);
            if (kind === "bars") return { label: name, data: values, backgroundColor: fill(key), borderColor: colour, borderWidth: 1, stack: "all" };
            const [borderDash, pointStyle] = SHAPES[key];
            return { label: name, data: values, borderColor: colour, backgroundColor: colour, borderDash, pointStyle, borderWidth: 2, pointRadius: 3, tension: 0, spanGaps: false };
        });
    }

    function seconds(value) {
        if (value === null || value === undefined) return "–";
        if (value < 1) return `${number.format(Math.round(value * 1000))} ms`;
        if (value < 60) return `${number.format(Math.round(value * 10) / 10)} s`;
        return value < 3600 ? `${number.format(Math.round(value / 6) / 10)} min` : `${number.format(Math.round(value / 360) / 10)} h`;
    }

    function axes(kind, y, x) {
        const words = css("--ho-words");
        const title = (text) => ({ display: true, text, color: words, font: { size: 12 } });
        const ticks = { color: words, maxRotation: 0, autoSkipPadding: 16 };
        const isBars = kind === "bars";
        return {
            x: { stacked: isBars, title: title(x), ticks, grid: { display: false }, border: { color: css("--ho-grid") } },
            y: {
                stacked: isBars, beginAtZero: isBars, type: isBars ? "linear" : "logarithmic", title: title(y),
                suggestedMax: isBars ? 4 : undefined, grid: { color: css("--ho-grid") }, border: { display: false },
                ticks: {
                    ...ticks, precision: 0, maxTicksLimit: 6,
                    callback: (value) => isBars ? number.format(value) : seconds(value),
                },
                afterBuildTicks: isBars ? undefined : (axis) => {
                    axis.ticks = TIMES.filter((time) => time >= axis.min && time <= axis.max).map((value) => ({ value }));
                },
            },
        };
    }

    function draw(canvas) {
        const source = document.getElementById(canvas.dataset.chart);
        if (!source) return;
        const drawn = charts.get(canvas);
        const theme = css("--ho-words");
        if (drawn && drawn.source === source.textContent && drawn.theme === theme) return;
        const data = JSON.parse(source.textContent);
        const options = {
            animation: false, responsive: true, maintainAspectRatio: false,
            interaction: { mode: "index", intersect: false },
            plugins: {
                legend: { display: false },
                tooltip: { callbacks: { label: ({ dataset, raw }) => ` ${dataset.label}: ${data.kind === "bars" ? number.format(raw) : seconds(raw)}` } },
            },
            scales: axes(data.kind, data.y, canvas.dataset.x),
        };
        if (drawn) {
            drawn.chart.data.labels = data.labels;
            // The same objects, so that a tooltip which is open stays where it is.
            datasets(data).forEach((one, place) => Object.assign(drawn.chart.data.datasets[place], one));
            drawn.chart.options = options;
            drawn.chart.update("none");
            Object.assign(drawn, { source: source.textContent, theme });
        } else {
            const chart = new Chart(canvas, { type: data.kind === "bars" ? "bar" : "line", data: { labels: data.labels, datasets: datasets(data) }, options });
            charts.set(canvas, { chart, source: source.textContent, theme });
        }
    }

    function drawAll() {
        for (const [canvas, { chart }] of charts) {
            if (!canvas.isConnected) {
                chart.destroy();
                charts.delete(canvas);
            }
        }
        document.querySelectorAll("canvas[data-chart]").forEach(draw);
    }

    document.addEventListener("pr-live:changed", drawAll);
    new MutationObserver(drawAll).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    drawAll();
})();
