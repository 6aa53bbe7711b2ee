// One conference, live or ended: its people with buttons, its recordings, its callbacks.

import { ask } from "./ask.js";
import { Callbacks } from "./callbacks.js";
import { attribute, by, el, icon, say, show, text, toast } from "./dom.js";
import { count, day, length, nameOf, now, reason } from "./format.js";
import { rooms } from "./live.js";
import { People, Row } from "./people.js";
import { Recordings } from "./recordings.js";
import * as server from "./server.js";

const LOOK_AGAIN = 2000;
let open = null;

class Detail {
  constructor(sid) {
    this.sid = sid;
    this.record = null;
    this.title = el("h2", { id: "detail-title", tabIndex: -1 });
    this.facts = el("p", { class: "facts" });
    this.time = el("span", { class: "time" });
    this.announce = el("button", { type: "button", onclick: () => this.speak(null) }, icon("announce"), "Announce…");
    this.callIn = el("button", { type: "button", "data-phone": "conference", "data-to": sid, textContent: "Call in" });
    this.end = el("button", { type: "button", class: "danger", textContent: "End conference…", onclick: () => this.finish() });
    this.actions = el("p", { class: "buttons" }, this.announce, this.callIn, this.end);
    this.list = el("ul", { class: "rows" });
    this.peopleTitle = el("h3", { tabIndex: -1, textContent: "People" });
    this.note = el("p", {
      class: "note",
      textContent:
        "Who speaks is not known here: FreeSWITCH says it in conferences whose document has “speaker” in its " +
        "statusCallbackEvent, and in all of them with the setting conference.talking_events: always.",
    });
    this.peopleSection = el("section", {}, this.peopleTitle, this.list, this.note);
    this.people = new People(this.list, (call, person) => new Row(call, person, (what, row) => this.act(what, row)));
    this.recordings = new Recordings();
    this.callbacks = new Callbacks();
    this.problem = el("p", { class: "problem" });
    this.copy = el("button", { type: "button", class: "tool", "aria-label": "Copy the ConferenceSid", title: "Copy", onclick: () => this.copySid() }, icon("copy"));
    by("detail").replaceChildren(
      el(
        "header",
        {},
        el("a", { class: "tool leave", href: "#/", "aria-label": "Close this conference", title: "Close (Escape)" }, icon("close")),
        this.title,
        this.facts,
        el("p", { class: "sid" }, el("code", { textContent: sid }), this.copy),
        this.actions,
        this.problem,
      ),
      this.peopleSection,
      this.recordings.node,
      this.callbacks.node,
    );
  }

  get room() {
    return rooms.get(this.sid);
  }

  update(patch) {
    const { room, record } = this;
    text(this.title, room?.name ?? record?.name ?? "Conference");
    show(this.actions, Boolean(room));
    attribute(this.callIn, "data-name", room?.name ?? "");
    show(this.peopleSection, Boolean(room));
    if (room) {
      show(this.note, !room.talking);
      this.people.update(room, this.touchesCoaches(patch) ? null : (patch?.people ?? {}));
    }
    this.tellFacts();
  }

  // The coach's line names the coached one: then every line may be another.
  touchesCoaches(patch) {
    if (!patch) return true;
    return Object.values(patch.people ?? {}).some((person) => person === null || "coach" in person || "label" in person);
  }

  tellFacts() {
    const { room, record } = this;
    const found = [];
    if (room) {
      found.push(["", room.started ? "running" : "not started"], ["", `${room.people.size} of ${room.max}`]);
      if (room.recording) found.push(["rec", "Recording"]);
    } else if (record) {
      found.push(["", "ended"], ["", day(record.created)]);
      if (record.reason) found.push(["", reason(record.reason)]);
    }
    const key = found.join("|");
    if (key !== this.key) {
      this.key = key;
      this.facts.replaceChildren(
        ...found.map(([kind, word]) => el("span", { class: `chip ${kind}`, textContent: word })),
        this.time,
      );
    }
    this.tick();
  }

  tick() {
    const { room, record } = this;
    if (room) {
      text(this.time, length(now() - (room.started || room.opened)));
      for (const row of this.people.lines.values()) row.tick();
    } else if (record?.ended) {
      text(this.time, length(record.ended - record.created));
    }
  }

