// The recipients whose fate is known beforehand, as a dialog; and whether their webhooks go anywhere.

import { get, h } from "./dom.js";

export async function showMagic(dialog) {
  const { magic, webhook_url: events, status_callbacks: statuses, inbound_url: inbound } = await get("settings");
  const missing = [!events && "--webhook-url", !statuses && "--status-callbacks", !inbound && "--inbound-url"].filter(Boolean);
  dialog.replaceChildren(
    h("form", { method: "dialog", class: "title" }, h("h2", { id: "magic-title" }, "Test recipients"), h("button", { autofocus: true }, "Close")),
    h("p", { class: "hint" }, "Write to one of them, and the provider reports what is said here, by a signed webhook. Any mailbox works with a tag, too: ", h("code", {}, "ada+bounced@rental.example"), "."),
    missing.length > 0 && h("p", { class: "hint" }, `Started without ${missing.join(", ")}: part of it is not reported.`),
    ...["email", "sms"].map((channel) => table(channel, magic.filter((item) => item.channel === channel))),
  );
  dialog.showModal();
}

function table(channel, items) {
  return h(
    "table", {},
    h("caption", {}, channel === "email" ? "E-mail" : "SMS"),
    h("thead", {}, h("tr", {}, ["Recipient", "What happens", "Reported"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, items.map((item) => h("tr", {}, h("th", { scope: "row" }, h("code", {}, item.recipient)), h("td", {}, item.meaning), h("td", {}, report(item))))),
  );
}

function report({ events, error_code: code, reply }) {
  if (!events.length) return `error ${code}`;
  return [...events, reply && `inbound “${reply}”`].filter(Boolean).join(" → ") + (code ? ` (${code})` : "");
}
