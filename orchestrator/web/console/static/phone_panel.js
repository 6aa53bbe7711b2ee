// The panel of a call: where it goes, how it stands, mute, digits, hanging up. An element with data-phone opens it:
// data-phone="number" or "conference", data-to (a conference's sid, or empty: asked for), data-name.

import { attribute, el, icon, show, text } from "./dom.js";
import { Call, STATES } from "./phone.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

let call = null;
let target = null;
let parts = null;
let ticking = 0;
let opener = null;

// Whether the settings have calls from the console: without, nothing that opens the panel is shown.
export function allow(on) {
  attribute(document.body, "data-phones", on ? "" : null);
  if (!on) close();
}

// Signed out: the call ends.
export function close() {
  call?.hangUp();
  parts?.panel.close();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-phone]");
  if (!button) return;
  opener = button;
  open(button.dataset.phone, button.dataset.to ?? "", button.dataset.name ?? "");
});

addEventListener("pagehide", () => call?.hangUp());

function open(kind, to, name) {
  parts ??= build();
  if (!call?.live) {
    call = null;
    target = to ? { kind, to, name: name || to } : null;
    parts.kind.value = kind;
    parts.to.value = "";
    show(parts.asked, !target);
    parts.to.required = !target;
    text(parts.problem, "");
  }
  if (!parts.panel.open) parts.panel.show();
  draw();
  (call?.live ? parts.hangUp : target ? parts.dial : parts.to).focus();
}

function dial(event) {
  event.preventDefault();
  const chosen = target ?? { kind: parts.kind.value, to: parts.to.value.trim(), name: parts.to.value.trim() };
  if (!chosen.to) return;
  target = chosen;
  text(parts.problem, "");
  const mine = (call = new Call(
    () => mine === call && draw(),
    (stream) => {
      parts.sound.srcObject = stream;
    },
  ));
  draw();
  parts.hangUp.focus();
  call.start({ [chosen.kind]: chosen.to });
}

function draw() {
  const live = Boolean(call?.live);
  show(parts.form, !live);
  show(parts.running, live);
  show(parts.close, !live);
  text(parts.title, target ? `Call ${target.kind === "conference" ? "into " : ""}${target.name}` : "Call");
  text(parts.state, call ? STATES[call.state] : "");
  attribute(parts.state, "data-state", call?.state ?? "none");
  const talking = call?.state === "talking";
  for (const key of parts.keys) key.disabled = !talking;
  parts.mute.disabled = !talking;
  attribute(parts.mute, "aria-pressed", String(Boolean(call?.muted)));
  text(parts.muteText, call?.muted ? "Muted" : "Mute");
  if (call && !live) {
    text(parts.problem, call.problem);
    parts.sound.srcObject = null;
    if (parts.running.contains(document.activeElement) || document.activeElement === document.body) parts.dial.focus();
  }
  clearInterval(ticking);
  if (talking) ticking = setInterval(tick, 1000);
  tick();
}

function tick() {
  const seconds = call?.since ? Math.floor((Date.now() - call.since) / 1000) : 0;
  const shown = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  text(parts.time, call?.state === "talking" ? shown : "");
}

function leave() {
  call?.hangUp();
  parts.panel.close();
  opener?.focus();
}

function build() {
  const kind = el(
    "select",
    { id: "phone-kind" },
    el("option", { value: "number", textContent: "a number" }),
    el("option", { value: "conference", textContent: "a conference" }),
  );
  const to = el("input", { id: "phone-to", autocomplete: "off", spellcheck: "false", maxlength: "128" });
  const asked = el(
    "p",
    { class: "phone-asked" },
    el("label", { for: "phone-kind", textContent: "To" }),
    kind,
    el("label", { for: "phone-to", textContent: "Number, or the conference's name" }),
    to,
  );
  const dialButton = el("button", { class: "primary", type: "submit", textContent: "Call" });
  const form = el("form", { onsubmit: dial }, asked, el("p", { class: "buttons" }, dialButton));
  const state = el("span", { id: "phone-state", role: "status" });
  const time = el("span", { class: "time" });
  const keys = KEYS.map((key) =>
    el("button", { type: "button", textContent: key, "aria-label": `Key ${key}`, onclick: () => call?.press(key) }),
  );
  const muteText = el("span");
  const mute = el(
    "button",
    { type: "button", class: "phone-mute", "aria-pressed": "false", onclick: () => call?.mute(!call.muted) },
    icon("mute"),
    muteText,
  );
  const hangUp = el(
    "button",
    { type: "button", class: "danger", onclick: () => call?.hangUp() },
    icon("drop"),
    "Hang up",
  );
  const running = el(
    "div",
    { class: "phone-running" },
    el("div", { class: "phone-keys", role: "group", "aria-label": "Digits" }, ...keys),
    el("p", { class: "buttons" }, mute, hangUp),
  );
  const title = el("h2", { id: "phone-title" });
  const problem = el("p", { class: "problem", role: "alert" });
  const sound = el("audio", { id: "phone-sound", autoplay: true });
  const closeButton = el(
    "button",
    { type: "button", class: "quiet", "aria-label": "Close the call's panel", onclick: leave },
    icon("close"),
  );
  const panel = el(
    "dialog",
    { id: "phone", class: "phone", "aria-labelledby": "phone-title" },
    el("div", { class: "phone-head" }, title, closeButton),
    el("p", { class: "phone-line" }, state, time),
    problem,
    form,
    running,
    sound,
  );
  panel.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select");
    if (event.key === "Escape" && !call?.live) leave();
    else if (!typing && KEYS.includes(event.key)) call?.press(event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.body.append(panel);
  return { panel, title, state, time, problem, form, kind, to, asked, dial: dialButton, running, keys, mute, muteText, hangUp, close: closeButton, sound };
}
