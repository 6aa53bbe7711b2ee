// A list of the server's: page by page, narrowed by what the page's address says, renewed while it is seen.

import { attribute, by, el, show, text, toast } from "./dom.js";
import { count, when } from "./format.js";
import * as router from "./router.js";
import * as server from "./server.js";

const RENEW = 3000;

const dayStart = (value, days = 0) => {
  const [year, month, day] = value.split("-").map(Number);
  return year ? String(new Date(year, month - 1, day + days).getTime()) : "";
};

// The server's parameters for a query of the address bar.
export const asked = ({ q, from, to, ...rest }) => ({
  ...rest,
  words: q,
  since: from ? dayStart(from) : "",
  until: to ? dayStart(to, 1) : "",
});

export class List {
  // `row(item)` gives the cells of an item; `columns` their names; `states` the choices of a filter.
  constructor({ kind, title, columns, row, key, states = [], stateName = "State", empty, above = null, arrived = () => {} }) {
    Object.assign(this, { kind, columns, row, key, empty, arrived });
    this.query = null;
    this.rows = new Map();
    this.asking = 0;
    this.title = el("h2", { id: `${kind}-title`, tabIndex: -1, textContent: title });
    this.count = el("span", { class: "count" });
    this.filters = el("div", { class: "filters" }, ...this.inputs(states, stateName));
    this.clear = el("button", { type: "button", class: "quiet", textContent: "Clear filters", onclick: () => this.unfilter() });
    this.filters.append(this.clear);
    this.body = el("tbody");
    this.table = el(
      "table",
      { class: `list list-${kind}`, "aria-labelledby": `${kind}-title` },
      el("thead", {}, el("tr", {}, ...columns.map((name) => el("th", { scope: "col", textContent: name })))),
      this.body,
    );
    this.nothing = el("div", { class: "nothing", hidden: true });
    this.more = el("button", { type: "button", textContent: "Show more", onclick: () => this.load(this.next) });
    this.reach = el("p", { class: "note" });
    this.foot = el("div", { class: "more" }, this.reach, this.more);
    by(kind).replaceChildren(
      el("div", { class: "toolbar" }, this.title, this.count, this.filters),
      ...(above ? [above] : []),
      el("div", { class: "frame" }, this.table),
      this.nothing,
      this.foot,
    );
    setInterval(() => this.renew(), RENEW);
  }

  inputs(states, stateName) {
    const date = (name, label) => {
      this[name] = el("input", { type: "date", onchange: () => router.narrow({ [name]: this[name].value }) });
      return el("label", {}, label, this[name]);
    };
    const found = [date("from", "From"), date("to", "To")];
    if (states.length) {
      this.state = el(
        "select",
        { onchange: () => router.narrow({ state: this.state.value }) },
        ...states.map(([value, name]) => el("option", { value, textContent: name })),
      );
      found.unshift(el("label", {}, stateName, this.state));
    }
    return found;
  }

  unfilter() {
    by("words").value = "";
    router.narrow({ q: "", from: "", to: "", state: "", receiver: "" });
  }

  open(query) {
    const same = JSON.stringify(query) === JSON.stringify(this.query);
    this.query = query;
    for (const name of ["from", "to", "state"]) if (this[name]) this[name].value = query[name] ?? "";
    show(this.clear, Object.keys(query).length > 0);
    this.shown = true;
    if (same) this.renew();
    else this.load(null);
  }

  close() {
    this.shown = false;
  }

  // Signed out: nothing of this account is left on the page.
  forget() {
    this.shown = false;
    this.query = null;
    this.next = null;
    this.put([]);
  }

  async load(after) {
    const mine = (this.asking += 1);
    attribute(this.table, "aria-busy", "true");
    try {
      const page = await server.list(this.kind, { ...asked(this.query), after });
      if (mine !== this.asking) return;
      this.next = page.next;
      this.put(after ? [...this.items, ...page.items] : page.items);
      this.arrival(page);
    } catch (problem) {
      if (mine === this.asking && problem.status !== 401) toast(problem.message);
    } finally {
      if (mine === this.asking) attribute(this.table, "aria-busy", null);
    }
  }

  // The newest page again; those that were loaded beyond it stay.
  async renew() {
    if (!this.shown || document.hidden || this.table.ariaBusy === "true" || !this.query) return;
    const mine = this.asking;
    try {
      const page = await server.list(this.kind, asked(this.query));
      if (mine !== this.asking || !this.shown) return;
      const fresh = new Set(page.items.map(this.key));
      const kept = (this.items ?? []).filter((item) => !fresh.has(this.key(item)));
      const longer = (this.items?.length ?? 0) > page.items.length;
      if (!longer) this.next = page.next;
      this.put(longer ? [...page.items, ...kept] : page.items);
      this.arrival(page);
    } catch {
      // The banner says that the orchestrator does not answer.
    }
  }

  arrival(page) {
    this.arrived(page);
    show(this.more, Boolean(this.next));
    const words = Boolean(this.query.q);
    text(this.count, this.items.length ? count(this.items.length, "entry", "entries") + (this.next ? ", and more" : "") : "");
    if (page.searched) this.reach.replaceChildren("Searched back to ", when(page.searched), ".");
    else text(this.reach, "");
    text(this.more, page.searched ? "Search further back" : "Show more");
    show(this.nothing, this.items.length === 0);
    show(this.table.parentElement, this.items.length > 0);
    const [big, small] = this.empty(words ? this.query.q : "", Object.keys(this.query).length > 0);
    this.nothing.replaceChildren(el("p", { class: "big", textContent: big }), el("p", { textContent: small }));
  }

  put(items) {
    this.items = items;
    const before = this.rows;
    this.rows = new Map();
    let place = this.body.firstElementChild;
    for (const item of items) {
      const key = this.key(item);
      const state = JSON.stringify(item);
      let known = before.get(key);
      before.delete(key);
      if (!known || known.state !== state) {
        const node = this.line(item);
        if (known) this.swap(known.node, node, () => (place = place === known.node ? node : place));
        known = { node, state };
      }
      this.rows.set(key, known);
      if (known.node === place) place = place.nextElementSibling;
      else this.body.insertBefore(known.node, place);
    }
    for (const { node } of before.values()) node.remove();
  }

  // In its place, with the focus where it was.
  swap(old, node, moved) {
    const places = "a, button, summary";
    const focused = [...old.querySelectorAll(places)].indexOf(document.activeElement);
    const open = old.querySelector("details")?.open;
    if (open) node.querySelector("details")?.setAttribute("open", "");
    moved();
    old.replaceWith(node);
    if (focused >= 0) node.querySelectorAll(places)[focused]?.focus();
  }

  line(item) {
    const cells = this.row(item);
    return el(
      "tr",
      { "data-key": String(this.key(item)) },
      ...cells.map((cell, place) => {
        const about = { "data-name": this.columns[place] };
        return place === 0 ? el("th", { scope: "row", ...about }, cell) : el("td", about, cell);
      }),
    );
  }
}
