// Times, numbers and names for people. Milliseconds since the epoch by the server's clock, seconds for lengths.

import { attribute, el } from "./dom.js";

let ahead = 0;

export function setClock(now) {
  ahead = now - Date.now();
}

export const now = () => Date.now() + ahead;

const two = (number) => String(number).padStart(2, "0");

export function length(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export const clock = (at) => CLOCK.format(at);

// As ISO 8601 has it, with the zone of this browser: 2026-11-27T08:15:00.250+01:00.
export function iso(at) {
  const minutes = -new Date(at).getTimezoneOffset();
  const local = new Date(at + minutes * 60000).toISOString().slice(0, -1);
  const off = Math.abs(minutes);
  return `${local}${minutes < 0 ? "-" : "+"}${two(Math.floor(off / 60))}:${two(off % 60)}`;
}

const sameDay = (one, other) => new Date(one).toDateString() === new Date(other).toDateString();

const said = (at) => (sameDay(at, now()) ? CLOCK : DAY).format(at);

export function when(at, name = "when") {
  return el("time", { class: name, datetime: new Date(at).toISOString(), title: iso(at), textContent: said(at) });
}

// A number that does not fit is cut in the middle: numbers differ in their ends.
export function cut(node, value) {
  if (node.textContent === value) return;
  if (!/^\+?\d{7,}$/.test(value)) {
    attribute(node, "data-cut", null);
    attribute(node, "aria-label", null);
    node.textContent = value;
    return;
  }
  attribute(node, "data-cut", "");
  // Its name is one number, not two parts of one.
  if (node.tagName === "A") attribute(node, "aria-label", value);
  node.replaceChildren(
    el("span", { class: "start", textContent: value.slice(0, -4) }),
    el("span", { class: "end", textContent: value.slice(-4) }),
  );
}

export function number(value, name = "number") {
  const node = el("span", { class: name });
  cut(node, value || "unknown");
  return node;
}

// Room 2 is before Room 10.
const ORDER = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
export const naturally = (one, other) => ORDER.compare(one, other);

export const nameOf = (person) => person.label || person.number || "unknown";

const REASONS = {
  "participant-with-end-conference-on-exit-left": "a moderator left",
  "last-participant-left": "the last one left",
  "conference-ended-via-api": "ended by hand or through the API",
  "time-exceeded": "time was up",
};

export const reason = (word) => REASONS[word] ?? word;

export function count(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}
