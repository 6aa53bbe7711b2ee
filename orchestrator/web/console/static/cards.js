// All live conferences as cards. A change touches its own card; the time runs only where it is seen.

import { attribute, by, el, show, text } from "./dom.js";
import { count, length, nameOf, naturally, now } from "./format.js";
import { failing, rooms } from "./live.js";
import { Line, People, waits } from "./people.js";
import { href, toConference } from "./router.js";

const MOST = 12;
const cards = new Map();
const seen = new Set();
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const card = cards.get(entry.target.dataset.room);
    if (!card) continue;
    if (entry.isIntersecting) {
      seen.add(card);
      card.tick();
    } else {
      seen.delete(card);
    }
  }
});
let words = "";
let digits = "";
let sort = "newest";
let dense = false;
let selected = "";

class Card {
  constructor(room) {
    this.room = room;
    this.link = el("a", { href: toConference(room.sid), "data-beside": "" });
    this.time = el("span", { class: "time" });
    this.numbers = el("span");
    this.recording = el("span", { class: "chip rec", textContent: "Recording" });
    this.phase = el("span", { class: "chip wait", textContent: "Not started" });
    this.failing = el("a", { class: "chip bad", hidden: true, href: href("callbacks", { q: room.sid }) });
    this.more = el("p", { class: "rest" });
    this.list = el("ul", { class: "people" });
    this.people = new People(this.list, (sid, person) => new Line(sid, person));
    this.node = el(
      "article",
      { class: "card", "data-room": room.sid },
      el("header", {}, el("h3", {}, this.link), this.time),
      el("p", { class: "meta" }, this.numbers, this.phase, this.recording, this.failing),
      this.list,
      this.more,
    );
  }

  update(room, patch) {
    this.room = room;
    text(this.link, room.name);
    show(this.phase, room.phase === "init");
    show(this.recording, room.recording);
    if (!patch || patch.people) {
      if (!dense) this.people.update(room, patch?.people ?? null);
      this.sum();
    }
    this.fit();
  }

  // In the dense list nobody is a line of their own: a thousand of them would cost what nobody sees.
  thin() {
    if (dense) {
      this.people.clear();
      show(this.more, false);
    } else {
      this.people.update(this.room, null);
      this.sum();
    }
    this.fit();
  }

  warn(number) {
    show(this.failing, number > 0);
    if (number) text(this.failing, count(number, "callback fails", "callbacks fail"));
  }

  sum() {
    let inside = 0;
    let waiting = 0;
    let talking = 0;
    for (const person of this.room.people.values()) {
      if (waits(person)) waiting += 1;
      else inside += 1;
      if (person.talking) talking += 1;
    }
    Object.assign(this, { inside, waiting, talking });
    text(this.numbers, `${inside} in${waiting ? ` · ${waiting} waiting` : ""}${dense && talking ? ` · ${talking} speaking` : ""}`);
    if (dense) return;
    const hidden = this.room.people.size - MOST;
    show(this.more, hidden > 0);
    if (hidden > 0) text(this.more, `and ${hidden} more${talking ? `, ${talking} speaking in all` : ""}`);
  }

  tick() {
    const since = this.room.started || this.room.opened;
    text(this.time, length(now() - since));
  }

  fit() {
    let fits = !words || holds(`${this.room.name} ${this.room.sid}`);
    for (const [sid, person] of this.room.people) {
      const found = Boolean(words) && holds(`${nameOf(person)} ${person.number} ${sid}`);
      const line = this.people.lines.get(sid);
      if (line) attribute(line.node, "data-found", found ? "" : null);
      fits ||= found;
    }
    show(this.node, fits);
  }
}

// A number is found however it is written.
function holds(value) {
  const low = value.toLowerCase();
  return low.includes(words) || (digits !== "" && low.includes(digits));
}

export function update(sid, room, patch) {
  let card = cards.get(sid);
  if (!room) {
    if (card) remove(sid, card);
  } else if (card) {
    card.update(room, patch);
  } else {
    card = new Card(room);
    cards.set(sid, card);
    card.update(room, null);
    card.tick();
    card.warn(failing.get(sid) ?? 0);
    attribute(card.link, "aria-current", sid === selected ? "true" : null);
    place(card);
    watcher.observe(card.node);
  }
  soon();
}

function remove(sid, card) {
  watcher.unobserve(card.node);
  seen.delete(card);
  const focused = card.node.contains(document.activeElement);
  const next = card.node.nextElementSibling ?? card.node.previousElementSibling;
  card.node.remove();
  cards.delete(sid);
  if (focused) (next?.querySelector("a") ?? by("main")).focus();
}

const ORDERS = {
  newest: (one, other) => other.opened - one.opened,
  oldest: (one, other) => one.opened - other.opened,
  name: (one, other) => naturally(one.name, other.name),
  people: (one, other) => other.people.size - one.people.size || naturally(one.name, other.name),
};

function place(card) {
  const before = ORDERS[sort];
  for (const other of by("cards").children) {
    if (other !== card.node && before(card.room, cards.get(other.dataset.room).room) < 0) {
      other.before(card.node);
      return;
    }
  }
  by("cards").append(card.node);
}

export function sortBy(order) {
  sort = order;
  const sorted = [...cards.values()].sort((one, other) => ORDERS[sort](one.room, other.room));
  by("cards").replaceChildren(...sorted.map((card) => card.node));
}

export function densely(on) {
  dense = on;
  attribute(by("cards"), "data-dense", on ? "" : null);
  for (const card of cards.values()) card.thin();
}

export function warn(sid, number) {
  cards.get(sid)?.warn(number);
}

export function search(wanted) {
  words = wanted.toLowerCase();
  digits = /^[+\d][\d\s().+-]{3,}$/.test(words) ? words.replace(/\D/g, "") : "";
  for (const card of cards.values()) card.fit();
  sums();
}

export function select(sid) {
  if (cards.has(selected)) attribute(cards.get(selected).link, "aria-current", null);
  selected = sid;
  if (cards.has(sid)) attribute(cards.get(sid).link, "aria-current", "true");
}

export function focus(sid) {
  (cards.get(sid)?.link ?? by("main")).focus();
}

export function clear() {
  for (const [sid, card] of [...cards]) remove(sid, card);
}

let pending = 0;

function soon() {
  pending ||= setTimeout(sums, 150);
}

export function sums() {
  clearTimeout(pending);
  pending = 0;
  let [inside, waiting, talking, fitting] = [0, 0, 0, 0];
  for (const card of cards.values()) {
    inside += card.inside;
    waiting += card.waiting;
    talking += card.talking;
    if (!card.node.hidden) fitting += 1;
  }
  text(by("sum-rooms"), String(rooms.size));
  text(by("sum-rooms").nextElementSibling, rooms.size === 1 ? "conference" : "conferences");
  text(by("sum-in"), String(inside));
  text(by("sum-waiting"), String(waiting));
  text(by("sum-talking"), String(talking));
  nothing(fitting);
}

function nothing(fitting) {
  const key = fitting ? "" : words || "none";
  const place = by("nothing");
  show(place, !fitting);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(...(key === "" ? [] : words ? notFound() : quiet()));
}

function quiet() {
  return [
    el("p", { class: "big", textContent: "No conference is running" }),
    el("p", { textContent: "Call one of your numbers: the conference appears here as soon as a caller is admitted." }),
  ];
}

function notFound() {
  return [el("p", { class: "big", textContent: `Nothing live fits “${words}”` })];
}

export function tick() {
  for (const card of seen) card.tick();
}

export const fitting = () => count([...cards.values()].filter((card) => !card.node.hidden).length, "conference", "conferences");
