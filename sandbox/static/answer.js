// Answering in the provider's or the customer's place: webhooks about one message, and text messages back.

import { h, post } from "./dom.js";

const EVENTS = {
  email: ["delivered", "bounce", "dropped", "spamreport", "unsubscribe", "open", "click"],
  sms: ["delivered", "undelivered", "failed"],
};

export function answerBack(message, settings) {
  const canReport = message.channel === "email" ? settings.webhook_url : message.channel === "sms" && message.content.status_callback;
  const canReply = message.channel === "sms" && settings.inbound_url && !message.content.inbound;
  if (!canReport && !canReply) return "";
  const result = h("p", { class: "hint", role: "status" });
  return h(
    "section", { class: "answer", "aria-label": "Answer back" },
    canReport && h("h3", {}, "Report to Postroom"),
    canReport && h("div", { class: "buttons" }, EVENTS[message.channel].map((event) => h("button", { type: "button", onclick: () => report(message, event, result) }, event))),
    canReply && replyForm(message, result),
    result,
  );
}

async function report(message, event, result) {
  await tell(result, async () => {
    await post("events", { id: message.id, event });
    return `${event}: on its way`;
  });
}

function replyForm(message, result) {
  const input = h("input", { name: "body", value: "STOP", "aria-label": "Text of the reply", required: true, maxlength: 1600 });
  const reply = async (event) => {
    event.preventDefault();
    await tell(result, async () => {
      const answer = await post("inbound", { from: message.content.to, to: message.content.from, body: input.value });
      return `The webhook answered ${answer.status || "nothing"}`;
    });
  };
  return h("form", { class: "reply", onsubmit: reply }, h("h3", {}, `Reply as ${message.content.to}`), h("div", { class: "buttons" }, input, h("button", {}, "Send")));
}

async function tell(result, action) {
  try {
    result.textContent = await action();
  } catch (error) {
    result.textContent = error.message;
  }
}
