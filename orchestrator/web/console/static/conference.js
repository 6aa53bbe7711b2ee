// One conference, live or over: its people with buttons, its recordings, its timeline, its callbacks. Beside the
// live conferences where it was opened from there, else a page of its own.

import { ADDRESS, ask } from "./ask.js";
import { Callbacks } from "./callbacks.js";
import { act, attribute, by, chip, done, el, icon, say, show, sidLine, text } from "./dom.js";
import { count, cut, length, nameOf, now, reason, when } from "./format.js";
import { awaitAnnouncement, rooms } from "./live.js";
import { People, Row } from "./people.js";
import { Recordings, recordButtons } from "./recordings.js";
import { href, toCall, trail } from "./router.js";
import * as server from "./server.js";
import { Timeline } from "./timeline.js";

const LOOK_AGAIN = 2000;
let open = null;

class Conference {
  constructor(sid) {
    this.sid = sid;
    this.record = null;
    this.title = el("h2", { id: "detail-title", tabIndex: -1 });
    this.here = el("span", { "aria-current": "page" });
    this.facts = el("p", { class: "facts" });
    this.time = el("span", { class: "time" });
    const button = (picture, words, run) => el("button", { type: "button", onclick: run }, icon(picture), words);
    this.dial = button("plus", "Dial in…", () => this.dialIn());
    this.callIn = el("button", { type: "button", "data-phone": "conference", "data-to": sid }, icon("phone"), "Call in");
    this.announce = button("announce", "Announce…", () => this.speak(null));
    this.mute = button("mute", "Mute all", () => this.muteAll());
    this.recording = recordButtons((status, pressed, words) =>
      act(pressed, () => server.orderRoom(this.sid, { recording: status }), words).then(() => this.look()),
    );
    this.end = el("button", { type: "button", class: "danger", textContent: "End conference…", onclick: () => this.finish() });
    this.actions = el("p", { class: "buttons" }, this.callIn, this.dial, this.announce, this.mute, this.recording.node, this.end);
    this.list = el("ul", { class: "rows" });
    this.peopleTitle = el("h3", { tabIndex: -1, textContent: "People" });
    this.note = el("p", {
      class: "note",
      textContent:
        "The speakers are not known here: FreeSWITCH reports them in conferences whose document has “speaker” in its " +
        "statusCallbackEvent, and in all of them with the setting conference.talking_events: always.",
    });
    this.peopleSection = el("section", {}, this.peopleTitle, this.list, this.note);
    this.gone = el("section", { hidden: true });
    this.people = new People(this.list, (call, person) => new Row(call, person, (what, row) => this.act(what, row)));
    this.recordings = new Recordings();
    this.timeline = new Timeline("conferences", sid);
    this.callbacks = new Callbacks();
    this.problem = el("p", { class: "problem" });
    by("detail").replaceChildren(
      trail("conferences", "Conferences", this.here),
      el(
        "header",
        { class: "subject" },
        el("a", { class: "tool leave", href: href(""), "aria-label": "Close this conference", title: "Close (Escape)" }, icon("close")),
        this.title,
        this.facts,
        sidLine(sid, "ConferenceSid"),
        this.actions,
        this.problem,
      ),
      el(
        "div",
        { class: "columns" },
        el("div", { class: "aside" }, this.peopleSection, this.gone, this.recordings.node),
        this.timeline.node,
        this.callbacks.node,
      ),
    );
  }

  get room() {
    return rooms.get(this.sid);
  }

  update(patch) {
    const { room, record } = this;
    const name = room?.name ?? record?.name ?? "Conference";
    text(this.title, name);
    text(this.here, name);
    document.title = `${name} – Conferences`;
    attribute(this.callIn, "data-name", room?.name ?? "");
    show(this.actions, Boolean(room));
    show(this.peopleSection, Boolean(room));
    if (room) {
      show(this.note, !room.talking);
      this.people.update(room, this.touchesCoaches(patch) ? null : (patch?.people ?? {}));
      const all = [...room.people.values()].filter((one) => one.phase !== "dialled");
      text(this.mute.lastChild, all.length && all.every((one) => one.muted) ? "Unmute all" : "Mute all");
      this.recording.update(Boolean(room.started), room.recording ? (room.paused ? "paused" : "in-progress") : "");
    }
    this.factsAbove();
  }

  // The coach's line names the coached one: then every line may be another.
  touchesCoaches(patch) {
    if (!patch) return true;
    return Object.values(patch.people ?? {}).some((person) => person === null || "coach" in person || "label" in person);
  }

