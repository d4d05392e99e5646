// The list: what was received, newest first, refreshed while the page is seen. The address bar's #number is the open message.

import { clock, get, h, post } from "./dom.js";
import { emptyState } from "./empty.js";
import { showMagic } from "./magic.js";
import { showMessage } from "./detail.js";

const INTERVAL = 2000;
const PAGE = 50;
const CHANNELS = { email: "E-mail", sms: "SMS", push: "Push" };

const $ = (id) => document.getElementById(id);
const list = { messages: [], hasMore: false, asked: "", drawn: "", newest: null };
let timer;
let turn = 0;
let settings = null;

const filters = () => Object.fromEntries(new FormData($("tools")));
const isFiltered = () => Object.values(filters()).some(Boolean);
const selected = () => Number(location.hash.slice(1)) || null;

async function refresh() {
  clearTimeout(timer);
  const mine = ++turn;
  try {
    settings ??= await get("settings");
    const [page, stats] = await Promise.all([get("messages", { ...filters(), limit: PAGE }), get("stats")]);
    if (mine !== turn) return; // a later refresh, perhaps with other filters, is under way
    merge(page);
    drawCounts(stats);
    drawList(stats);
    await showMessage($("detail"), selected(), list.messages.find((message) => message.id === selected()), settings);
    if (!document.hidden) setLive("live", "Live");
  } catch (error) {
    setLive("lost", error.status ? error.message : "Not reachable, trying again");
  }
  if (!document.hidden && mine === turn) timer = setTimeout(refresh, INTERVAL);
}

function merge(page) {
  const asked = JSON.stringify(filters());
  if (asked !== list.asked) list.messages = [];
  list.asked = asked;
  const last = page.data.at(-1)?.id ?? 0;
  const older = list.messages.filter((message) => message.id < last);
  // Where the fresh page does not reach the known ones, they are dropped rather than shown with a gap.
  const isConnected = list.messages.some((message) => message.id >= last);
  if (page.has_more && isConnected && older.length) {
    list.messages = [...page.data, ...older];
  } else {
    list.messages = page.data;
    list.hasMore = page.has_more;
  }
}

async function showOlder() {
  const page = await get("messages", { ...filters(), limit: PAGE, before: list.messages.at(-1)?.id ?? "" });
  list.messages.push(...page.data);
  list.hasMore = page.has_more;
  drawList();
}

function drawCounts(stats) {
  const { received, unique, duplicates } = stats.totals;
  const pairs = [["Received", received], ["Unique", unique], ["Duplicates", duplicates]];
  const alarming = (name, count) => (name === "Duplicates" && count ? "alarm" : null);
  $("counts").replaceChildren(
    ...pairs.map(([name, count]) => h("div", { class: alarming(name, count) }, h("dt", {}, name), h("dd", {}, count.toLocaleString()))),
  );
}

function drawList(stats) {
  const drawn = JSON.stringify([list.messages, selected(), list.hasMore, isFiltered()]);
  if (drawn === list.drawn) return;
  list.drawn = drawn;
  const focused = document.activeElement?.closest("#messages a")?.hash;
  $("messages").replaceChildren(...list.messages.map(row));
  if (focused) $("messages").querySelector(`a[href="${focused}"]`)?.focus({ preventScroll: true });
  $("older").hidden = !list.hasMore;
  $("empty").hidden = list.messages.length > 0;
  if (!list.messages.length) $("empty").replaceChildren(...emptyState(isFiltered(), settings, stats, showAll));
  announce();
}

function row(message) {
  const isOpen = message.id === selected();
  const more = message.recipient_count > 1 ? ` and ${message.recipient_count - 1} more` : "";
  const recipient = message.channel === "push" ? `browser ${message.recipients[0].split("/").at(-1).slice(0, 8)}…` : message.recipients[0];
  return h(
    "li", { class: "row" },
    h(
      "a", { href: `#${message.id}`, "aria-current": isOpen ? "true" : null },
      h("span", { class: `channel ${message.channel}` }, CHANNELS[message.channel]),
      h("span", { class: "who" }, `${recipient ?? ""}${more}`),
      clock(message.received_at),
      h("strong", { class: "title" }, message.title || "(no subject)"),
      h("span", { class: "snippet" }, message.channel === "sms" ? "" : message.snippet),
      h(
        "span", { class: "badges" },
        message.duplicate && h("span", { class: "badge alarm" }, "duplicate"),
        message.events.slice(-3).map((event) => h("span", { class: "badge" }, event)),
      ),
    ),
  );
}

function announce() {
  const newest = list.messages[0]?.id ?? 0;
  if (list.newest !== null && newest > list.newest) $("announce").textContent = `New message: ${list.messages[0].title}`;
  list.newest = newest;
}

function setLive(state, text) {
  $("live").dataset.state = state;
  $("live").textContent = text;
}

function showAll() {
  $("tools").reset();
  refresh();
}

function step(offset) {
  const position = list.messages.findIndex((message) => message.id === selected());
  const next = list.messages[Math.max(position + offset, 0)];
  if (!next) return;
  location.hash = next.id;
  $("messages").querySelector(`a[href="#${next.id}"]`)?.scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("fates").open) return;
  if (event.key === "Escape") {
    if (document.activeElement === $("search")) $("search").blur();
    else location.hash = "";
    return;
  }
  if (event.target.closest("input, textarea")) return;
  const actions = { j: () => step(1), k: () => step(-1), "/": () => $("search").focus() };
  if (actions[event.key]) {
    event.preventDefault();
    actions[event.key]();
  }
}

async function clearAll() {
  if (!confirm("Forget every message, and every rule the providers were given?")) return;
  await post("reset", {});
  list.newest = null;
  location.hash = "";
  refresh();
}

let typing;
$("tools").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(refresh, 150);
});
$("tools").addEventListener("submit", (event) => { event.preventDefault(); refresh(); });
$("older").addEventListener("click", showOlder);
$("clear").addEventListener("click", clearAll);
$("magic").addEventListener("click", () => showMagic($("fates")));
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { clearTimeout(timer); setLive("paused", "Paused"); } else refresh();
});
$("skip").addEventListener("click", (event) => { event.preventDefault(); $("detail").focus(); });
window.addEventListener("hashchange", async (event) => {
  document.body.classList.toggle("reading", Boolean(selected()));
  await refresh();
  const isNarrow = matchMedia("(max-width: 760px)").matches;
  if (selected() && isNarrow) $("detail").focus();
  if (!selected()) $("messages").querySelector(`a[href="${new URL(event.oldURL).hash}"]`)?.focus();
});
document.body.classList.toggle("reading", Boolean(selected()));
refresh();
