// The page of one call: its facts, what is done with it, its timeline with its documents beside, its recordings.

import { ask } from "./ask.js";
import { Callbacks } from "./callbacks.js";
import { act, attribute, by, chip, el, facts, icon, show, sidLine, text } from "./dom.js";
import { DocumentView, requests } from "./document.js";
import { length, now, when } from "./format.js";
import { CALL_STATES, between, parties } from "./lists.js";
import { Recordings, recordButtons } from "./recordings.js";
import { toCall, toConference, trail } from "./router.js";
import * as server from "./server.js";
import { Timeline } from "./timeline.js";

const LOOK_AGAIN = 2000;
let open = null;

class CallPage {
  constructor(sid) {
    this.sid = sid;
    this.call = null;
    this.chosen = 0;
    this.title = el("h2", { id: "call-title", tabIndex: -1, textContent: "Call" });
    this.here = el("span", { "aria-current": "page", textContent: "Call" });
    this.state = el("span", { class: "chips" });
    this.time = el("span", { class: "time" });
    this.facts = el("div", { class: "call-facts" });
    this.end = el("button", { type: "button", class: "danger", onclick: () => this.hangUp() }, icon("drop"), "Hang up…");
    this.record = recordButtons((status, button, words) => this.order(button, { recording: status }, words));
    this.actions = el("p", { class: "buttons", hidden: true }, this.record.node, this.end);
    this.problem = el("p", { class: "problem" });
    this.document = new DocumentView(sid);
    this.timeline = new Timeline("calls", sid, {
      onEntries: (entries) => this.documents(entries),
      onDocument: (entry) => this.choose(entry.id),
    });
    this.recordings = new Recordings();
    this.callbacks = new Callbacks();
    by("call").replaceChildren(
      trail("calls", "Calls", this.here),
      el("header", { class: "subject" }, el("div", { class: "titles" }, this.title, this.state, this.time), sidLine(sid, "CallSid"), this.facts, this.actions, this.problem),
      el(
        "div",
        { class: "columns" },
        this.timeline.node,
        el("div", { class: "aside" }, this.document.node, this.recordings.node, this.callbacks.node),
      ),
    );
  }

  update(call) {
    this.call = call;
    if (this.title.ariaLabel !== between(call)) {
      this.title.ariaLabel = between(call);
      text(this.here, between(call));
      this.title.replaceChildren(parties(call));
    }
    this.state.replaceChildren(chip(CALL_STATES[call.status] ?? "", call.status), chip("", call.outbound ? "dialled" : "incoming"));
    const place = call.conference && el("a", { href: toConference(call.conference.sid), textContent: call.conference.name });
    const legs = call.dialled.map((leg) => el("a", { href: toCall(leg.sid), "aria-label": between(leg) }, parties(leg)));
    const key = JSON.stringify([call.answered, call.ended, call.conference, call.dialled.length]);
    if (this.key !== key) {
      this.key = key;
      this.facts.replaceChildren(
        facts([
          ["Caller's name", call.name],
          ["Began", when(call.created)],
          ["Answered", call.answered ? when(call.answered) : "no"],
          ["Ended", call.ended ? when(call.ended) : ""],
          ["Conference", place],
          ["Dialled by", call.parent && el("a", { href: toCall(call.parent), textContent: "this call" })],
          ["Dialled", legs.length ? el("span", { class: "links" }, ...legs) : ""],
        ]),
      );
    }
    document.title = `${between(call)} – Conferences`;
    show(this.actions, !call.ended);
    const current = call.recordings.find((one) => !one.of_conference && ["in-progress", "paused"].includes(one.status));
    this.record.update(call.status === "in-progress", current?.status ?? "");
    this.recordings.update(call.recordings);
    this.callbacks.update(call.callbacks);
    this.tick();
  }

  tick() {
    const { call } = this;
    if (call) text(this.time, length((call.ended || now()) - (call.answered || call.created)));
  }

  documents(entries) {
    this.asked = requests(entries);
    const { asked } = this;
    const telling = asked.findLast((one) => one.failed || one.warnings.length) ?? asked.at(-1);
    const shown = asked.find((one) => one.request.id === this.chosen) ?? telling;
    if (shown) this.document.open(shown);
  }

  choose(id) {
    this.chosen = id;
    const shown = this.asked.find((one) => one.request.id === id);
    if (shown) this.document.open(shown, { focus: true });
  }

  async look() {
    try {
      const call = await server.call(this.sid);
      if (open !== this) return;
      text(this.problem, "");
      this.update(call);
      await this.timeline.look();
    } catch (problem) {
      if (open !== this) return;
      text(this.problem, problem.status === 404 ? "There is no such call, or it is not kept any more." : problem.message);
    }
  }

  order(button, what, words) {
    return act(button, () => server.orderCall(this.sid, what), words).then(() => this.look());
  }

  async hangUp() {
    const yes = await ask({ title: "Hang the call up?", text: "It ends at once; its document does not go on.", yes: "Hang up", danger: true });
    if (yes) await this.order(this.end, { end: true }, "The call is hung up");
  }
}

export function page() {
  setInterval(() => {
    if (open && !document.hidden) open.look();
  }, LOOK_AGAIN);
  return {
    get title() {
      return open?.title;
    },
    open(_query, sid) {
      if (open?.sid === sid) return;
      open = new CallPage(sid);
      attribute(by("call"), "data-sid", sid);
      open.look();
    },
    close: () => {
      open = null;
      by("call").replaceChildren();
    },
    forget: () => {
      open = null;
      by("call").replaceChildren();
    },
    tick: () => open?.tick(),
  };
}
