/* One message's page: in, what the server wrote; out, copy buttons, tabs, a frame's width, times that stay true, a menu that
 * closes. All of it works by keyboard, and without this script the page says the same, one part below the other. It stands in
 * the head and is not deferred: the style sheet knows of it before the first paint, so that nothing moves when it begins.
 */
(() => {
    "use strict";
    document.documentElement.classList.add("pr-scripted");
    const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

    /* ── Copying ── */
    async function copy(button) {
        const label = button.firstChild;
        try {
            await navigator.clipboard.writeText(button.dataset.copy);
        } catch {
            // No clipboard without https: the text is at least selected.
            getSelection().selectAllChildren(button.parentElement);
            return;
        }
        const before = label.data;
        label.data = button.dataset.copied;
        say(button.dataset.copied);
        setTimeout(() => { label.data = before; }, 2000);
    }

    function say(text) {
        const news = document.getElementById("message-news");
        if (news) news.textContent = text;
    }

    /* ── Tabs: https://www.w3.org/WAI/ARIA/apg/patterns/tabs/ ── */
    function choose(tab) {
        for (const other of tab.parentElement.querySelectorAll('[role="tab"]')) {
            const isChosen = other === tab;
            other.setAttribute("aria-selected", String(isChosen));
            other.tabIndex = isChosen ? 0 : -1;
            document.getElementById(other.getAttribute("aria-controls")).classList.toggle("pr-part--chosen", isChosen);
        }
        tab.focus();
    }

    function step(tab, key) {
        const tabs = [...tab.parentElement.querySelectorAll('[role="tab"]')];
        const at = tabs.indexOf(tab);
        const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[key];
        if (next === undefined) return false;
        choose(tabs[(next + tabs.length) % tabs.length]);
        return true;
    }

    /* ── The frame ── */
    function show(button) {
        const frame = document.querySelector("iframe.pr-frame");
        const isScheme = "scheme" in button.dataset;
        if (isScheme) {
            const isDark = button.getAttribute("aria-pressed") !== "true";
            button.setAttribute("aria-pressed", String(isDark));
            frame.classList.toggle("pr-frame--dark", isDark);
            frame.src = frame.src.split("?")[0] + (isDark ? "?scheme=dark" : "");
            return;
        }
        for (const other of button.parentElement.querySelectorAll("[data-width]")) {
            other.setAttribute("aria-pressed", String(other === button));
        }
        frame.classList.toggle("pr-frame--phone", button.dataset.width === "phone");
    }

    /* ── Times ── */
    function age() {
        const format = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { style: "short" });
        for (const one of document.querySelectorAll("[data-ago]")) {
            const seconds = Math.max(0, (Date.now() - new Date(one.dataset.ago)) / 1000);
            const [unit, size] = UNITS.find(([, length]) => seconds >= 2 * length) || UNITS.at(-1);
            one.textContent = format.format(-Math.floor(seconds / size), unit);
        }
    }

    /* ── Clicks and keys, wherever the server wrote what they are for ── */
    document.addEventListener("click", (event) => {
        const button = event.target.closest("[data-copy], [role=tab], [data-width], [data-scheme]");
        if (button?.dataset.copy) copy(button);
        else if (button?.getAttribute("role") === "tab") choose(button);
        else if (button) show(button);
        for (const menu of document.querySelectorAll(".pr-more[open]")) {
            if (!menu.contains(event.target)) menu.open = false;
        }
    });

    document.addEventListener("keydown", (event) => {
        const tab = event.target.closest?.('[role="tab"]');
        if (tab && step(tab, event.key)) event.preventDefault();
        const menu = event.target.closest?.(".pr-more[open]");
        if (menu && event.key === "Escape") {
            menu.open = false;
            menu.querySelector("summary").focus();
        }
    });

    /* ── What the server writes later ── */
    document.addEventListener("htmx:beforeSwap", (event) => {
        if (event.target.id !== "message-text") return;
        const { xhr } = event.detail;
        // Signed out, or no right any more: the page of its own says so.
        const isElsewhere = xhr.responseURL && !new URL(xhr.responseURL).pathname.endsWith("/body/parts/");
        if (xhr.status !== 200 || isElsewhere) {
            event.detail.shouldSwap = false;
            location.assign(event.target.querySelector("[hx-get]").getAttribute("href"));
        }
    });

    document.addEventListener("htmx:afterSwap", (event) => {
        if (event.target.id !== "message-text") return;
        age();
        const first = event.target.querySelector('[role="tab"][aria-selected="true"]');
        if (first) first.focus();
        else {
            event.target.tabIndex = -1;
            event.target.focus();
        }
    });

    let answer = "";
    document.addEventListener("pr-live:changed", (event) => {
        age();
        const now = document.getElementById("answer")?.textContent || "";
        if (now !== answer) say(now);
        answer = now;
    });

    document.addEventListener("DOMContentLoaded", () => {
        age();
        answer = document.getElementById("answer")?.textContent || "";
        setInterval(age, 30_000);
    });
})();
