// Signing in, the address bar, and the views that follow changes.

import * as cards from "./cards.js";
import * as detail from "./detail.js";
import { attribute, by, say, show, text, toast } from "./dom.js";
import * as finished from "./finished.js";
import { clock } from "./format.js";
import * as live from "./live.js";
import * as phone from "./phone_panel.js";
import * as server from "./server.js";

let view = "";
let inside = false;
let lostAt = 0;
let problems = {};

live.listen(cards.update);
live.listen(detail.update);
setInterval(() => {
  cards.tick();
  detail.tick();
}, 1000);

const still = matchMedia("(prefers-reduced-motion: reduce)");
let beat = 0;

setInterval(() => {
  if (!inside || document.hidden || still.matches || by("sum-talking").textContent === "0") return;
  beat = (beat + 1) % 4;
  attribute(by("dashboard"), "data-beat", String(beat));
}, 250);

// Signing in

async function begin() {
  try {
    const session = await server.session();
    if (session.account) enter(session);
    else login(session.keys);
  } catch (problem) {
    login(true);
    text(by("sign-in-problem"), problem.message);
  }
}

function login(keys) {
  inside = false;
  live.stop();
  phone.allow(false);
  cards.clear();
  detail.close();
  by("ask").close("");
  show(by("dashboard"), false);
  show(by("login"), true);
  show(by("sign-in"), keys);
  show(by("no-keys"), !keys);
  document.querySelector(".skip").hidden = true;
  document.title = "Sign in – Conferences";
  if (keys) by("key").focus();
}

function enter(session) {
  inside = true;
  show(by("login"), false);
  show(by("dashboard"), true);
  document.querySelector(".skip").hidden = false;
  text(by("account"), session.account.name || session.account.sid);
  text(by("sign-in-problem"), "");
  document.title = "Conferences";
  live.start(linked);
  phone.allow(session.calls);
  route();
}

server.whenSignedOut(() => {
  if (!inside) return;
  login(true);
  text(by("sign-in-problem"), "You have been signed out.");
});

by("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const key = by("key");
  text(by("sign-in-problem"), "");
  try {
    const session = await server.signIn(key.value);
    key.value = "";
    enter(session);
    by("main").focus();
  } catch (problem) {
    text(by("sign-in-problem"), problem.message);
    key.select();
  }
});

by("sign-out").addEventListener("click", async () => {
  try {
    await server.signOut();
  } catch (problem) {
    if (problem.status !== 401) return toast(problem.message);
  }
  login(true);
});

// The connection

function linked(state, what) {
  if (state === "problems") {
    problems = what;
  } else if (state === "again") {
    again(what);
    return;
  } else {
    if (state === "lost") lostAt ||= Date.now();
    else if (lostAt) {
      lostAt = 0;
      say("Live again");
    }
    if (state === "live") cards.sums();
    attribute(by("link"), "data-state", state);
    text(by("link"), state === "live" ? "Live" : "Connecting…");
  }
  const words = Object.values(problems);
  if (lostAt) words.unshift(`No connection to the orchestrator since ${clock(lostAt)}: what is shown may be old`);
  show(by("banner"), words.length > 0);
  text(by("banner"), words.length ? `${words.join(". ")}.` : "");
  attribute(by("dashboard"), "data-stale", lostAt ? "" : null);
}

// A stream that ended may be an orchestrator that was restarted: it knows no session of before.
async function again(open) {
  const session = await server.session().catch(() => null);
  if (session && !session.account) {
    login(session.keys);
    text(by("sign-in-problem"), "You have been signed out.");
  } else if (inside) {
    open();
  }
}

// Where we are

function route() {
  if (!inside) return;
  const [, sid] = /^#\/conference\/([\w-]+)$/.exec(location.hash) ?? [];
  if (sid) {
    cards.select(sid);
    detail.show_(sid);
    attribute(by("dashboard"), "data-open", "");
    if (!view) look("live");
    return;
  }
  attribute(by("dashboard"), "data-open", null);
  const closed = detail.close();
  cards.select("");
  look(location.hash === "#/finished" ? "finished" : "live");
  if (closed) back(closed);
}

function back(sid) {
  const line = view === "finished" && document.querySelector(`#over a[href="#/conference/${sid}"]`);
  if (line) line.focus();
  else cards.focus(sid);
}

function look(wanted) {
  view = wanted;
  show(by("live"), view === "live");
  show(by("finished"), view === "finished");
  show(by("sort").parentElement, view === "live");
  attribute(by("to-live"), "aria-current", view === "live" ? "page" : null);
  attribute(by("to-finished"), "aria-current", view === "finished" ? "page" : null);
  if (view === "finished") finished.open(by("words").value.trim());
}

addEventListener("hashchange", route);

document.querySelector("[data-skip]").addEventListener("click", (event) => {
  event.preventDefault();
  by("main").focus();
});

addEventListener("keydown", (event) => {
  if (!inside || by("ask").open || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest?.("input, select, textarea");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    by("words").focus();
  } else if (event.key === "Escape" && !typing && location.hash.startsWith("#/conference/")) {
    location.hash = view === "finished" ? "#/finished" : "#/";
  }
});

document.addEventListener("click", (event) => {
  // Closing leads back to the list that it was opened from.
  if (event.target.closest?.(".leave") && view === "finished") {
    event.preventDefault();
    location.hash = "#/finished";
  }
});

// Searching and sorting

let searching = 0;

by("words").addEventListener("input", () => {
  clearTimeout(searching);
  searching = setTimeout(() => {
    const words = by("words").value.trim();
    cards.search(words);
    if (view === "finished") finished.open(words);
    else if (words) say(`${cards.fitting()} fit`);
  }, 150);
});

by("sort").addEventListener("change", () => cards.sortBy(by("sort").value));

begin();