  factsAbove() {
    const { room, record } = this;
    const found = [];
    if (server.severalNodes && (room || record)) found.push(["", `node ${(room ?? record).node}`]);
    if (room) {
      found.push(["", room.started ? "running" : "not started"], ["", `${room.people.size} of ${room.max}`]);
      if (room.recording) found.push(room.paused ? ["wait", "Recording paused"] : ["rec", "Recording"]);
    } else if (record) {
      found.push(["", record.ended ? "ended" : "living"]);
      if (record.reason) found.push(["", reason(record.reason)]);
    }
    const key = `${found.join("|")} ${record?.created}`;
    if (key !== this.key) {
      this.key = key;
      this.facts.replaceChildren(...found.map(([kind, word]) => chip(kind, word)), record ? when(record.created) : "", this.time);
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

  // Those that have left, with when and why.
  left(participants) {
    const key = JSON.stringify(participants);
    show(this.gone, participants.length > 0);
    if (key === this.goneKey) return;
    this.goneKey = key;
    const line = (one) => {
      const name = el("a", { class: "name", href: toCall(one.call) });
      cut(name, nameOf(one));
      const other = el("span", { class: "number" });
      cut(other, one.label ? one.number : "");
      return el("li", { class: "gone" }, el("span", { class: "names" }, name, other), el("span", { class: "dim" }, when(one.joined), " – ", when(one.left)), el("span", { class: "dim", textContent: one.reason }));
    };
    this.gone.replaceChildren(el("h3", { textContent: `${count(participants.length, "participant has", "participants have")} left` }), el("ul", { class: "gones" }, ...participants.map(line)));
  }

  async look() {
    try {
      const record = await server.conference(this.sid);
      if (open !== this) return;
      this.record = record;
      text(this.problem, "");
      this.recordings.update(record.recordings);
      this.callbacks.update(record.callbacks);
      this.left(record.left ?? []);
      this.update({});
      await this.timeline.look();
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
      return yes && act(row.drop, () => server.drop(this.sid, row.sid), `${name} is dropped`);
    }
    const on = what === "mute" ? !row.person.muted : !row.person.held;
    const words = { mute: on ? "muted" : "no longer muted", hold: on ? "on hold" : "no longer on hold" }[what];
    const order = what === "mute" ? { muted: on } : { held: on };
    return act(row[what], () => server.orderParticipant(this.sid, row.sid, order), `${name} is ${words}`);
  }

  async speak(row) {
    const to = row ? nameOf(row.person) : "everybody";
    const found = await ask({ title: `Announce to ${to}`, yes: "Play", fields: [ADDRESS] });
    if (!found) return;
    const order = { announce: found.address };
    const run = () => (row ? server.orderParticipant(this.sid, row.sid, order) : server.orderRoom(this.sid, order));
    const answer = await act(row ? row.announce : this.announce, run, `The announcement to ${to} is being fetched`);
    if (answer) awaitAnnouncement(answer.announcement, to);
  }

  async dialIn() {
    const { own } = await server.numbers().then(
      (found) => ({ own: found.numbers.filter((one) => !one.pattern).map((one) => one.number) }),
      () => ({ own: [] }),
    );
    const found = await ask({
      title: `Dial somebody into ${this.title.textContent}`,
      yes: "Dial",
      fields: [
        { name: "to", label: "Number or SIP address to call", required: true, placeholder: "+13125550100" },
        { name: "from", label: "Number that it sees", required: true, value: own[0] ?? "", choices: own },
        { name: "label", label: "Label (may be empty)" },
        { name: "muted", label: "Joins muted", type: "checkbox" },
      ],
    });
    if (!found) return;
    const { to, from, label, muted } = found;
    await act(this.dial, () => server.dial(this.sid, { to, from_: from, label, muted }), `${label || to} is being called`);
  }

  muteAll() {
    const on = this.mute.textContent.trim() === "Mute all";
    return act(
      this.mute,
      () => server.orderRoom(this.sid, { muted: on }),
      ({ changed }) => `${count(changed, "participant is", "participants are")} ${on ? "muted" : "no longer muted"}`,
    );
  }

  async finish() {
    const people = this.room ? count(this.room.people.size, "call is", "calls are") : "All calls are";
    const yes = await ask({ title: `End ${this.title.textContent}?`, text: `${people} hung up.`, yes: "End conference", danger: true });
    if (yes) await act(this.end, () => server.orderRoom(this.sid, { end: true }), "The conference ends");
  }
}

let movements = [];
let movementsTimer = 0;

function sayMovements(patch, before) {
  for (const [sid, person] of Object.entries(patch?.people ?? {})) {
    if (person === null) movements.push(`${before.get(sid) ?? "Somebody"} left`);
    else if ("number" in person) movements.push(`${nameOf(person)} came`);
  }
  if (movements.length && !movementsTimer) {
    movementsTimer = setTimeout(() => {
      say(movements.length > 3 ? `${movements.length} people came or left` : movements.join(", "));
      movements = [];
      movementsTimer = 0;
    }, 2000);
  }
}

export function openConference(sid, beside) {
  attribute(by("dashboard"), "data-open", beside ? "beside" : "page");
  if (open?.sid === sid) return false;
  open = new Conference(sid);
  show(by("detail"), true);
  by("detail").scrollTop = 0;
  open.update(null);
  open.look();
  open.title.focus({ preventScroll: true });
  return true;
}

export function close() {
  attribute(by("dashboard"), "data-open", null);
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
  if (patch) sayMovements(patch, names);
  if (!room) {
    done("The conference has ended");
    open.look();
  }
}

export const tick = () => open?.tick();

setInterval(() => {
  if (open && !document.hidden) open.look();
}, LOOK_AGAIN);
