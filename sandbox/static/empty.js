// What to do when there is nothing to see.

import { h } from "./dom.js";

export function emptyState(isFiltered, settings, stats, showAll) {
  if (isFiltered && stats?.kept.messages) {
    return [h("h2", {}, "No message matches"), h("button", { type: "button", onclick: showAll }, "Show all messages")];
  }
  if (stats?.kept.limit === 0) {
    return [h("h2", {}, "Counting only"), h("p", {}, "The sandbox was started with --keep 0: it counts messages and keeps none.")];
  }
  const variables = Object.entries(settings.environment).map(([name, value]) => `${name}=${value}`).join("\n");
  const copy = h("button", { type: "button", onclick: () => copyText(copy, variables) }, "Copy");
  return [
    h("h2", {}, "Nothing received yet"),
    h("p", {}, "Messages appear here by themselves. ", h("code", {}, "make demo"), " sends some within a minute."),
    h("p", {}, "To send to this sandbox from elsewhere, set these variables. The keys are made up."),
    h("pre", { tabindex: 0, "aria-label": "Environment variables" }, variables),
    copy,
  ];
}

async function copyText(button, text) {
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
}
