// Ended conferences, the newest first, page by page; or those that fit what is searched for.

import { by, el, show, toast } from "./dom.js";
import { day, length, reason } from "./format.js";
import * as server from "./server.js";

let words = "";
let next = null;
let asked = 0;

function line(room) {
  return el(
    "li",
    {},
    el("a", { href: `#/conference/${room.sid}`, textContent: room.name }),
    el("span", { class: "when", textContent: day(room.created) }),
    el("span", { class: "time", textContent: length(room.ended - room.created) }),
    el("span", { class: "why", textContent: reason(room.reason) }),
  );
}

async function load(after) {
  const mine = (asked += 1);
  let page;
  try {
    page = await server.finished(words, after);
  } catch (problem) {
    if (problem.status !== 401) toast(problem.message);
    return;
  }
  if (mine !== asked) return;
  const lines = page.conferences.map(line);
  if (after) by("over").append(...lines);
  else by("over").replaceChildren(...lines);
  next = page.next;
  show(by("more"), Boolean(next));
  nothing(by("over").children.length === 0);
}

function nothing(on) {
  show(by("nothing-over"), on);
  if (!on) return;
  const big = words ? `No finished conference fits “${words}”` : "No conference has ended yet";
  const small = words
    ? "By a part of the name the last 1000 are searched; older ones by their whole name or ConferenceSid."
    : "Ended conferences are listed here for callbacks.history_days (a setting).";
  by("nothing-over").replaceChildren(el("p", { class: "big", textContent: big }), el("p", { textContent: small }));
}

export function open(wanted) {
  words = wanted;
  load(null);
}

by("more").addEventListener("click", () => load(next));
