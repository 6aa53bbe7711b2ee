// Elements without HTML strings: nothing that a caller sent is ever parsed.

const PROPERTIES = new Set(["textContent", "hidden", "tabIndex", "value", "type"]);

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) node[name] = value;
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
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
  mic: "M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5 11a7 7 0 0 0 14 0M12 18v3",
  play: "M7 5l12 7-12 7z",
  stop: "M7 7h10v10H7z",
  record: "M12 17a5 5 0 1 0 0-10 5 5 0 0 0 0 10z",
  plus: "M12 5v14M5 12h14",
  replay: "M4 12a8 8 0 1 0 2.5-5.8M4 4v5h5",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  document: "M7 3h7l4 4v14H7zM14 3v4h4M9.5 12h6M9.5 16h6",
  verb: "M5 6h14M5 12h9M5 18h12",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20a6 6 0 0 1 12 0M16 4.5a3.5 3.5 0 0 1 0 6M17.5 14.5A6 6 0 0 1 21 20",
  callback: "M4 12h13M12 6l6 6-6 6",
  phone: "M5 4h4l1.5 5-2.5 1.5a12 12 0 0 0 5.5 5.5l1.5-2.5 5 1.5v4a1 1 0 0 1-1 1A16 16 0 0 1 4 5a1 1 0 0 1 1-1z",
  key: "M6 5h2v2H6zM11 5h2v2h-2zM16 5h2v2h-2zM6 10h2v2H6zM11 10h2v2h-2zM16 10h2v2h-2zM11 15h2v2h-2zM11 20h2",
  media: "M4 12h3l2-6 4 12 2.5-8 1.5 4h3",
  warn: "M12 4 2.5 20h19zM12 10v4M12 17h.01",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
};

export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}

// A sentence with its `commands` and `settings` set as such.
export const prose = (words) => words.split("`").map((part, place) => (place % 2 ? el("code", { textContent: part }) : part));

export const by = (id) => document.getElementById(id);

export function say(words) {
  by("say").textContent = words;
}

function note(place, kind, words, milliseconds) {
  const found = el("p", { class: `toast ${kind}`, textContent: words });
  by(place).append(found);
  setTimeout(() => found.remove(), milliseconds);
}

// Failures and successes: both on the screen, and read out.
export const toast = (words) => note("toasts", "bad", words, 10000);
export const done = (words) => note("notes", "good", words, 5000);

// An order by a button, which says whether it worked. A second press waits for the first one's answer.
export async function act(button, run, words) {
  if (button.getAttribute("aria-busy") === "true") return null;
  attribute(button, "aria-busy", "true");
  try {
    const answer = await run();
    done(typeof words === "function" ? words(answer) : words);
    return answer ?? {};
  } catch (problem) {
    toast(`Not done: ${problem.message}`);
    return null;
  } finally {
    attribute(button, "aria-busy", null);
  }
}

export async function copyText(words) {
  try {
    await navigator.clipboard.writeText(words);
    done("Copied");
  } catch {
    toast("The browser does not let this page copy.");
  }
}

export function sidLine(sid, what) {
  const copy = el("button", { type: "button", class: "tool", "aria-label": `Copy the ${what}`, title: "Copy", onclick: () => copyText(sid) }, icon("copy"));
  return el("p", { class: "sid" }, el("code", { textContent: sid }), copy);
}

export const chip = (kind, words) => el("span", { class: `chip ${kind}`, textContent: words });

// Of a list of (name, value or node): as facts beside each other.
export function facts(pairs) {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el(
    "dl",
    { class: "facts-list" },
    ...rows.map(([name, value]) => el("div", {}, el("dt", { textContent: name }), el("dd", {}, value))),
  );
}
