// The timeline at one look: a lane for the call, its documents, verbs, conference, recordings and callbacks.

import { el, show, svg } from "./dom.js";
import { length } from "./format.js";

const LANE = 22;
const BAR = 10;
const LEFT = 88;
const LEAST = 160;
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
const OPENS = {
  "document.request": ["documents", ["document.answer", "document.failed"], (entry) => entry.facts.url],
  "verb.begin": ["verbs", ["verb.end"], (entry) => entry.facts.verb],
  "conference.waiting": ["conference", ["conference.join", "conference.leave", "conference.end"], (entry) => `waits for ${entry.facts.name}`],
  "conference.join": ["conference", ["conference.leave", "conference.end"], (entry) => `in ${entry.facts.name}`],
  "conference.start": ["conference", ["conference.end"], () => "running"],
  "recording.start": ["recordings", ["recording.completed", "recording.absent"], () => "recording"],
};
const POINTS = { callback: "callbacks", media: "call", dtmf: "call", api: "call", conference: "conference" };
const LANES = ["call", "documents", "verbs", "conference", "recordings", "callbacks"];

// Spans and points of the entries: {lane, from, to, level, words, entry}.
function drawn(entries) {
  const found = [];
  const open = [];
  const end = entries.at(-1).at;
  for (const entry of entries) {
    const matches = (one) => one.ends.includes(entry.kind) && one.entry.call === entry.call;
    for (const one of open.filter(matches)) {
      open.splice(open.indexOf(one), 1);
      one.span.to = entry.at;
      if (entry.level !== "info") one.span.level = entry.level;
    }
    const opens = OPENS[entry.kind];
    if (opens) {
      const [lane, ends, words] = opens;
      const span = { lane, from: entry.at, to: end, level: entry.level, words: words(entry), entry };
      open.push({ span, ends, entry });
      found.push(span);
    } else if (entry.kind.split(".")[0] in POINTS && !Object.values(OPENS).some(([, ends]) => ends.includes(entry.kind))) {
      found.push({ lane: POINTS[entry.kind.split(".")[0]], from: entry.at, to: entry.at, level: entry.level, words: entry.text, entry });
    }
  }
  return [...found, ...life(entries, end)];
}

// The call itself: ringing, then answered, to its end.
function life(entries, end) {
  const first = entries.find((entry) => ["call.arrived", "call.dialled"].includes(entry.kind));
  if (!first) return [];
  const answered = entries.find((entry) => entry.kind === "call.status" && entry.facts.status === "answered" && entry.call === first.call);
  const over = entries.find((entry) => entry.kind === "call.hangup" && entry.call === first.call);
  const to = over?.at ?? end;
  const rings = { lane: "call", from: first.at, to: answered?.at ?? to, level: "rings", words: "ringing", entry: first };
  if (!answered) return [{ ...rings, level: over?.level === "error" ? "error" : "rings" }];
  return [rings, { lane: "call", from: answered.at, to, level: over?.level ?? "info", words: "answered", entry: answered }];
}

export class Overview {
  constructor(reveal) {
    this.reveal = reveal;
    this.entries = [];
    this.node = el("div", { class: "overview", hidden: true });
    // A pixel is a pixel, whatever the width: its words are to be read.
    new ResizeObserver(() => {
      if (this.entries.length && this.node.clientWidth !== this.drawnAt) this.draw(this.entries);
    }).observe(this.node);
  }

  draw(entries) {
    this.entries = entries;
    const [from, to] = [entries[0].at, Math.max(entries.at(-1).at, entries[0].at + 100)];
    const spans = drawn(entries);
    const lanes = LANES.filter((lane) => spans.some((span) => span.lane === lane));
    show(this.node, lanes.length > 0);
    this.drawnAt = this.node.clientWidth;
    if (!lanes.length || this.drawnAt < LEAST) return;
    const width = this.drawnAt - 18;
    const height = lanes.length * LANE + 22;
    const x = (at) => LEFT + ((at - from) / (to - from)) * (width - LEFT - 8);
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, "aria-hidden": "true", class: "lanes" });
    picture.append(...this.scale(from, to, x, width, height));
    lanes.forEach((lane, place) => {
      const y = place * LANE + LANE / 2 + 3;
      picture.append(svg("text", { x: 0, y: y + 4, class: "lane" }, lane));
      picture.append(svg("line", { x1: LEFT, x2: width - 8, y1: y, y2: y, class: "rail" }));
      for (const span of spans.filter((one) => one.lane === lane)) picture.append(this.mark(span, x, y));
    });
    this.node.replaceChildren(picture);
  }

  mark(span, x, y) {
    const title = svg("title", {}, span.words);
    const [left, right] = [x(span.from), x(span.to)];
    const shape =
      span.from === span.to
        ? svg("circle", { cx: left, cy: y, r: 4.5, class: `mark ${span.level}` }, title)
        : svg("rect", { x: left, y: y - BAR / 2, width: Math.max(3, right - left), height: BAR, rx: 3, class: `mark ${span.lane} ${span.level}` }, title);
    shape.addEventListener("click", () => this.reveal(span.entry));
    return shape;
  }

  scale(from, to, x, width, height) {
    const seconds = (to - from) / 1000;
    const step = STEPS.find((one) => seconds / one <= Math.max(2, (width - LEFT) / 60)) ?? seconds / 5;
    const found = [];
    for (let at = 0; at <= seconds + 1e-6; at += step) {
      const place = x(from + at * 1000);
      found.push(svg("line", { x1: place, x2: place, y1: 0, y2: height - 18, class: "grid" }));
      const words = step < 1 ? `${at.toFixed(1)} s` : at < 60 ? `${Math.round(at)} s` : length(at * 1000);
      if (place < width - 20) found.push(svg("text", { x: place, y: height - 5, class: "tick" }, words));
    }
    return found;
  }
}
