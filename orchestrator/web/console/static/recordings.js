// Recordings to listen to, each with its waveform.

import { el, icon, show, svg, text } from "./dom.js";
import { clock, count, length, when } from "./format.js";
import { at } from "./router.js";
import * as server from "./server.js";

const HEIGHT = 40;
const WORDS = {
  "in-progress": "being recorded",
  paused: "paused",
  absent: "nothing was recorded",
};

class Recording {
  constructor(recording) {
    this.sid = recording.sid;
    this.title = el("span", { class: "name" });
    this.state = el("span", { class: "time" });
    this.player = el("div", { class: "player" });
    this.node = el("li", { class: "recording" }, el("p", {}, this.title, this.state), this.player);
    this.address = "";
  }

  update(recording) {
    if (this.started !== recording.started) {
      this.started = recording.started;
      this.title.replaceChildren(when(recording.started));
    }
    text(this.state, recording.seconds ? length(recording.seconds * 1000) : (WORDS[recording.status] ?? recording.status));
    if (recording.address && !this.address) {
      this.address = recording.address;
      this.draw(recording);
    }
  }

  draw(recording) {
    const audio = el("audio", { controls: true, preload: "none", src: at(recording.address), "aria-label": `Recording from ${clock(recording.started)}` });
    const head = svg("line", { class: "head", x1: 0, x2: 0, y1: 0, y2: HEIGHT });
    const wave = svg("path", { class: "wave" });
    const picture = svg(
      "svg",
      { class: "loudness", preserveAspectRatio: "none", viewBox: `0 0 480 ${HEIGHT}`, role: "img" },
      wave,
      head,
    );
    picture.setAttribute("aria-label", "Loudness over time");
    const note = el("p", { class: "note", hidden: true, textContent: "The audio cannot be played. Try again later." });
    const move = () => {
      const share = audio.duration ? audio.currentTime / audio.duration : 0;
      const width = picture.viewBox.baseVal.width;
      head.setAttribute("x1", share * width);
      head.setAttribute("x2", share * width);
    };
    audio.addEventListener("timeupdate", move);
    audio.addEventListener("error", () => show(note, true));
    audio.addEventListener("playing", () => show(note, false));
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      const to = ((event.clientX - box.left) / box.width) * recording.seconds;
      if (audio.readyState) audio.currentTime = to;
      else audio.addEventListener("loadedmetadata", () => (audio.currentTime = to), { once: true });
      audio.play();
    });
    const kind = recording.address.includes(".mp3") ? "mp3" : "wav";
    const save = el("a", { class: "small", href: at(recording.address), download: `${recording.sid}.${kind}` }, icon("download"), "Download");
    this.player.replaceChildren(picture, audio, el("p", { class: "extras" }, save), note);
    server.peaks(this.sid).then(
      ({ peaks }) => {
        picture.setAttribute("viewBox", `0 0 ${Math.max(1, peaks.length)} ${HEIGHT}`);
        wave.setAttribute("d", path(peaks));
      },
      () => picture.remove(),
    );
  }
}

// Quiet is drawn taller than it is: speech is mostly below a third of full scale.
function path(peaks) {
  const middle = HEIGHT / 2;
  return peaks
    .map((peak, x) => {
      const half = Math.max(0.5, Math.sqrt(peak / 100) * (middle - 1));
      return `M${x + 0.5} ${(middle - half).toFixed(1)}V${(middle + half).toFixed(1)}`;
    })
    .join("");
}

export class Recordings {
  constructor() {
    this.list = el("ul", { class: "recordings" });
    this.none = el("p", { class: "note", textContent: "None." });
    this.title = el("h3", { textContent: "Recordings" });
    this.node = el("section", {}, this.title, this.none, this.list);
    this.known = new Map();
  }

  update(recordings) {
    show(this.none, recordings.length === 0);
    show(this.list, recordings.length > 0);
    for (const recording of recordings) {
      if (!this.known.has(recording.sid)) {
        const made = new Recording(recording);
        this.known.set(recording.sid, made);
        this.list.append(made.node);
      }
      this.known.get(recording.sid).update(recording);
    }
    text(this.title, recordings.length ? count(recordings.length, "recording", "recordings") : "Recordings");
  }
}

// Begin, pause, go on with and stop a recording: only what can be done now is to be pressed.
export function recordButtons(order) {
  const button = (name, words, status, done) => {
    const made = el("button", { type: "button", hidden: true }, icon(name), words);
    made.addEventListener("click", () => order(status, made, done));
    return made;
  };
  const start = button("record", "Record", "in-progress", "The recording begins");
  const pause = button("hold", "Pause recording", "paused", "The recording is paused");
  const resume = button("play", "Go on recording", "in-progress", "The recording goes on");
  const stop = button("stop", "Stop recording", "stopped", "The recording is stopped");
  return {
    node: el("span", { class: "buttons", role: "group", "aria-label": "Recording" }, start, pause, resume, stop),
    // `status`: in-progress, paused, or empty where none is written.
    update(possible, status) {
      const shown = [
        [start, possible && !status],
        [pause, possible && status === "in-progress"],
        [resume, possible && status === "paused"],
        [stop, possible && Boolean(status)],
      ];
      const focused = shown.find(([one, on]) => one === document.activeElement && !on);
      for (const [one, on] of shown) show(one, on);
      if (focused) shown.find(([, on]) => on)?.[0].focus();
    },
  };
}
