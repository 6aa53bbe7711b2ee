// The timeline of a call or a conference as it goes on: one line for each thing that happened, in order.

import { attribute, el, facts, icon, prose, show, text } from "./dom.js";
import { Overview } from "./overview.js";
import { clock, count, iso } from "./format.js";
import { href, toCall, toConference } from "./router.js";
import * as server from "./server.js";

const PAGE = 500;
const GROUPS = [
  ["call", "Call", "phone", ["call", "dtmf", "api"]],
  ["document", "Documents", "document", ["document"]],
  ["verb", "Verbs", "verb", ["verb"]],
  ["conference", "Conference", "people", ["conference", "recording"]],
  ["callback", "Callbacks", "callback", ["callback"]],
  ["media", "Media", "media", ["media"]],
];
const GROUP = new Map(GROUPS.flatMap(([name, , picture, kinds]) => kinds.map((kind) => [kind, { name, picture }])));

export const groupOf = (kind) => GROUP.get(kind.split(".")[0]) ?? { name: "call", picture: "phone" };

function offset(milliseconds) {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 60) return `+${seconds.toFixed(3)}`;
  const minutes = Math.floor(seconds / 60);
  return `+${minutes}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
}

const plain = (value) => (Array.isArray(value) ? value.join(", ") : String(value));

export class Timeline {
  // `kind` is calls or conferences; `onEntries` hears of all entries whenever there are new ones; `onDocument`
  // of a request whose document is to be shown.
  constructor(kind, sid, { onEntries = () => {}, onDocument = null } = {}) {
    Object.assign(this, { kind, sid, onEntries, onDocument });
    this.entries = [];
    this.lines = new Map();
    this.hidden = new Set();
    this.last = 0;
    this.title = el("h3", { id: `${kind}-timeline`, tabIndex: -1, textContent: "Timeline" });
    this.list = el("ol", { class: "timeline" });
    this.none = el("p", { class: "note", textContent: "Nothing is written down yet." });
    this.overview = new Overview((entry) => this.reveal(entry));
    this.node = el("section", { class: "happened", "aria-labelledby": this.title.id }, this.head(), this.overview.node, this.none, this.list);
  }

  head() {
    const buttons = GROUPS.map(([name, words]) =>
      el("button", { type: "button", class: "filter", "aria-pressed": "true", "data-group": name, onclick: (event) => this.toggle(event.currentTarget, name), textContent: words }),
    );
    this.warnings = el("button", {
      type: "button",
      class: "filter",
      "aria-pressed": "false",
      textContent: "Problems only",
      onclick: () => {
        const on = this.warnings.getAttribute("aria-pressed") !== "true";
        attribute(this.warnings, "aria-pressed", String(on));
        attribute(this.list, "data-problems", on ? "" : null);
      },
    });
    this.save = el("button", { type: "button", class: "quiet", title: "All entries, as JSON", onclick: () => this.download() }, icon("download"), "JSON");
    return el("div", { class: "timeline-head" }, this.title, el("div", { class: "kinds", role: "group", "aria-label": "What is shown" }, ...buttons, this.warnings), this.save);
  }

  toggle(button, name) {
    const on = button.getAttribute("aria-pressed") !== "true";
    attribute(button, "aria-pressed", String(on));
    attribute(this.list, `data-no-${name}`, on ? null : "");
  }

  async look() {
    for (;;) {
      const { entries } = await server.timeline(this.kind, this.sid, this.last || "");
      if (!entries.length) break;
      this.add(entries);
      if (entries.length < PAGE) break;
    }
    show(this.none, this.entries.length === 0);
  }

  add(entries) {
    const fresh = entries.filter((entry) => !this.lines.has(entry.id));
    this.last = Math.max(this.last, ...entries.map((entry) => entry.id));
    if (!fresh.length) return;
    this.entries = [...this.entries, ...fresh].sort((one, other) => one.at - other.at || one.id - other.id);
    const began = this.entries[0].at;
    for (const entry of fresh) this.lines.set(entry.id, this.line(entry));
    let place = this.list.firstElementChild;
    for (const entry of this.entries) {
      const { node, offset: since } = this.lines.get(entry.id);
      text(since, offset(entry.at - began));
      if (node === place) place = place.nextElementSibling;
      else this.list.insertBefore(node, place);
    }
    text(this.title, `Timeline: ${count(this.entries.length, "entry", "entries")}`);
    this.overview.draw(this.entries);
    this.onEntries(this.entries);
  }

  line(entry) {
    const { name, picture } = groupOf(entry.kind);
    const since = el("span", { class: "offset" });
    const node = el(
      "li",
      { class: "moment", "data-group": name, "data-level": entry.level, id: `entry-${entry.id}`, tabIndex: -1 },
      el("time", { class: "at", datetime: new Date(entry.at).toISOString(), title: iso(entry.at), textContent: clock(entry.at) }),
      since,
      el("span", { class: "dot" }, icon(entry.level === "info" ? picture : "warn")),
      el("div", { class: "what" }, this.sentence(entry), this.more(entry)),
    );
    return { node, offset: since };
  }

  sentence(entry) {
    const words = el("p", { class: "sentence" });
    if (entry.level !== "info") words.append(el("span", { class: "unseen", textContent: `${entry.level}: ` }));
    words.append(...prose(entry.text));
    return words;
  }

  more(entry) {
    const found = [];
    if (entry.kind === "document.request" && this.onDocument) {
      found.push(el("button", { type: "button", class: "small", onclick: () => this.onDocument(entry) }, icon("document"), "Document"));
    }
    if (entry.kind.startsWith("callback.") && entry.kind !== "callback.none") {
      const about = entry.conference || entry.call;
      found.push(el("a", { class: "small", href: href("callbacks", { q: about }) }, "Callbacks"));
    }
    if (this.kind === "conferences" && entry.call) found.push(el("a", { class: "small", href: toCall(entry.call) }, "Call"));
    if (this.kind === "calls" && entry.conference && !entry.kind.startsWith("callback.")) found.push(el("a", { class: "small", href: toConference(entry.conference) }, "Conference"));
    const pairs = Object.entries(entry.facts).filter(([name, value]) => name !== "fields" && value !== null && value !== "");
    if (pairs.length) {
      const node = server.severalNodes ? entry.node : "";
      const list = facts([["kind", entry.kind], ["node", node], ...pairs.map(([name, value]) => [name, plain(value)])]);
      found.push(el("details", { class: "facts-of" }, el("summary", { textContent: "Facts" }), list));
    }
    return found.length ? el("div", { class: "extras" }, ...found) : null;
  }

  reveal(entry) {
    const { node } = this.lines.get(entry.id);
    node.scrollIntoView({ block: "center" });
    node.focus();
  }

  download() {
    const blob = new Blob([JSON.stringify(this.entries, null, 2)], { type: "application/json" });
    const link = el("a", { href: URL.createObjectURL(blob), download: `timeline-${this.sid}.json` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}

