// One message as its recipient would see it, and what was reported back about it.

import { address, clock, get, h, link } from "./dom.js";
import { answerBack } from "./answer.js";

const RECIPIENTS = { to: "To", cc: "Cc", bcc: "Bcc", reply_to: "Reply-To" };
const VIEWS = { email, sms, push };
const chosen = { view: "html", frame: "wide" };
let open = { number: undefined, message: null };
let wanted;

// `summary` is the message's line in the list, fresher than the message itself in what was reported back.
export async function showMessage(pane, number, summary, settings) {
  wanted = number;
  if (number !== open.number) {
    const message = number ? await fetchMessage(number) : null;
    if (wanted !== number) return; // another one was opened meanwhile
    open = { number, message };
    draw(pane, settings);
    pane.scrollTop = 0;
  } else if (open.message && summary && summary.events.length !== open.message.events.length) {
    open.message.events = summary.events;
    pane.querySelector(".facts").replaceWith(facts(open.message)); // the rest stays: a frame drawn anew loses its place
  }
}

async function fetchMessage(number) {
  try {
    return await get(`messages/${number}`);
  } catch (error) {
    if (error.status !== 404) throw error;
    return null;
  }
}

function draw(pane, settings) {
  const { number, message } = open;
  if (!number) pane.replaceChildren(h("p", { class: "hint" }, "Choose a message to read it."));
  else if (!message) pane.replaceChildren(back(), h("p", { class: "hint" }, "This message is no longer kept."));
  else pane.replaceChildren(back(), ...VIEWS[message.channel](message, () => draw(pane, settings)), facts(message), answerBack(message, settings));
}

function back() {
  return h("a", { class: "back", href: "#" }, "← All messages");
}

function email(message, redraw) {
  const { content } = message;
  const views = { ...(content.html && { html: "Preview" }), ...(content.text && { text: "Text" }), headers: "Headers", source: "Source" };
  if (!content.html) delete views.source;
  const view = views[chosen.view] ? chosen.view : Object.keys(views)[0];
  return [
    heading(content.subject || "(no subject)", message),
    h(
      "dl", { class: "envelope" },
      ...line("From", address(content.from)),
      ...Object.entries(RECIPIENTS).flatMap(([kind, name]) => (content[kind].length ? line(name, content[kind].map(address).join(", ")) : [])),
    ),
    h(
      "div", { class: "views" },
      choice("How to show it", views, view, (value) => { chosen.view = value; redraw(); }),
      view === "html" && choice("Width", { wide: "Wide", phone: "Phone" }, chosen.frame, (value) => { chosen.frame = value; redraw(); }),
    ),
    mailView(view, message),
    content.attachments.length > 0 && h("ul", { class: "attachments" }, content.attachments.map((item) => h("li", {}, `📎 ${item.filename} (${item.type ?? "unknown type"}, ${item.bytes.toLocaleString()} bytes)`))),
  ].filter(Boolean);
}

function mailView(view, { id, content }) {
  if (view === "text") return h("pre", { class: "text", tabindex: 0 }, content.text);
  if (view === "source") return h("pre", { class: "text source", tabindex: 0 }, content.html);
  if (view === "headers") {
    const pairs = [...Object.entries(content.headers), ...content.categories.map((value) => ["category", value])];
    if (!pairs.length) return h("p", { class: "hint" }, "No headers of its own.");
    return h("dl", { class: "envelope headers" }, pairs.flatMap(([name, value]) => line(name, value)));
  }
  // No scripts and no access to this page: the frame is a document of nobody, whatever the mail holds.
  return h("iframe", {
    class: `mail ${chosen.frame}`, title: "The e-mail", src: `/_sandbox/messages/${id}/html`,
    sandbox: "allow-popups allow-popups-to-escape-sandbox", referrerpolicy: "no-referrer",
  });
}

function sms(message) {
  const { content } = message;
  const segments = `${content.segments} ${content.segments === 1 ? "segment" : "segments"}`;
  return [
    heading(content.inbound ? `From ${content.from}` : `${content.answer ? "Answer to" : "To"} ${content.to}`, message),
    h("dl", { class: "envelope" }, ...line("From", content.from ?? ""), ...line("To", content.to)),
    h(
      "div", { class: "phone" },
      h("p", { class: content.inbound ? "bubble sent" : "bubble" }, content.body),
      h("p", { class: "hint" }, `${segments} · ${content.encoding} · ${content.units} units`),
    ),
  ];
}

function push(message) {
  const { content } = message;
  const { data } = content;
  const target = data.url ?? data.action_url ?? data.data?.url ?? data.data?.action_url;
  const actions = Array.isArray(data.actions) ? data.actions : [];
  return [
    heading(content.title || "(no title)", message),
    h(
      "div", { class: "notification" },
      h("p", { class: "app" }, "Postroom · now"),
      h("strong", {}, content.title || "(no title)"),
      h("p", {}, content.body),
      (target || actions.length > 0) && h("p", { class: "actions" }, target && link("Open", String(target)), actions.map((item) => h("span", {}, String(item?.title ?? "")))),
    ),
    h(
      "dl", { class: "envelope" },
      ...line("Endpoint", content.endpoint), ...line("TTL", `${content.ttl} s`), ...line("Urgency", content.urgency),
      ...(content.topic ? line("Topic", content.topic) : []), ...(content.vapid_subject ? line("Sender", content.vapid_subject) : []),
    ),
    h("details", {}, h("summary", {}, "Decrypted payload"), h("pre", { class: "text source", tabindex: 0 }, pretty(content))),
  ];
}

function pretty(content) {
  return Object.keys(content.data).length ? JSON.stringify(content.data, null, 2) : content.raw || "(no payload)";
}

function heading(text, message) {
  return h(
    "header", { class: "head" },
    h("h2", {}, text),
    h("p", {}, clock(message.received_at), message.duplicate && h("span", { class: "badge alarm" }, "duplicate")),
  );
}

function facts(message) {
  return h(
    "dl", { class: "envelope facts" },
    ...line("Notification", message.notification_id ?? (message.content.inbound || message.content.answer ? "none" : "none: duplicates cannot be told")),
    ...line("Reference", message.reference),
    ...line("Reported back", message.events.join(" → ") || "nothing yet"),
  );
}

function line(name, value) {
  return [h("dt", {}, name), h("dd", {}, value)];
}

function choice(label, options, current, choose) {
  return h(
    "div", { class: "choice", role: "group", "aria-label": label },
    Object.entries(options).map(([value, text]) => h("button", { type: "button", "aria-pressed": String(value === current), onclick: () => choose(value) }, text)),
  );
}
