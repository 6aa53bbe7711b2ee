// The pages of conferences and of calls, and what a search from the live page finds beside the live ones.

import { by, chip, el, prose, show } from "./dom.js";
import { length, now, number, reason, when } from "./format.js";
import { List, asked } from "./list.js";
import { href, toCall, toConference } from "./router.js";
import * as server from "./server.js";

export const CALL_STATES = {
  queued: "wait",
  ringing: "wait",
  "in-progress": "good",
  completed: "",
  busy: "bad",
  failed: "bad",
  "no-answer": "bad",
  canceled: "",
};

const lasted = (item, since) => el("span", { class: "time", textContent: length((item.ended || now()) - since) });

function conferenceState(room) {
  const running = { init: ["wait", "not started"], "in-progress": ["good", "running"] }[room.status];
  return running ? chip(...running) : el("span", { class: "dim", textContent: room.reason ? reason(room.reason) : "ended" });
}

const failing = (room) =>
  room.failing
    ? el("a", { class: "chip bad", href: href("callbacks", { q: room.sid, state: "failed" }), textContent: `${room.failing} failing` })
    : "";

const conferenceCells = (room) => [
  el("a", { class: "main", href: toConference(room.sid), textContent: room.name }),
  when(room.created),
  lasted(room, room.created),
  conferenceState(room),
  failing(room),
];

export const between = (call) => `${call.from || "unknown"} to ${call.to || "unknown"}`;

export function parties(call) {
  return el(
    "span",
    { class: "parties" },
    number(call.from),
    el("span", { class: "arrow", "aria-label": "to", role: "img", textContent: "→" }),
    number(call.to),
  );
}

const callCells = (call) => [
  el("a", { class: "main", href: toCall(call.sid), "aria-label": between(call) }, parties(call)),
  when(call.created),
  el("span", { class: "time", textContent: call.answered ? length((call.ended || now()) - call.answered) : "–" }),
  chip(CALL_STATES[call.status] ?? "", call.status),
  el("span", { class: "dim", textContent: call.outbound ? "dialled" : "incoming" }),
  call.conference ? el("a", { href: toConference(call.conference.sid), textContent: call.conference.name }) : "",
];

const none = (what, narrowed) => (words) =>
  words
    ? [`No ${what} fits “${words}”`, "Names, SIDs, numbers and labels are searched, of what is over, too."]
    : [`No ${what} yet`, narrowed];

const KEPT = "What is over is listed for callbacks.history_days, a setting.";

export const conferences = () =>
  new List({
    kind: "conferences",
    title: "Conferences",
    columns: ["Name", "Began", "Length", "State", "Callbacks"],
    row: conferenceCells,
    key: (room) => room.sid,
    states: [["", "all"], ["live", "live"], ["over", "over"]],
    empty: none("conference", `A conference is listed as soon as a caller is admitted. ${KEPT}`),
  });

// Calls that became one, and those that did not.
const kinds = (current) =>
  el(
    "nav",
    { class: "kinds-of-calls", "aria-label": "Kinds of calls" },
    ...[["calls", "Calls"], ["rejected", "Rejected calls"]].map(([page, words]) =>
      el("a", { href: href(page), "aria-current": page === current ? "page" : null, textContent: words }),
    ),
  );

export const calls = () =>
  new List({
    kind: "calls",
    title: "Calls",
    above: kinds("calls"),
    columns: ["From and to", "Began", "Length", "State", "Direction", "Conference"],
    row: callCells,
    key: (call) => call.sid,
    states: [["", "all"], ["live", "live"], ["over", "over"], ["failed", "failed"], ["busy", "busy"], ["no-answer", "no answer"]],
    empty: none("call", `Each call is listed from its first ring on; one that was refused at once is among the rejected calls. ${KEPT}`),
  });

const rejectedCells = (one) => [
  el("span", { class: "why" }, ...prose(`${one.why[0].toUpperCase()}${one.why.slice(1)}.`), one.remedy ? el("span", { class: "remedy" }, ...prose(` ${one.remedy}.`)) : ""),
  when(one.at),
  one.caller ? number(one.caller) : "",
  one.number ? number(one.number) : "",
  one.address ? el("code", { textContent: one.address }) : "",
  one.sip ? chip("bad", `SIP ${one.sip}`) : "",
  one.times > 1 ? el("span", { class: "dim", title: "Alike within half a minute: one line stands for all of them", textContent: `${one.times} times` }) : "",
  one.call ? el("a", { href: toCall(one.call), textContent: "Call" }) : "",
];

export const rejected = () =>
  new List({
    kind: "rejected",
    title: "Rejected calls",
    above: kinds("rejected"),
    columns: ["Why, and what helps", "When", "From", "To", "Address", "Answered", "How often", "Call"],
    row: rejectedCells,
    key: (one) => one.id,
    states: [["", "all"], ["address", "address not allowed"], ["no-application", "number without application"], ["overload", "overload"], ["rtp-ports", "no RTP ports"]],
    stateName: "Why",
    empty: (words) =>
      words
        ? [`No rejected call fits “${words}”`, "Numbers, addresses and reasons are searched, of the newest 1,000."]
        : ["No call was rejected", "A call that FreeSWITCH or the orchestrator refuses before it becomes one is listed here, with the reason and what helps."],
  });

// Beside the live conferences that fit.

let asking = 0;

export async function findElsewhere(words) {
  const mine = (asking += 1);
  if (!words) return show(by("found"), false);
  let rooms, calls;
  try {
    [rooms, calls] = await Promise.all([
      server.list("conferences", asked({ q: words, state: "over" })),
      server.list("calls", asked({ q: words })),
    ]);
  } catch {
    return show(by("found"), false);
  }
  if (mine !== asking) return undefined;
  const lines = (items, cells) => items.slice(0, 8).map((item) => el("li", {}, ...cells(item)));
  const part = (kind, name, items, cells, query = {}) =>
    el(
      "div",
      {},
      el("h4", {}, el("a", { href: href(kind, { q: words, ...query }), textContent: name }), ` ${items.length}${items.length === 50 ? " and more" : ""}`),
      el("ul", { class: "over" }, ...lines(items, cells)),
    );
  by("found-items").replaceChildren(
    part("conferences", "Conferences that are over", rooms.items, (room) => conferenceCells(room).slice(0, 4), { state: "over" }),
    part("calls", "Calls", calls.items, (call) => callCells(call).slice(0, 4)),
  );
  show(by("found"), rooms.items.length + calls.items.length > 0);
  return undefined;
}

