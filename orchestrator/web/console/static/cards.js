// All live conferences as cards. A change touches its own card; the time runs only where it is seen.

import { attribute, by, el, show, text } from "./dom.js";
import { count, length, nameOf, now } from "./format.js";
import { rooms } from "./live.js";
import { Line, People, waits } from "./people.js";

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
let sort = "newest";
let selected = "";

class Card {
  constructor(room) {
    this.room = room;
    this.link = el("a", { href: `#/conference/${room.sid}` });
    this.time = el("span", { class: "time" });
    this.numbers = el("span");
    this.recording = el("span", { class: "chip rec", textContent: "Recording" });
    this.phase = el("span", { class: "chip wait", textContent: "Not started" });
    this.more = el("p", { class: "rest" });
    this.list = el("ul", { class: "people" });
    this.people = new People(this.list, (sid, person) => new Line(sid, person));
    this.node = el(
      "article",
      { class: "card", "data-room": room.sid },
      el("header", {}, el("h3", {}, this.link), this.time),
      el("p", { class: "meta" }, this.numbers, this.phase, this.recording),
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
      this.people.update(room, patch?.people ?? null);
      this.sum();
    }
    this.fit();
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
    text(this.numbers, `${inside} in${waiting ? ` · ${waiting} waiting` : ""}`);
    const hidden = this.room.people.size - MOST;
    show(this.more, hidden > 0);
    if (hidden > 0) text(this.more, `and ${hidden} more${talking ? `, ${talking} speaking in all` : ""}`);
  }

  tick() {
    const since = this.room.started || this.room.opened;
    text(this.time, length(now() - since));
  }

  fit() {
    let fits = !words || `${this.room.name} ${this.room.sid}`.toLowerCase().includes(words);
    for (const [sid, line] of this.people.lines) {
      const person = this.room.people.get(sid);
      const found = words && `${nameOf(person)} ${person.number} ${sid}`.toLowerCase().includes(words);
      attribute(line.node, "data-found", found ? "" : null);
      fits ||= found;
    }
    show(this.node, Boolean(fits));
  }
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
  name: (one, other) => one.name.localeCompare(other.name),
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

export function search(wanted) {
  words = wanted.toLowerCase();
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
  return [
    el("p", { class: "big", textContent: `Nothing live fits “${words}”` }),
    el("p", {}, el("a", { href: "#/finished", textContent: "Search the finished conferences" })),
  ];
}

export function tick() {
  for (const card of seen) card.tick();
}

export const fitting = () => count([...cards.values()].filter((card) => !card.node.hidden).length, "conference", "conferences");
