// Requests of the page to the server. The token against forged requests is known to this page alone.

let token = "";
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
    response = await fetch(`console/${path}`, {
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

const at = (sid, who) =>
  `conferences/${encodeURIComponent(sid)}` + (who ? `/participants/${encodeURIComponent(who)}` : "");

function remember(session) {
  token = session.csrf;
  return session;
}

export const session = async () => remember(await ask("GET", "session"));
export const signIn = async (key) => remember(await ask("POST", "session", { key }));
export const signOut = () => ask("DELETE", "session");
export const finished = (words, after) =>
  ask("GET", `conferences?${new URLSearchParams({ words, after: after ?? "" })}`);
export const conference = (sid) => ask("GET", at(sid));
export const peaks = (sid) => ask("GET", `recordings/${encodeURIComponent(sid)}/peaks`);
export const order = (sid, who, what) => ask("POST", at(sid, who), what);
export const drop = (sid, who) => ask("DELETE", at(sid, who));
export const beginCall = (target) => ask("POST", "phone", target);
