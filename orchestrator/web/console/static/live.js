// The live view: the state from the server's events as plain objects, passed on to the listeners.

import { done, toast } from "./dom.js";
import { setClock } from "./format.js";
import { at } from "./router.js";

export const rooms = new Map();
// How many callbacks of a conference fail, by sid.
export const failing = new Map();
const listeners = new Set();
let source = null;
let retry = 0;
let timer = 0;
let hiddenTimer = 0;
let onState = () => {};

// Each listener gets (sid, room, patch): room is null when it has ended; patch is null when all may be new.
export function listen(listener) {
  listeners.add(listener);
}

function notify(sid, room, patch) {
  for (const listener of listeners) listener(sid, room, patch);
}

export function start(stateChanged) {
  onState = stateChanged;
  open();
  document.addEventListener("visibilitychange", looked);
}

export function stop() {
  document.removeEventListener("visibilitychange", looked);
  clearTimeout(timer);
  clearTimeout(hiddenTimer);
  source?.close();
  source = null;
  rooms.clear();
  failing.clear();
}

// A browser has six connections to a server: a tab that nobody sees gives its own back after a while.
function looked() {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = setTimeout(() => {
      source?.close();
      source = null;
    }, 30000);
  } else if (!source) {
    open();
  }
}

function open() {
  clearTimeout(timer);
  source?.close();
  const mine = new EventSource(at("console/events"));
  source = mine;
  mine.addEventListener("snapshot", (event) => {
    retry = 0;
    snapshot(JSON.parse(event.data));
    onState("live");
  });
  mine.addEventListener("change", (event) => change(JSON.parse(event.data)));
  mine.addEventListener("problems", (event) => onState("problems", JSON.parse(event.data)));
  mine.addEventListener("failing", (event) => fails(JSON.parse(event.data)));
  mine.addEventListener("announced", (event) => announced(JSON.parse(event.data)));
  mine.addEventListener("error", () => {
    if (source !== mine) return;
    onState("lost");
    mine.close();
    source = null;
    retry = Math.min(retry + 1, 6);
    timer = setTimeout(() => onState("again", open), 250 * 2 ** retry * (0.75 + Math.random() / 2));
  });
}

function snapshot(data) {
  setClock(data.now);
  const there = new Set(data.rooms.map((room) => room.sid));
  for (const sid of [...rooms.keys()]) {
    if (!there.has(sid)) {
      rooms.delete(sid);
      notify(sid, null, null);
    }
  }
  for (const room of data.rooms) {
    rooms.set(room.sid, whole(room));
    notify(room.sid, rooms.get(room.sid), null);
  }
  fails(data.failing);
  onState("problems", data.problems);
}

function fails(numbers) {
  for (const [sid, number] of Object.entries(numbers)) {
    if (number) failing.set(sid, number);
    else failing.delete(sid);
    onState("failing", { sid, number });
  }
}

function whole(room) {
  return { ...room, people: new Map(Object.entries(room.people)) };
}

function change(data) {
  setClock(data.now);
  for (const patch of data.rooms) {
    const { sid } = patch;
    const room = rooms.get(sid);
    if (patch.gone) {
      rooms.delete(sid);
      notify(sid, null, patch);
    } else if (!room) {
      rooms.set(sid, whole(patch));
      notify(sid, rooms.get(sid), null);
    } else {
      merge(room, patch);
      notify(sid, room, patch);
    }
  }
}

function merge(room, patch) {
  const { people, ...facts } = patch;
  Object.assign(room, facts);
  for (const [sid, person] of Object.entries(people ?? {})) {
    if (person === null) room.people.delete(sid);
    else if (room.people.has(sid)) Object.assign(room.people.get(sid), person);
    else room.people.set(sid, person);
  }
}

// Announcements that this page has asked for, by sid, with their addressee; and ends that came before the answer.
const announcing = new Map();
const ended = new Map();

export function awaitAnnouncement(sid, to) {
  announcing.set(sid, to);
  if (ended.has(sid)) announced(ended.get(sid));
}

function announced(end) {
  const to = announcing.get(end.sid);
  if (to === undefined) {
    ended.set(end.sid, end);
    setTimeout(() => ended.delete(end.sid), 10000);
    return;
  }
  announcing.delete(end.sid);
  if (end.problem) toast(`The announcement to ${to} failed: ${end.problem}`);
  else done(`The announcement to ${to} was played`);
}
