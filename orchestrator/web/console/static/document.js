// A document as it was fetched, each warning at its line; and as it is when it is asked for again.

import { act, chip, el, facts, icon, show } from "./dom.js";
import { ask } from "./ask.js";
import { count, iso, clock } from "./format.js";
import * as server from "./server.js";

// `warnings`: {line, text}; those without a line stand above the document.
export function code(body, warnings) {
  const lines = body.replace(/\r\n?/g, "\n").replace(/\n$/, "").split("\n");
  const list = el("ol", { class: "code", tabIndex: 0, "aria-label": "The document, line by line" });
  const at = (line) => warnings.filter((warning) => warning.line === line);
  const elsewhere = warnings.filter((warning) => !(warning.line >= 1 && warning.line <= lines.length));
  lines.forEach((words, place) => {
    const found = at(place + 1);
    const node = el("li", found.length ? { class: "warned" } : {}, el("code", { textContent: words || " " }));
    node.append(...found.map((warning) => el("p", { class: "warning" }, icon("warn"), warning.text)));
    list.append(node);
  });
  return el("div", { class: "paper" }, ...elsewhere.map((warning) => el("p", { class: "warning" }, icon("warn"), warning.text)), list);
}

// Each request of a call with its answer and warnings, in order.
export function requests(entries) {
  const found = [];
  for (const entry of entries) {
    const last = found.findLast((one) => one.request.call === entry.call);
    if (entry.kind === "document.request") found.push({ request: entry, answer: null, failed: null, warnings: [] });
    else if (!last) continue;
    else if (entry.kind === "document.answer") last.answer = entry;
    else if (entry.kind === "document.failed") last.failed = entry;
    else if (entry.kind === "document.warning") last.warnings.push({ line: entry.facts.line, text: entry.facts.problem ?? entry.text });
  }
  return found;
}

function outcome(answer) {
  if (!answer) return chip("wait", "no answer yet");
  const { status } = answer.facts;
  return chip(status >= 200 && status < 300 ? "good" : "bad", String(status ?? "no answer"));
}

export class DocumentView {
  constructor(callSid, onClose) {
    this.callSid = callSid;
    this.node = el("section", { class: "document", "aria-labelledby": "document-title", hidden: true });
    this.onClose = onClose;
    this.id = 0;
  }

  open({ request, answer, failed, warnings }, { focus = false } = {}) {
    const key = JSON.stringify([request.id, answer?.id, failed?.id, warnings.length]);
    show(this.node, true);
    if (key === this.key) return this.focus(focus);
    this.key = key;
    this.id = request.id;
    const { url, method, purpose } = request.facts;
    this.title = el("h3", { id: "document-title", tabIndex: -1, textContent: purpose ? `Document for ${purpose}` : "Document" });
    this.again = el("button", { type: "button", onclick: () => this.askAgain(request) }, icon("replay"), "Ask again…");
    this.results = el("div", { class: "results" });
    const error = failed?.text ?? "";
    const line = failed?.facts.line ?? 0;
    const all = line ? [...warnings, { line, text: failed.facts.problem }] : warnings;
    this.node.replaceChildren(
      el("header", {}, this.title, outcome(answer ?? failed), warnings.length ? chip("wait", count(warnings.length, "warning", "warnings")) : null, this.again),
      facts([
        ["Request", `${method} ${url}`],
        ["Asked", el("time", { title: iso(request.at), datetime: new Date(request.at).toISOString(), textContent: clock(request.at) })],
        ["Answer", answer ? `${answer.facts.bytes} bytes of ${answer.facts.type || "no type"} in ${answer.facts.ms} ms` : ""],
        ["Came from", answer && answer.facts.url !== url ? answer.facts.url : ""],
      ]),
      error ? el("p", { class: "problem", textContent: error }) : "",
      this.fields(request),
      answer?.document ? code(answer.document, all) : el("p", { class: "note", textContent: answer ? "Its text is not kept: it is audio, or empty." : "" }),
      answer?.cut ? el("p", { class: "note", textContent: "Only its beginning is kept." }) : "",
      this.results,
    );
    this.focus(focus);
    return undefined;
  }

  focus(wanted) {
    if (!wanted) return;
    this.title.focus({ preventScroll: true });
    this.node.scrollIntoView({ block: "nearest" });
  }

  fields(request) {
    const rows = (request.facts.fields ?? []).map((pair) => {
      const [name, ...value] = pair.split("=");
      return el("tr", {}, el("th", { scope: "row", textContent: name }), el("td", { textContent: value.join("=") }));
    });
    if (!rows.length) return "";
    return el(
      "details",
      { class: "sent" },
      el("summary", { textContent: count(rows.length, "field was sent", "fields were sent") }),
      el("table", { class: "body" }, el("tbody", {}, ...rows)),
    );
  }

  async askAgain(request) {
    const { method, url } = request.facts;
    const yes = await ask({
      title: "Ask for the document again?",
      text:
        `A real HTTP request goes to your application: ${method} ${url}, with the same fields as before. ` +
        "Its answer is shown here; no call runs it. An application that counts or stores requests counts this one, too.",
      yes: "Send the request",
    });
    if (!yes) return;
    const answer = await act(this.again, () => server.askAgain(this.callSid, request.id), (found) =>
      found.problem ? `The document cannot be used: ${found.problem}` : `The document can be used: ${count(found.warnings.length, "warning", "warnings")}`,
    );
    if (answer) this.results.prepend(this.result(answer));
  }

  result(answer) {
    const usable = !answer.problem;
    return el(
      "article",
      { class: "result", "aria-label": "Asked again" },
      el(
        "header",
        {},
        el("h4", { textContent: `Asked again at ${clock(answer.at)}` }),
        answer.status ? chip(usable ? "good" : "bad", String(answer.status)) : null,
        chip(usable ? (answer.warnings.length ? "wait" : "good") : "bad", usable ? (answer.warnings.length ? count(answer.warnings.length, "warning", "warnings") : "no warnings") : "cannot be used"),
      ),
      facts([
        ["Answer", answer.status ? `${answer.bytes} bytes of ${answer.type || "no type"} in ${answer.ms} ms` : `none, after ${answer.ms} ms`],
        ["Verbs", answer.verbs.join(", ")],
      ]),
      answer.problem ? el("p", { class: "problem", textContent: answer.problem }) : "",
      answer.masked ? el("p", { class: "note", textContent: `${count(answer.masked, "value that was", "values that were")} masked in the timeline went out as stars.` }) : "",
      answer.document ? code(answer.document, answer.warnings) : "",
    );
  }
}
