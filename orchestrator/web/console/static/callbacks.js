// Callbacks as they went out, the newest first: of a conference or call, or all of the account's with their receivers.

import { ask } from "./ask.js";
import { act, attribute, by, chip, el, facts, icon, show, text } from "./dom.js";
import { count, when } from "./format.js";
import { List } from "./list.js";
import { narrow, toCall, toConference } from "./router.js";
import * as server from "./server.js";

const KINDS = { delivered: "good", waiting: "wait", failed: "bad" };

function stateOf({ state, status, attempts, asked_again: again }) {
  if (again) return "replayed soon";
  if (state === "delivered") return `${status ?? "delivered"}`;
  if (state === "failed") return `failed${status ? ` (${status})` : ""}`;
  return attempts ? `waiting, ${count(attempts, "try", "tries")} failed` : "waiting";
}

const field = ([name, value]) =>
  el("tr", {}, el("th", { scope: "row", textContent: name }), el("td", { textContent: value }));

export const bodyOf = (callback) =>
  el("table", { class: "body" }, el("caption", { textContent: "Body" }), el("tbody", {}, ...callback.body.map(field)));

function factsOf(callback) {
  return facts([
    ["To", `${callback.method} ${callback.url}`],
    ["Attempts", String(callback.attempts)],
    [callback.state === "delivered" ? "Delivered" : "Failed", callback.done ? when(callback.done) : ""],
    ["Next try", callback.state === "waiting" && callback.next ? when(callback.next) : ""],
    ["Problem", callback.error],
  ]);
}

function replayButton(callback) {
  const failed = callback.state === "failed";
  const button = el("button", { type: "button", class: "small", hidden: callback.state === "waiting" }, icon("replay"), "Replay");
  attribute(button, "aria-label", `Replay ${callback.event} ${callback.sequence}`);
  button.addEventListener("click", async () => {
    const sure =
      failed ||
      (await ask({
        title: "Deliver it again?",
        text: "This callback was delivered. Its receiver gets it a second time, with the same SequenceNumber.",
        yes: "Deliver again",
      }));
    if (sure) await act(button, () => server.replay(callback.id), "The callback is being delivered again");
  });
  return button;
}

// One that is open stays open, whatever comes.
class Callback {
  constructor(callback) {
    this.state = el("span", { class: "chip" });
    this.facts = el("div");
    this.node = el(
      "li",
      {},
      el(
        "details",
        { class: "callback" },
        el(
          "summary",
          {},
          el("span", { class: "sequence", textContent: String(callback.sequence) }),
          el("span", { class: "name", textContent: callback.event }),
          when(callback.made, "time"),
          this.state,
        ),
        this.facts,
        bodyOf(callback),
      ),
    );
  }

  update(callback) {
    const key = JSON.stringify([callback.state, callback.status, callback.attempts, callback.error, callback.asked_again]);
    if (key === this.key) return;
    this.key = key;
    text(this.state, stateOf(callback));
    attribute(this.state, "class", `chip ${KINDS[callback.state]}`);
    this.facts.replaceChildren(factsOf(callback), el("p", { class: "extras" }, replayButton(callback)));
  }
}

export class Callbacks {
  constructor() {
    this.list = el("ol", { class: "callbacks" });
    this.none = el("p", { class: "note", textContent: "None were asked for, or none are kept any more." });
    this.title = el("h3", { textContent: "Callbacks" });
    this.node = el("section", {}, this.title, this.none, this.list);
    this.known = new Map();
  }

  update(callbacks) {
    show(this.none, callbacks.length === 0);
    show(this.list, callbacks.length > 0);
    const failed = callbacks.filter((callback) => callback.state === "failed").length;
    const all = callbacks.length ? count(callbacks.length, "callback", "callbacks") : "Callbacks";
    text(this.title, failed ? `${all}, ${failed} failed` : all);
    const there = new Set(callbacks.map((callback) => callback.id));
    for (const [id, callback] of this.known) {
      if (!there.has(id)) {
        callback.node.remove();
        this.known.delete(id);
      }
    }
    let place = this.list.firstElementChild;
    for (const callback of callbacks) {
      let known = this.known.get(callback.id);
      if (!known) {
        known = new Callback(callback);
        this.known.set(callback.id, known);
      }
      known.update(callback);
      if (known.node === place) place = place.nextElementSibling;
      else this.list.insertBefore(known.node, place);
    }
  }
}

