// Signing in, the connection, and which page the address shows.

import * as calls from "./call.js";
import * as callbacks from "./callbacks.js";
import * as cards from "./cards.js";
import * as conference from "./conference.js";
import { attribute, by, done, say, show, text, toast } from "./dom.js";
import { clock } from "./format.js";
import * as lists from "./lists.js";
import * as live from "./live.js";
import * as nodes from "./nodes.js";
import * as numbers from "./numbers.js";
import * as phone from "./phone_panel.js";
import * as router from "./router.js";
import * as server from "./server.js";

const TITLES = { live: "Live", conferences: "Conferences", calls: "Calls", call: "Call", rejected: "Rejected calls", callbacks: "Callbacks", numbers: "Numbers", nodes: "Nodes" };
const BELOW = { conference: "conferences", call: "calls", rejected: "calls" };
const livePage = { title: by("live-title"), open: ({ q = "" }) => find(q), close() {}, forget() {} };
const pages = {
  live: livePage,
  conferences: lists.conferences(),
  calls: lists.calls(),
  call: calls.page(),
  rejected: lists.rejected(),
  callbacks: callbacks.page(),
  numbers: numbers.page(),
  nodes: nodes.page(),
};
let shown = "";
let inside = false;
let lostAt = 0;
let problems = {};
let searching = 0;

live.listen(cards.update);
live.listen(conference.update);
setInterval(() => {
  cards.tick();
  conference.tick();
  pages.call.tick();
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
  shown = "";
  live.stop();
  phone.allow(false);
  cards.clear();
  conference.close();
  for (const page of Object.values(pages)) page.forget();
  by("ask").close("");
  show(by("found"), false);
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
  attribute(by("account"), "title", `Signed in with ${session.key}`);
  text(by("sign-in-problem"), "");
  live.start(linked);
  show(document.querySelector('.views [data-page="nodes"]'), server.severalNodes);
  phone.allow(session.calls);
  route(router.here(), "begun");
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
  if (state === "again") return again(what);
  if (state === "failing") return cards.warn(what.sid, what.number);
  if (state === "problems") problems = what;
  else {
    if (state === "lost") lostAt ||= Date.now();
    else if (lostAt) {
      lostAt = 0;
      done("Live again");
    }
    if (state === "live") cards.sums();
    attribute(by("link"), "data-state", state);
    text(by("link"), state === "live" ? "Live" : "Connecting…");
  }
  const named = ([part, problem]) => (server.severalNodes && part.startsWith("node ") ? `${part}: ${problem}` : problem);
  const words = Object.entries(problems).map(named);
  if (lostAt) words.unshift(`No connection to the orchestrator since ${clock(lostAt)}: what is shown may be old`);
  show(by("banner"), words.length > 0);
  text(by("banner"), words.length ? `${words.join(". ")}.` : "");
  return attribute(by("dashboard"), "data-stale", lostAt ? "" : null);
}

// A stream that ended may be an orchestrator that is being restarted, which knows the session again, or a key that
// was withdrawn.
async function again(open) {
  const session = await server.session().catch(() => null);
  if (session && !session.account) {
    login(session.keys);
    text(by("sign-in-problem"), "You have been signed out.");
  } else if (inside) {
    open();
  }
}

// The page that the address says

function route({ name, sid, query, beside }, how) {
  if (!inside) return;
  if (how !== "replaced") clearTimeout(searching);
  const overLive = name === "conference" && beside;
  if (!overLive && by("words").value.trim() !== (query.q ?? "") && document.activeElement !== by("words")) by("words").value = query.q ?? "";
  const page = name === "conference" ? (overLive ? "live" : "") : name;
  if (shown && shown !== page) pages[shown].close();
  for (const key of Object.keys(pages)) show(by(key), key === page);
  const before = shown;
  shown = page;
  mark(BELOW[name] && !overLive ? BELOW[name] : overLive ? "live" : name, query.q ?? "");
  if (name === "conference") {
    cards.select(sid);
    if (conference.openConference(sid, beside) && !beside) scrollTo(0, 0);
    return;
  }
  const closed = conference.close();
  cards.select("");
  pages[page].open(query, sid);
  if (name !== "call") document.title = `${TITLES[name]} – Conferences`;
  if (how === "pushed" && before !== page) scrollTo(0, 0);
  if (closed && page === "live") cards.focus(closed);
  else if (how === "pushed" || how === "popped") pages[page].title?.focus({ preventScroll: true });
}

function mark(current, words) {
  for (const link of document.querySelectorAll(".views a")) {
    const { page } = link.dataset;
    attribute(link, "href", router.href(page === "live" ? "" : page, { q: words }));
    attribute(link, "aria-current", page === current ? "page" : null);
    if (page === current) link.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

router.start(route);

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
  } else if (event.key === "Escape" && !typing && router.here().name === "conference") {
    leave();
  }
});

// Back to the list that it was opened from.
function leave() {
  if (history.state?.beside) router.go(router.href("", { q: by("words").value.trim() }));
  else router.go(router.href("conferences"));
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.(".leave")) return;
  event.preventDefault();
  leave();
}, { capture: true });

// Searching and sorting

function find(words) {
  cards.search(words);
  lists.findElsewhere(words);
}

by("words").addEventListener("input", () => {
  clearTimeout(searching);
  // A page that is gone to before the search has begun is searched, too.
  mark(document.querySelector(".views [aria-current]")?.dataset.page, by("words").value.trim());
  searching = setTimeout(() => {
    const words = by("words").value.trim();
    const { name } = router.here();
    if (name === "conference" && shown === "live") find(words);
    else if (name === "conference" || name === "call") router.go(router.href(name === "call" ? "calls" : "conferences", { q: words }));
    else router.narrow({ q: words });
    if (words && name === "live") say(`${cards.fitting()} fit`);
  }, 200);
});

const remembered = (name) => {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
};

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A browser that keeps nothing shows what it showed at first.
  }
}

for (const [name, set] of [["sort", cards.sortBy], ["density", (value) => cards.densely(value === "list")]]) {
  const field = by(name);
  const kept = remembered(name);
  if (kept && [...field.options].some((option) => option.value === kept)) field.value = kept;
  set(field.value);
  field.addEventListener("change", () => {
    set(field.value);
    remember(name, field.value);
  });
}

begin();
