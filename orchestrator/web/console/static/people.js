// One participant as a line: compact in a card, with buttons in the conference's own view.

import { attribute, el, icon, show, text } from "./dom.js";
import { cut, length, nameOf, now } from "./format.js";
import { toCall } from "./router.js";

const rings = (person) => person.phase === "dialled";
export const waits = (person) => ["waiting", "joining", "dialled"].includes(person.phase);

function marks(person) {
  const found = [];
  if (waits(person)) found.push(["wait", rings(person) ? "being called" : "waiting"]);
  if (person.held) found.push(["hold", "on hold"]);
  if (person.muted) found.push(["mute", "muted"]);
  if (person.coach) found.push(["coach", "coaching"]);
  return found;
}

export class Line {
  constructor(sid, person) {
    this.level = el("i", { class: "level", "aria-hidden": "true" });
    this.name = el("span", { class: "name" });
    this.state = el("span", { class: "unseen" });
    this.marks = el("span", { class: "marks" });
    this.node = el("li", { class: "person", "data-call": sid }, this.level, this.name, this.state, this.marks);
    this.update(person);
  }

  update(person) {
    const found = marks(person);
    cut(this.name, nameOf(person));
    attribute(this.node, "data-talking", person.talking ? "" : null);
    attribute(this.node, "data-waiting", waits(person) ? "" : null);
    attribute(this.node, "data-quiet", person.muted || person.held ? "" : null);
    const key = found.map(([name]) => name).join(" ");
    if (key !== this.key) {
      this.key = key;
      this.marks.replaceChildren(...found.map(([name]) => icon(name)));
    }
    const words = found.map(([, word]) => word);
    if (person.talking) words.unshift("speaking");
    text(this.state, words.length ? `, ${words.join(", ")}` : "");
  }
}

export class Row {
  // `act(what, row)`: one of mute, hold, announce, drop.
  constructor(sid, person, act) {
    this.sid = sid;
    this.person = person;
    this.level = el("i", { class: "level", "aria-hidden": "true" });
    this.name = el("a", { class: "name", href: toCall(sid), title: "The call and its timeline" });
    this.number = el("span", { class: "number" });
    this.chips = el("span", { class: "chips" });
    this.time = el("span", { class: "time" });
    const button = (name, word, picture = name) => {
      const node = el("button", { type: "button", class: "tool", "data-does": name, onclick: () => act(name, this) });
      node.append(icon(picture), el("span", { class: "word", textContent: word }));
      return node;
    };
    this.mute = button("mute", "Mute", "mic");
    this.hold = button("hold", "Hold");
    this.announce = button("announce", "Announce");
    this.drop = button("drop", "Drop");
    this.node = el(
      "li",
      { class: "row", "data-call": sid },
      this.level,
      el("div", { class: "names" }, this.name, this.number),
      this.time,
      this.chips,
      el("div", { class: "tools" }, this.mute, this.hold, this.announce, this.drop),
    );
  }

  update(person, room) {
    this.person = person;
    const name = nameOf(person);
    cut(this.name, name);
    cut(this.number, person.label ? person.number : "");
    attribute(this.node, "data-talking", person.talking ? "" : null);
    attribute(this.node, "data-waiting", waits(person) ? "" : null);
    this.does(this.mute, person.muted ? "Unmute" : "Mute", name, person.muted ? "mic" : "mute");
    this.does(this.hold, person.held ? "Take off hold" : "Hold", name, person.held ? "play" : "hold");
    this.does(this.announce, "Announce to", name);
    this.does(this.drop, "Drop", name);
    for (const tool of [this.mute, this.hold, this.announce]) tool.disabled = rings(person);
    this.chip(person, room);
    this.tick();
  }

  // A button says what it will do, a chip says what is.
  does(node, word, name, picture = "") {
    attribute(node, "aria-label", `${word} ${name}`);
    attribute(node, "title", `${word} ${name}`);
    text(node.querySelector(".word"), word === "Announce to" ? "Announce" : word === "Take off hold" ? "Resume" : word);
    if (picture && node.dataset.picture !== picture) {
      node.dataset.picture = picture;
      node.querySelector("svg").replaceWith(icon(picture));
    }
  }

  chip(person, room) {
    const found = [];
    if (person.talking) found.push(["talk", "speaking"]);
    if (person.phase === "waiting") found.push(["wait", "waiting for the start"]);
    if (rings(person)) found.push(["wait", "is being called"]);
    if (person.phase === "joining") found.push(["wait", "joining"]);
    if (person.phase === "leaving") found.push(["", "leaving"]);
    if (person.muted) found.push(["bad", "muted"]);
    if (person.held) found.push(["wait", "on hold"]);
    const coached = person.coach && room.people.get(person.coach);
    if (person.coach) found.push(["coach", coached ? `coaches ${nameOf(coached)}` : "coaches"]);
    for (const other of room.people.values()) {
      if (other.coach === this.sid) found.push(["coach", `coached by ${nameOf(other)}`]);
    }
    if (person.moderator) found.push(["", "ends it by leaving"]);
    if (person.dialled && !rings(person)) found.push(["", "was called"]);
    const key = found.join("|");
    if (key !== this.key) {
      this.key = key;
      this.chips.replaceChildren(
        ...found.map(([kind, word]) => el("span", { class: `chip ${kind}`, textContent: word })),
      );
      show(this.chips, found.length > 0);
    }
  }

  tick() {
    text(this.time, length(now() - this.person.asked));
  }
}

// The people of a room in a list, in the order in which they came; lines that stay keep their elements.
export class People {
  constructor(list, make) {
    this.list = list;
    this.make = make;
    this.lines = new Map();
  }

  // `only` is a patch's people, or null for all.
  update(room, only) {
    const sids = only ? Object.keys(only) : new Set([...this.lines.keys(), ...room.people.keys()]);
    let moved = false;
    for (const sid of sids) {
      const person = room.people.get(sid);
      const line = this.lines.get(sid);
      if (!person) {
        if (line) this.remove(sid, line);
      } else if (line) {
        line.update(person, room);
      } else {
        const made = this.make(sid, person);
        made.update(person, room);
        made.asked = person.asked;
        this.lines.set(sid, made);
        this.list.append(made.node);
        moved = true;
      }
    }
    if (moved) this.order(room);
  }

  clear() {
    for (const line of this.lines.values()) line.node.remove();
    this.lines.clear();
  }

  remove(sid, line) {
    const focused = line.node.contains(document.activeElement);
    const next = line.node.nextElementSibling ?? line.node.previousElementSibling;
    line.node.remove();
    this.lines.delete(sid);
    if (focused) (next?.querySelector("button") ?? this.list.closest("section")?.querySelector("h3"))?.focus();
  }

  order() {
    const wanted = [...this.lines.values()].sort((one, other) => one.asked - other.asked);
    let place = this.list.firstElementChild;
    for (const { node } of wanted) {
      if (node === place) place = place.nextElementSibling;
      else this.list.insertBefore(node, place);
    }
  }
}
