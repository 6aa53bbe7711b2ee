// Elements without HTML strings: nothing that a caller sent is ever parsed.

const PROPERTIES = new Set(["textContent", "hidden", "tabIndex", "value", "type"]);

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) node[name] = value;
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

// Each of these touches the document only where something is different.

export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

export function attribute(node, name, value) {
  if (value === null) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== value) {
    node.setAttribute(name, value);
  }
}

export function show(node, on) {
  if (node.hidden === on) node.hidden = !on;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const PATHS = {
  mute: "M9 9v3a3 3 0 0 0 5 2.2M15 9.3V6a3 3 0 0 0-5.8-1M5 11a7 7 0 0 0 11 5.7M19 11a7 7 0 0 1-.7 3M12 18v3M4 3l16 18",
  hold: "M9 5v14M15 5v14",
  announce: "M4 10v4h3l7 4.5v-13L7 10H4zM17.5 9a4 4 0 0 1 0 6",
  drop: "M3.5 14.5c5-5 12-5 17 0L18 17l-3.5-1.8v-2.9a10 10 0 0 0-5 0v2.9L6 17z",
  coach: "M4 14v-2a8 8 0 0 1 16 0v2M4 14h3v6H6a2 2 0 0 1-2-2zM20 14h-3v6h1a2 2 0 0 0 2-2z",
  wait: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2",
  star: "M5 18h14M5 15 4 7l5 4 3-6 3 6 5-4-1 8z",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14 6l-6 6 6 6",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
};

export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}

export const by = (id) => document.getElementById(id);

export function say(words) {
  by("say").textContent = words;
}

export function toast(words) {
  const note = el("p", { class: "toast", textContent: words });
  by("toasts").append(note);
  setTimeout(() => note.remove(), 8000);
}