  async look() {
    try {
      const record = await server.conference(this.sid);
      if (open !== this) return;
      this.record = record;
      text(this.problem, "");
      this.recordings.update(record.recordings);
      this.callbacks.update(record.callbacks);
      this.update({});
    } catch (problem) {
      if (open !== this) return;
      text(this.problem, problem.status === 404 && !this.room ? "There is no such conference." : problem.message);
    }
  }

  async act(what, row) {
    const name = nameOf(row.person);
    if (what === "announce") return this.speak(row);
    if (what === "drop") {
      const yes = await ask({ title: `Drop ${name}?`, text: "The call is hung up.", yes: "Drop", danger: true });
      return yes && this.order(row.drop, () => server.drop(this.sid, row.sid), `${name} is dropped`);
    }
    const button = row[what];
    const on = button.getAttribute("aria-pressed") !== "true";
    const done = { mute: on ? "muted" : "no longer muted", hold: on ? "on hold" : "no longer on hold" }[what];
    return this.order(
      button,
      () => server.order(this.sid, row.sid, what === "mute" ? { muted: on } : { held: on }),
      `${name} is ${done}`,
    );
  }

  async speak(row) {
    const to = row ? nameOf(row.person) : "everybody";
    const address = await ask({ title: `Announce to ${to}`, text: "", yes: "Play", address: true });
    if (!address) return;
    await this.order(
      row ? row.announce : this.announce,
      () => server.order(this.sid, row?.sid, { announce: address }),
      `The announcement to ${to} has begun`,
    );
  }

  async finish() {
    const people = this.room ? count(this.room.people.size, "call is", "calls are") : "All calls are";
    const yes = await ask({ title: `End ${this.title.textContent}?`, text: `${people} hung up.`, yes: "End conference", danger: true });
    if (yes) await this.order(this.end, () => server.order(this.sid, null, { end: true }), "The conference ends");
  }

  // A second press waits for the first one's answer.
  async order(button, run, done) {
    if (button.getAttribute("aria-busy") === "true") return;
    attribute(button, "aria-busy", "true");
    try {
      await run();
      say(done);
    } catch (problem) {
      toast(problem.message);
    } finally {
      attribute(button, "aria-busy", null);
    }
  }

  async copySid() {
    try {
      await navigator.clipboard.writeText(this.sid);
      say("Copied");
    } catch {
      toast("The browser does not let this page copy.");
    }
  }
}

let tidings = [];
let tidingsTimer = 0;

function tellWhoCame(patch, before) {
  for (const [sid, person] of Object.entries(patch?.people ?? {})) {
    if (person === null) tidings.push(`${before.get(sid) ?? "Somebody"} left`);
    else if ("number" in person) tidings.push(`${nameOf(person)} came`);
  }
  if (tidings.length && !tidingsTimer) {
    tidingsTimer = setTimeout(() => {
      say(tidings.length > 3 ? `${tidings.length} people came or left` : tidings.join(", "));
      tidings = [];
      tidingsTimer = 0;
    }, 2000);
  }
}

export function show_(sid) {
  if (open?.sid === sid) return;
  open = new Detail(sid);
  show(by("detail"), true);
  by("detail").scrollTop = 0;
  if (matchMedia("(max-width: 1000px)").matches) scrollTo(0, 0);
  open.update(null);
  open.look();
  open.title.focus({ preventScroll: true });
}

export function close() {
  if (!open) return "";
  const { sid } = open;
  open = null;
  show(by("detail"), false);
  by("detail").replaceChildren();
  return sid;
}

export function update(sid, room, patch) {
  if (open?.sid !== sid) return;
  const names = new Map([...open.people.lines].map(([call, row]) => [call, nameOf(row.person)]));
  open.update(patch);
  if (patch) tellWhoCame(patch, names);
  if (!room) {
    say("The conference has ended");
    open.look();
  }
}

export const tick = () => open?.tick();

setInterval(() => {
  if (open && !document.hidden) open.look();
}, LOOK_AGAIN);
