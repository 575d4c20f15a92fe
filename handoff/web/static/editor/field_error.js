/** The message beside a field that must be mended. */
import { el } from "../shared/dom.js";

/** @param {string} name */
export function buildFieldError(name) {
  const element = el("p", { class: "ed-field-error", id: `error-${name}`, hidden: true });
  return {
    element,
    /** @param {string|undefined} message @param {HTMLElement} [input] */
    render(message, input) {
      element.hidden = !message;
      setText(element, message ?? "");
      if (message) input?.setAttribute("aria-invalid", "true");
      else input?.removeAttribute("aria-invalid");
    },
  };
}

/** Write only what differs: a status region speaks on every write. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
