// Elements and requests. Text always enters as text, never as HTML: what is shown here was written by strangers.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

export function link(text, address) {
  const isWeb = /^https?:\/\//i.test(address);
  return isWeb ? h("a", { href: address, target: "_blank", rel: "noreferrer" }, text) : text;
}

export async function get(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ""));
  return answer(await fetch(`/_sandbox/${path}?${query}`, { cache: "no-store" }));
}

export async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return answer(await fetch(`/_sandbox/${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answer(response) {
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Error(body.error ?? response.statusText), { status: response.status });
  return body;
}

export function clock(seconds) {
  const date = new Date(seconds * 1000);
  const isToday = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const text = isToday ? time : `${date.toLocaleDateString()} ${time}`;
  return h("time", { datetime: date.toISOString(), title: date.toLocaleString() }, text);
}

export function address({ email, name }) {
  return name ? `${name} <${email}>` : email;
}