// The page of all callbacks

let receivers = null;

function receiverLine(receiver) {
  const button = el("button", { type: "button", class: "small" }, icon("replay"), `Replay all ${receiver.failed} failed`);
  button.addEventListener("click", async () => {
    const yes = await ask({
      title: `Replay ${count(receiver.failed, "callback", "callbacks")}?`,
      text: `All that failed at ${receiver.name} are delivered again, each conference's in their order.`,
      yes: "Replay all",
    });
    if (yes) await act(button, () => server.replayFailed(receiver.name), ({ replayed }) => `${count(replayed, "callback is", "callbacks are")} being delivered again`);
  });
  const name = el("button", { type: "button", class: "linklike", textContent: receiver.name, title: "Only this receiver", onclick: () => narrow({ receiver: receiver.name }) });
  return el(
    "li",
    { class: "receiver" },
    el("div", { class: "receiver-name" }, name, receiver.failed ? chip("bad", `${receiver.failed} failed`) : null, receiver.waiting ? chip("wait", `${receiver.waiting} waiting`) : null),
    receiver.failed ? button : null,
    receiver.error ? el("p", { class: "note" }, receiver.error, " · ", when(receiver.at)) : null,
  );
}

function arrived(page) {
  const key = JSON.stringify(page.receivers);
  if (receivers.dataset.key !== key) {
    receivers.dataset.key = key;
    receivers.replaceChildren(
      el("h3", { textContent: "Receivers that something waits for or has failed at" }),
      el("ul", {}, ...page.receivers.map(receiverLine)),
    );
  }
  show(receivers, page.receivers.length > 0);
  const wanted = new URL(location.href).searchParams.get("receiver");
  show(by("only-receiver"), Boolean(wanted));
  text(by("only-receiver").firstChild, wanted ? `Only those to ${wanted}` : "");
}

function about(callback) {
  const found = [];
  if (callback.conference) found.push(el("a", { href: toConference(callback.conference), textContent: "Conference" }));
  if (callback.call) found.push(el("a", { href: toCall(callback.call), textContent: "Call" }));
  return el("span", { class: "links" }, ...found);
}

const cells = (callback) => [
  el(
    "details",
    { class: "inside" },
    el("summary", {}, el("span", { class: "name", textContent: callback.event }), el("span", { class: "sequence", textContent: ` ${callback.sequence}` })),
    factsOf(callback),
    bodyOf(callback),
  ),
  when(callback.made),
  el("span", { class: "host", textContent: callback.receiver, title: callback.url }),
  chip(KINDS[callback.state], stateOf(callback)),
  about(callback),
  replayButton(callback),
];

export function page() {
  receivers = el("section", { class: "receivers", hidden: true, "aria-label": "Receivers" });
  const only = el("p", { id: "only-receiver", class: "only", hidden: true }, el("span"), el("button", { type: "button", class: "quiet", textContent: "All receivers", onclick: () => narrow({ receiver: "" }) }));
  const list = new List({
    kind: "callbacks",
    title: "Callbacks",
    columns: ["Event", "Made", "Receiver", "State", "About", "Again"],
    row: cells,
    key: (callback) => callback.id,
    states: [["", "all"], ["failed", "failed"], ["waiting", "waiting"], ["delivered", "delivered"]],
    empty: (words, narrowed) =>
      words || narrowed
        ? ["No callback fits", "SIDs, URLs, events and values of the body are searched."]
        : ["No callback yet", "They are listed when a document has a statusCallback, for callbacks.history_days."],
    above: el("div", {}, receivers, only),
    arrived,
  });
  return list;
}
