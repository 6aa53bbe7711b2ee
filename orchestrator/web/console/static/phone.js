// A call from this page: SIP over a WebSocket of the console, and its sound. No elements here: phone_panel.js shows it.

import { at } from "./router.js";
import * as server from "./server.js";

// A machine with many networks, or with one that does not answer, is not waited for.
const GATHER_MS = 500;
const CONNECT_MS = 10000;
const POLICY = 1008;

export const STATES = {
  microphone: "Waiting for the microphone…",
  connecting: "Connecting…",
  ringing: "Ringing…",
  talking: "In call",
  over: "Call ended",
};

const REFUSALS = {
  403: "The call was refused: its credential is used or too old. Call again.",
  404: "No application has this number.",
  408: "Nobody answered.",
  480: "Nobody can be reached there.",
  486: "It is busy.",
  488: "FreeSWITCH takes none of the browser's codecs.",
  503: "The orchestrator takes no calls at the moment.",
  603: "The call was declined.",
};
const NO_SOUND =
  "No sound passes between this browser and FreeSWITCH: its UDP ports have to be reachable from here (FS_EXTERNAL_RTP_IP).";

// The microphone's sound. Throws an Error in words for people.
async function microphone() {
  if (!navigator.mediaDevices) throw new Error("A browser gives the microphone to pages with https, or at localhost.");
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (problem) {
    if (problem.name === "NotAllowedError" || problem.name === "SecurityError") {
      throw new Error("The browser does not allow the microphone: allow it beside the address, and call again.");
    }
    if (problem.name === "NotFoundError") throw new Error("This machine has no microphone.");
    throw new Error(`The microphone cannot be used: ${problem.message}`);
  }
}

export class Call {
  // `changed` is called with each new state; `sound` with the other side's, a MediaStream.
  constructor(changed, sound) {
    this.state = "microphone";
    this.problem = "";
    this.muted = false;
    this.since = 0;
    this.changed = changed;
    this.sound = sound;
    this.ua = this.session = this.stream = null;
    this.timer = 0;
  }

  get live() {
    return this.state !== "over";
  }

  // `target` has a `number`, or a `conference`: its name or sid.
  async start(target) {
    try {
      const stream = await microphone();
      if (!this.live) return stop(stream);
      this.stream = stream;
      this.#become("connecting");
      const permit = await server.beginCall(target);
      const { UA, WebSocketInterface } = await import("./vendor/jssip.js");
      if (this.live) this.#connect(permit, UA, WebSocketInterface);
    } catch (problem) {
      this.#end(problem.message);
    }
  }

  #connect({ id, token }, UA, WebSocketInterface) {
    const url = new URL(at(`console/phone/${encodeURIComponent(id)}`));
    url.protocol = url.protocol.replace("http", "ws");
    this.ua = new UA({
      sockets: [new WebSocketInterface(url.href)],
      uri: "sip:browser@console.invalid",
      register: false,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 3,
    });
    this.timer = setTimeout(() => this.#end("FreeSWITCH cannot be reached: `orchestrator doctor` says why."), CONNECT_MS);
    this.ua.on("connected", () => {
      clearTimeout(this.timer);
      if (!this.session && this.live) this.#call(`sip:${token}@console.invalid`);
    });
    this.ua.on("disconnected", ({ code, reason }) => {
      if (code === POLICY && this.live) this.#end(this.state === "talking" && /ended/.test(reason) ? "" : reason);
    });
    this.ua.start();
  }

  #call(uri) {
    const session = (this.session = this.ua.call(uri, {
      mediaStream: this.stream,
      mediaConstraints: { audio: true, video: false },
      pcConfig: { iceServers: [] },
    }));
    session.connection.addEventListener("track", ({ streams, track }) => {
      this.sound(streams[0] ?? new MediaStream([track]));
    });
    session.on("icecandidate", ({ ready }) => setTimeout(ready, GATHER_MS));
    session.on("progress", () => this.#become("ringing"));
    session.on("accepted", () => {
      this.since = Date.now();
      this.#become("talking");
    });
    session.on("failed", ({ cause, message, originator }) => {
      const status = message?.status_code;
      if (originator === "local" && cause === "Canceled") this.#end("");
      else this.#end(REFUSALS[status] ?? (cause === "RTP Timeout" ? NO_SOUND : `The call failed: ${status ?? ""} ${cause}`));
    });
    session.on("ended", ({ cause }) => this.#end(cause === "RTP Timeout" ? NO_SOUND : ""));
  }

  mute(on) {
    if (!this.session || !this.live) return;
    if (on) this.session.mute({ audio: true });
    else this.session.unmute({ audio: true });
    this.muted = on;
    this.changed();
  }

  press(key) {
    if (this.state === "talking") this.session.sendDTMF(key, { transportType: "RFC2833" });
  }

  hangUp() {
    if (this.session && !this.session.isEnded()) this.session.terminate();
    else this.#end("");
  }

  #become(state) {
    if (!this.live || this.state === state) return;
    this.state = state;
    this.changed();
  }

  #end(problem) {
    if (!this.live) return;
    clearTimeout(this.timer);
    this.state = "over";
    this.problem = problem ?? "";
    stop(this.stream);
    // Its BYE leaves before the WebSocket is closed.
    const { ua, session } = this;
    if (session && !session.isEnded()) session.terminate();
    setTimeout(() => ua?.stop(), 500);
    this.changed();
  }
}

function stop(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
