// A question before what cannot be taken back, and where an address is needed.

import { attribute, by, show } from "./dom.js";

// The entered text, "yes", or "" for no.
export function ask({ title, text, yes, danger = false, address = false }) {
  const dialog = by("ask");
  const field = by("ask-address");
  by("ask-title").textContent = title;
  by("ask-text").textContent = text;
  show(by("ask-text"), Boolean(text));
  show(by("ask-field"), address);
  field.required = address;
  field.pattern = "https?://.+";
  by("ask-yes").textContent = yes;
  attribute(by("ask-yes"), "class", danger ? "danger" : "primary");
  dialog.returnValue = "";
  dialog.showModal();
  (address ? field : by("ask-no")).focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue && (address ? field.value.trim() : "yes")), {
      once: true,
    });
  });
}

by("ask-no").addEventListener("click", () => by("ask").close(""));
