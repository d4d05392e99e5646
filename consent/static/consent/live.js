/* Parts of a page that keep themselves up to date: in, elements of class pr-live with htmx's attributes; out, the same parts
 * swapped without losing focus or what was unfolded, quiet in a hidden tab, honest when they cannot be brought up to date.
 *
 *   {% include "consent/live_note.html" with of="queue-state" %}
 *   <div id="queue-state" class="pr-live" hx-get="…" hx-trigger="every 5s [!document.hidden], pr-seen">…</div>
 *
 * The answer is the inside of the element. `pr-seen` is ours: the tab is looked at again. After a swap the element gets
 * `pr-live:changed`, for scripts that draw.
 */
(() => {
    "use strict";
    const FIELDS = "input:not([type=hidden]), textarea, select";
    // 286 is htmx's: shown like any answer, and the last one, since nothing moves any more.
    const ANSWERS = new Set([200, 286]);
    const last = new WeakMap();
    const places = new WeakMap();

    const live = (event) => {
        const element = event.target;
        return element instanceof Element && element.classList.contains("pr-live") ? element : null;
    };

    function tell(element, isStale) {
        const note = document.querySelector(`[data-live-note="${element.id}"]`);
        if (!note) return;
        if (!isStale) {
            note.dataset.since = new Date().toISOString();
            note.hidden = true;
        } else if (note.hidden) {
            const since = new Date(note.dataset.since || performance.timeOrigin);
            note.querySelector("time").textContent = new Intl.DateTimeFormat(document.documentElement.lang || "en", {
                hour: "2-digit", minute: "2-digit", hour12: false, timeZone: note.dataset.zone || undefined,
            }).format(since);
            note.hidden = false;
        }
    }

    /* Where a reader is, in words that find the same place in the new content. */
    function place(element) {
        const focused = element.contains(document.activeElement) ? document.activeElement : null;
        const key = focused && (focused.id ? `#${CSS.escape(focused.id)}` : focused.getAttribute("href") &&
            `a[href="${CSS.escape(focused.getAttribute("href"))}"]`);
        return {
            key,
            open: [...element.querySelectorAll("details[id]")].map((one) => [one.id, one.open]),
            scrolled: [...element.querySelectorAll(".pr-scroll")].map((one) => one.scrollLeft),
        };
    }

    function restore(element, { key, open, scrolled }) {
        for (const [id, isOpen] of open) {
            const details = document.getElementById(id);
            if (details) details.open = isOpen;
        }
        element.querySelectorAll(".pr-scroll").forEach((one, index) => { one.scrollLeft = scrolled[index] || 0; });
        if (key && !element.contains(document.activeElement)) element.querySelector(key)?.focus({ preventScroll: true });
    }

    document.addEventListener("htmx:beforeSwap", (event) => {
        const element = live(event);
        if (!element) return;
        const { xhr, pathInfo } = event.detail;
        const asked = new URL(pathInfo.finalRequestPath || pathInfo.requestPath, location.href).pathname;
        // Signed out: the answer is the sign-in page, which has no place in a card.
        const isElsewhere = xhr.responseURL && new URL(xhr.responseURL).pathname !== asked;
        if (!ANSWERS.has(xhr.status) || isElsewhere) {
            event.detail.shouldSwap = false;
            tell(element, true);
            return;
        }
        tell(element, false);
        const isBusy = element.contains(document.activeElement) && document.activeElement.matches(FIELDS);
        if (isBusy || last.get(element) === xhr.response) {
            event.detail.shouldSwap = false;
            return;
        }
        last.set(element, xhr.response);
        places.set(element, place(element));
    });

    document.addEventListener("htmx:afterSwap", (event) => {
        const element = live(event);
        if (!element) return;
        if (places.has(element)) restore(element, places.get(element));
        element.dispatchEvent(new CustomEvent("pr-live:changed", { bubbles: true }));
    });

    for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
        document.addEventListener(failure, (event) => { if (live(event)) tell(live(event), true); });
    }

    document.addEventListener("visibilitychange", () => {
        if (!document.hidden) document.querySelectorAll(".pr-live").forEach((one) => one.dispatchEvent(new Event("pr-seen")));
    });
})();
