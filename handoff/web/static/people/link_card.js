/** A one-time link, shown once, with a way to copy it. */
import { el } from "../shared/dom.js";
import { describePerson } from "./row.js";

/**
 * @param {any} person
 * @param {string} url
 * @param {{onClose: () => void}} options
 */
export function buildLinkCard(person, url, { onClose }) {
  const called = describePerson(person);
  const said = el("span", { class: "people__copied", role: "status" });
  const field = el("input", {
    class: "bt-input people__url",
    type: "text",
    value: url,
    readonly: true,
    "aria-label": "One-time link",
    on: { focus: () => field.select() },
  });
  const copy = el("button", {
    type: "button",
    class: "bt-button bt-button--primary",
    text: "Copy",
    on: { click: async () => (said.textContent = await copyText(field)) },
  });
  return el(
    "section",
    { class: "people__link", "aria-label": `Link for ${called}` },
    el("h2", { class: "people__link-title", text: `Send this link to ${called}` }),
    el("p", {
      class: "bt-soft",
      text: "It works once, and it is shown only now: Baton keeps no copy of it. Whoever has it can join, so send it to this person alone.",
    }),
    el(
      "div",
      { class: "people__copy" },
      field,
      copy,
      el("button", { type: "button", class: "bt-button bt-button--quiet", text: "Done", on: { click: onClose } }),
    ),
    said,
  );
}

/** Copy a field's text; without the right to, select it for the person to copy. @param {HTMLInputElement} field */
async function copyText(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return "Copied.";
  } catch {
    field.focus(); // pages without https have no clipboard
    field.select();
    return "Press Ctrl+C to copy it.";
  }
}
