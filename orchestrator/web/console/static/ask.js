// A question before what cannot be taken back, and where something has to be entered.

import { attribute, by, el, show } from "./dom.js";

function input({ name, label, type = "text", value = "", required = false, pattern, placeholder, choices, checked, hint }) {
  const id = `ask-${name}`;
  const field = el("input", { id, type, value, required, pattern, placeholder, spellcheck: "false", autocomplete: "off" });
  if (type === "checkbox") {
    field.checked = Boolean(checked);
    return { name, field, node: el("p", { class: "field tick" }, field, el("label", { for: id, textContent: label })) };
  }
  if (type === "url" || type === "tel") field.inputMode = type;
  const list = choices?.length ? el("datalist", { id: `${id}-list` }, ...choices.map((one) => el("option", { value: one }))) : null;
  if (list) field.setAttribute("list", list.id);
  const note = hint ? el("small", { id: `${id}-hint`, textContent: hint }) : null;
  if (note) field.setAttribute("aria-describedby", note.id);
  return { name, field, node: el("p", { class: "field" }, el("label", { for: id, textContent: label }), field, list, note) };
}

// The values by name, {} where nothing was to be entered, or null for no.
export function ask({ title, text = "", yes, danger = false, fields = [] }) {
  const dialog = by("ask");
  const made = fields.map(input);
  by("ask-title").textContent = title;
  by("ask-text").textContent = text;
  show(by("ask-text"), Boolean(text));
  by("ask-fields").replaceChildren(...made.map(({ node }) => node));
  show(by("ask-fields"), made.length > 0);
  by("ask-yes").textContent = yes;
  attribute(by("ask-yes"), "class", danger ? "danger" : "primary");
  dialog.returnValue = "";
  dialog.showModal();
  (made[0]?.field ?? by("ask-no")).focus();
  return new Promise((resolve) => {
    const closed = () => {
      const values = made.map(({ name, field }) => [name, field.type === "checkbox" ? field.checked : field.value.trim()]);
      resolve(dialog.returnValue ? Object.fromEntries(values) : null);
    };
    dialog.addEventListener("close", closed, { once: true });
  });
}

export const ADDRESS = {
  name: "address",
  label: "Address of an audio file or a TeXML document",
  type: "url",
  required: true,
  pattern: "https?://.+",
  placeholder: "https://",
};

by("ask-no").addEventListener("click", () => by("ask").close(""));
