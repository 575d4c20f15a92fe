/** Questions that must be answered before going on, and short notices. Built on <dialog>: Escape and focus work. */
import { el } from "../shared/dom.js";

const NOTICE_MS = 6000; // long enough to read two short sentences

/**
 * Ask one question.
 * @param {{title: string, text: string, choices: {value: string, label: string, kind?: "primary"|"alert"}[], cancelLabel?: string}} question
 * @returns {Promise<string|null>} null when nothing was chosen
 */
export function askChoice({ title, text, choices, cancelLabel = "Cancel" }) {
  const buttons = choices.map(({ value, label, kind }) =>
    el("button", { class: ["bt-button", kind && `bt-button--${kind}`], type: "submit", value, text: label }),
  );
  const cancel = el("button", { class: "bt-button bt-button--quiet", type: "submit", value: "", text: cancelLabel });
  return openDialog({
    title,
    content: [el("p", { text })],
    buttons: [cancel, ...buttons.reverse()],
    focused: choices[0]?.kind === "primary" ? "last" : "first",
  });
}

/**
 * Show a dialog until one of its buttons is pressed.
 * @param {{title: string, content: Node[], buttons: HTMLElement[], isWide?: boolean, focused?: "first"|"last"}} options
 *   buttons submit with a value; what destroys something should not be one Enter away
 * @returns {Promise<string|null>}
 */
export function openDialog({ title, content, buttons, isWide = false, focused = "first" }) {
  const heading = el("h2", { class: "ed-dialog__title", id: "dialog-title", text: title });
  const form = el(
    "form",
    { method: "dialog", class: "ed-dialog__form" },
    heading,
    el(
      "div",
      {
        class: "ed-dialog__content",
        tabindex: isWide ? "0" : null,
        role: isWide ? "group" : null,
        "aria-labelledby": isWide ? "dialog-title" : null,
      },
      content,
    ),
    el("div", { class: "ed-dialog__buttons" }, buttons),
  );
  const dialog = /** @type {HTMLDialogElement} */ (
    el("dialog", { class: ["ed-dialog", isWide && "ed-dialog--wide"], "aria-labelledby": "dialog-title" }, form)
  );
  document.body.append(dialog);
  dialog.showModal();
  /** @type {HTMLElement|null} */ (buttons.at(focused === "last" ? -1 : 0))?.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    });
  });
}

/** A notice that goes away by itself; screen readers are told. */
export class NoticeBoard {
  #root;
  #timer = 0;

  /** @param {HTMLElement} root  an element with role="status" */
  constructor(root) {
    this.#root = root;
  }

  /** @param {string} text @param {"good"|"alert"} [kind] */
  show(text, kind = "good") {
    clearTimeout(this.#timer);
    this.#root.replaceChildren(el("p", { class: ["ed-notice", `ed-notice--${kind}`], text }));
    this.#timer = setTimeout(() => this.#root.replaceChildren(), NOTICE_MS);
  }

  close() {
    clearTimeout(this.#timer);
    this.#root.replaceChildren();
  }
}
