// The callbacks of a conference as they went out, the newest first; one that is open stays open.

import { attribute, el, show, text } from "./dom.js";
import { clock, count } from "./format.js";

class Callback {
  constructor(callback) {
    this.state = el("span", { class: "chip" });
    this.facts = el("dl", { class: "facts-list" });
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
          el("span", { class: "time", textContent: clock(callback.made) }),
          this.state,
        ),
        this.facts,
        el("table", { class: "body" }, el("caption", { textContent: "Body" }), el("tbody", {}, ...callback.body.map(field))),
      ),
    );
  }

  update(callback) {
    const { state, status, attempts, error } = callback;
    const key = `${state} ${status} ${attempts} ${error}`;
    if (key === this.key) return;
    this.key = key;
    const word = { delivered: `${status ?? "delivered"}`, waiting: attempts ? `waiting, ${count(attempts, "try", "tries")} failed` : "waiting", "failed": `failed${status ? ` (${status})` : ""}` }[state];
    text(this.state, word);
    attribute(this.state, "class", `chip ${{ delivered: "good", waiting: "wait", "failed": "bad" }[state]}`);
    const facts = [
      ["To", `${callback.method} ${callback.url}`],
      ["Attempts", String(attempts)],
    ];
    if (callback.done) facts.push([state === "delivered" ? "Delivered" : "Failed", clock(callback.done)]);
    if (error) facts.push(["Problem", error]);
    this.facts.replaceChildren(
      ...facts.map(([name, value]) => el("div", {}, el("dt", { textContent: name }), el("dd", { textContent: value }))),
    );
  }
}

function field([name, value]) {
  return el("tr", {}, el("th", { scope: "row", textContent: name }), el("td", { textContent: value }));
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
    text(this.title, callbacks.length ? count(callbacks.length, "callback", "callbacks") : "Callbacks");
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
