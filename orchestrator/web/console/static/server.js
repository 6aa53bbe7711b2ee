// Requests of the page to the server. The token against forged requests is known to this page alone.

import { at } from "./router.js";

let token = "";
// Of FreeSWITCH, where there are several; else all of it is on one.
export let severalNodes = false;
let onSignedOut = () => {};

export class Problem extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

export function whenSignedOut(act) {
  onSignedOut = act;
}

async function ask(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(at(`console/${path}`), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw new Problem(0, "The orchestrator does not answer.");
  }
  const answer = response.headers.get("Content-Type") === "application/json" ? await response.json() : {};
  if (response.ok) return answer;
  if (response.status === 401 && path !== "session") onSignedOut();
  throw new Problem(response.status, answer.problem ?? `The server answered ${response.status}.`);
}

const sids = (...parts) => parts.map(encodeURIComponent).join("/");
const given = (query) => new URLSearchParams(Object.entries(query).filter(([, value]) => value));

function remember(session) {
  token = session.csrf;
  severalNodes = session.nodes > 1;
  return session;
}

export const session = async () => remember(await ask("GET", "session"));
export const signIn = async (key) => remember(await ask("POST", "session", { key }));
export const signOut = () => ask("DELETE", "session");

export const list = (kind, query) => ask("GET", `${kind}?${given(query)}`);
export const conference = (sid) => ask("GET", `conferences/${sids(sid)}`);
export const call = (sid) => ask("GET", `calls/${sids(sid)}`);
export const timeline = (kind, sid, after) => ask("GET", `${kind}/${sids(sid)}/timeline?${given({ after })}`);
export const numbers = () => ask("GET", "numbers");
export const nodes = () => ask("GET", "nodes");
export const peaks = (sid) => ask("GET", `recordings/${sids(sid)}/peaks`);

export const orderRoom = (sid, order) => ask("POST", `conferences/${sids(sid)}`, order);
export const dial = (sid, order) => ask("POST", `conferences/${sids(sid)}/participants`, order);
export const orderParticipant = (sid, who, order) =>
  ask("POST", `conferences/${sids(sid)}/participants/${sids(who)}`, order);
export const drop = (sid, who) => ask("DELETE", `conferences/${sids(sid)}/participants/${sids(who)}`);
export const orderCall = (sid, order) => ask("POST", `calls/${sids(sid)}`, order);
export const askAgain = (sid, entry) => ask("POST", `calls/${sids(sid)}/timeline/${entry}/request`);
export const replay = (id) => ask("POST", `callbacks/${id}/replay`);
export const replayFailed = (receiver) => ask("POST", "callbacks/replay", { receiver });
export const beginCall = (target) => ask("POST", "phone", target);
