// Numbers and the applications that they lead to, as the settings say: to read, not to change.

import { by, chip, el, facts, toast } from "./dom.js";
import { naturally, number } from "./format.js";
import { href } from "./router.js";
import * as server from "./server.js";

const place = (pair) => (pair ? `${pair[0]} ${pair[1]}` : "");

function row({ number: key, pattern, application }) {
  const name = key ? number(key) : el("span", { textContent: "all others" });
  const calls = key && !pattern ? el("a", { href: href("calls", { q: key }), textContent: "Calls" }) : "";
  const call = el("button", { type: "button", "data-phone": "number", "data-to": key, "data-name": key, "aria-label": `Call ${key}`, textContent: "Call" });
  return el(
    "tr",
    {},
    el("th", { scope: "row", "data-name": "Number" }, name, pattern && key ? " " : "", pattern && key ? chip("", "pattern") : ""),
    el("td", { "data-name": "Application" }, el("a", { href: `#application-${application}`, textContent: application })),
    el("td", { "data-name": "" }, calls, calls && " ", calls && call),
  );
}

function application(one) {
  return el(
    "article",
    { class: "sheet-card", id: `application-${one.name}`, tabIndex: -1 },
    el("h4", { textContent: one.name }),
    facts([
      ["ConnectionId", one.connection],
      ["Voice URL", place(one.voice)],
      ["Fallback", place(one.fallback) || "none"],
      ["Status callback", place(one.status) || "none"],
      ["Trunk", one.trunk || "none: it cannot call phone numbers"],
      ["Profile", one.profile || "default"],
      ["Region", one.region],
      ["Requests", `${one.fields} fields, ${one.signatures} signature`],
    ]),
  );
}

function trunk(one) {
  return el(
    "article",
    { class: "sheet-card" },
    el("h4", { textContent: one.name }),
    facts([
      ["Calls from", one.addresses.join(", ") || "nowhere: it has no addresses"],
      ["May call", one.destinations.join(", ") || "nothing"],
      ["Registers", one.registers ? "yes" : "no"],
    ]),
  );
}

function part(title, items, make, none) {
  return el(
    "section",
    { class: "part" },
    el("h3", { textContent: title }),
    items.length ? el("div", { class: "sheets" }, ...items.map(make)) : el("p", { class: "note", textContent: none }),
  );
}

export function page() {
  const title = el("h2", { id: "numbers-title", tabIndex: -1, textContent: "Numbers" });
  const content = el("div");
  by("numbers").replaceChildren(
    el("div", { class: "toolbar" }, title, el("span", { class: "count", textContent: "as the settings say; a change of the file and a reload change them" })),
    content,
  );
  return {
    title,
    async open({ q = "" }) {
      try {
        const found = await server.numbers();
        const words = q.toLowerCase();
        const fits = (one) => `${one.number} ${one.application}`.toLowerCase().includes(words);
        const rows = found.numbers.filter(fits).sort((one, other) => naturally(one.number || "~", other.number || "~"));
        const head = ["Number", "Application", ""].map((name) => (name ? el("th", { scope: "col", textContent: name }) : el("td")));
        content.replaceChildren(
          rows.length
            ? el("div", { class: "frame" }, el("table", { class: "list list-numbers", "aria-labelledby": "numbers-title" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows.map(row))))
            : el("p", { class: "note", textContent: q ? `No number fits “${q}”.` : "No number leads to an application of this account: its calls are refused." }),
          part("Applications", found.applications, application, "This account has no application."),
          part("Trunks", found.trunks, trunk, "No trunk: phone numbers cannot be called."),
        );
      } catch (problem) {
        if (problem.status !== 401) toast(problem.message);
      }
    },
    close() {},
    forget: () => content.replaceChildren(),
  };
}
