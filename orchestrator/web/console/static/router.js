// Addresses of the pages. Each link is a real one: the back button, a bookmark and a new tab work.

import { el } from "./dom.js";

const root = new URL("../../", import.meta.url);

const ROUTES = [
  ["live", /^$/],
  ["conference", /^conferences\/([^/]+)$/],
  ["conferences", /^conferences$/],
  ["call", /^calls\/([^/]+)$/],
  ["calls", /^calls$/],
  ["rejected", /^rejected$/],
  ["callbacks", /^callbacks$/],
  ["numbers", /^numbers$/],
  ["nodes", /^nodes$/],
];

let onRoute = () => {};

// Of something on this server, relative to the page's root.
export const at = (path) => new URL(path, root).href;

export function href(path, query = {}) {
  const url = new URL(path, root);
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
  return url.pathname + url.search;
}

// A CallSid has a colon, which stays readable.
const segment = (sid) => encodeURIComponent(sid).replaceAll("%3A", ":");
export const toConference = (sid) => href(`conferences/${segment(sid)}`);
export const toCall = (sid) => href(`calls/${segment(sid)}`);

// Where a page is: its list, and what it shows itself.
export const trail = (path, words, here) =>
  el("nav", { class: "trail", "aria-label": "Breadcrumb" }, el("a", { href: href(path), textContent: words }), here);

function read(url) {
  if (url.origin !== root.origin || !url.pathname.startsWith(root.pathname)) return null;
  const path = url.pathname.slice(root.pathname.length);
  for (const [name, pattern] of ROUTES) {
    const found = pattern.exec(path);
    if (found) return { name, sid: decodeURIComponent(found[1] ?? ""), query: Object.fromEntries(url.searchParams) };
  }
  return null;
}

export const here = () => ({ ...(read(new URL(location.href)) ?? read(root)), beside: Boolean(history.state?.beside) });

export function go(address, { replace = false, beside = false } = {}) {
  history[replace ? "replaceState" : "pushState"]({ beside }, "", address);
  onRoute(here(), replace ? "replaced" : "pushed");
}

// Parts of the query, as a filter sets them; the page stays.
export function narrow(changes) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  go(url.pathname + url.search, { replace: true, beside: Boolean(history.state?.beside) });
}

export function start(routed) {
  onRoute = routed;
  // A relative address would mean another file once the page's own address is deeper.
  document.querySelector('link[rel="icon"]').href = at("console/static/icon.svg");
  addEventListener("popstate", () => onRoute(here(), "popped"));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) && event.button === 0;
    if (!link || !plain || event.defaultPrevented || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (url.hash || !read(url)) return;
    event.preventDefault();
    go(url.pathname + url.search, { beside: "beside" in link.dataset });
  });
  old();
}

// Addresses of earlier versions, as they may be in somebody's bookmarks.
function old() {
  const [, sid] = /^#\/conference\/([\w-]+)$/.exec(location.hash) ?? [];
  if (sid) history.replaceState(null, "", toConference(sid));
  else if (location.hash === "#/finished") history.replaceState(null, "", href("conferences", { state: "over" }));
}
