// The FreeSWITCH nodes: whether each can be used, and what of this account is on it.

import { by, chip, el, toast } from "./dom.js";
import { count, naturally } from "./format.js";
import * as server from "./server.js";

const LOOK_AGAIN = 2000;
const HEAD = ["Node", "State", "Now", "Note"];
const STATES = {
  up: ["good", ""],
  down: ["bad", ""],
  draining: ["wait", "New conferences are opened on other nodes; it can be stopped once it is drained."],
  drained: ["wait", "Nothing is left on it: it can be stopped."],
};

function row({ name, state, problem, conferences, participants }) {
  const [kind, note] = STATES[state];
  const now = `${count(conferences, "conference", "conferences")}, ${count(participants, "participant", "participants")}`;
  return el(
    "tr",
    {},
    el("th", { scope: "row", textContent: name }),
    el("td", {}, chip(kind, state)),
    el("td", { textContent: now }),
    el("td", { textContent: problem || note }),
  );
}

export function page() {
  const title = el("h2", { id: "nodes-title", tabIndex: -1, textContent: "Nodes" });
  const lines = el("tbody");
  const head = el("thead", {}, el("tr", {}, ...HEAD.map((name) => el("th", { scope: "col", textContent: name }))));
  by("nodes").replaceChildren(
    el("div", { class: "toolbar" }, title, el("span", { class: "count", textContent: "conferences and participants are those of this account" })),
    el("div", { class: "frame" }, el("table", { class: "list list-nodes", "aria-labelledby": "nodes-title" }, head, lines)),
  );
  let timer = 0;
  let words = "";
  async function look() {
    try {
      const { nodes } = await server.nodes();
      const fitting = nodes.filter((one) => one.name.toLowerCase().includes(words));
      lines.replaceChildren(...fitting.sort((one, other) => naturally(one.name, other.name)).map(row));
    } catch (problem) {
      if (problem.status !== 401) toast(problem.message);
    }
  }
  const close = () => clearInterval(timer);
  return {
    title,
    open({ q = "" }) {
      words = q.toLowerCase();
      close();
      timer = setInterval(() => document.hidden || look(), LOOK_AGAIN);
      return look();
    },
    close,
    forget() {
      close();
      lines.replaceChildren();
    },
  };
}
