/** What stands under the log: the place in the queue, the form for when nobody is there, the rating. */

import { h, setText } from "./dom.js";

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const SCORES = [1, 2, 3, 4, 5];

export class Aside {
  #node;
  #sections;
  #shown = null;

  /**
   * @param {HTMLElement} node
   * @param {Record<string, string>} texts
   * @param {(name: string, values: object) => void} act
   */
  constructor(node, texts, act) {
    this.#node = node;
    this.#sections = {
      queue: h("section", { class: "bt-panel bt-panel--wait" }, h("h2", {}, texts.queueTitle), h("p", {}, texts.queueText)),
      contact: buildContact(texts, act),
      rating: buildRating(texts, act),
      again: h("p", { class: "bt-notice" }, texts.again),
    };
  }

  /** Say when somebody will be there, if that is known. */
  tellOpening(text) {
    const line = this.#sections.contact.querySelector("[data-opens]");
    setText(line, text);
    line.hidden = !text;
  }

  /** @returns {boolean} whether something else stands there now */
  show(name) {
    if (name === this.#shown) return false;
    this.#shown = name;
    this.#node.replaceChildren(...(name ? [this.#sections[name]] : []));
    return true;
  }

  /** Fill in what the site knows, but nothing that the visitor has typed. */
  suggest({ name, email }) {
    const fields = this.#sections.contact.elements;
    fields.name.value ||= name ?? "";
    fields.email.value ||= email ?? "";
  }

  focus() {
    this.#node.querySelector("input")?.focus();
  }
}

function field(label, input, hint) {
  return h("label", { class: "bt-field" }, h("span", {}, label, hint ? h("small", {}, ` (${hint})`) : null), input);
}

/** Tie a message to the field that it is about, and go there. */
function complain(error, input, text) {
  setText(error, text);
  error.hidden = false;
  input.setAttribute("aria-invalid", "true");
  input.focus();
}

function buildContact(texts, act) {
  const input = (name, more) => h("input", { class: "bt-input", name, dir: "auto", maxlength: 200, ...more });
  const error = h("p", { class: "bt-wrong", role: "alert", hidden: true });
  const form = h(
    "form",
    { class: "bt-panel", novalidate: true, "aria-label": texts.leave },
    h("h2", {}, texts.awayTitle),
    h("p", { class: "bt-opens", "data-opens": "", hidden: true }),
    h("p", {}, texts.awayText),
    field(texts.name, input("name", { autocomplete: "name" }), texts.optional),
    field(texts.email, input("email", { type: "email", autocomplete: "email", dir: "ltr" })),
    field(texts.message, h("textarea", { class: "bt-input", name: "message", rows: 3, maxlength: 4000, dir: "auto" })),
    error,
    h("button", { class: "bt-main" }, texts.leave),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { name, email, message } = form.elements;
    for (const part of [email, message]) part.removeAttribute("aria-invalid");
    error.hidden = true;
    if (!EMAIL.test(email.value.trim())) complain(error, email, texts.emailInvalid);
    else if (!message.value.trim()) complain(error, message, texts.messageMissing);
    else act("leave_contact", { name: name.value.trim(), email: email.value.trim(), message: message.value.trim() });
  });
  return form;
}

function buildRating(texts, act) {
  const error = h("p", { class: "bt-wrong", role: "alert", hidden: true });
  const score = (value) => h("label", { class: "bt-score" }, h("input", { type: "radio", name: "score", value }), h("span", {}, String(value)));
  const form = h(
    "form",
    { class: "bt-panel", novalidate: true },
    h(
      "fieldset",
      { class: "bt-scores" },
      h("legend", {}, texts.rateTitle),
      h("div", { class: "bt-scale" }, ...SCORES.map(score)),
      h("div", { class: "bt-ends", "aria-hidden": "true" }, h("span", {}, texts.worst), h("span", {}, texts.best)),
    ),
    field(texts.comment, h("textarea", { class: "bt-input", name: "comment", rows: 2, maxlength: 1000, dir: "auto" }), texts.optional),
    error,
    h(
      "div",
      { class: "bt-row" },
      h("button", { class: "bt-main" }, texts.rateSend),
      h("button", { type: "button", class: "bt-link", "data-do": "not_now" }, texts.notNow),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = form.elements.score.value;
    error.hidden = Boolean(chosen);
    if (!chosen) complain(error, form.elements.score[0], texts.rateMissing);
    else act("rate", { score: Number(chosen), comment: form.elements.comment.value.trim() });
  });
  return form;
}
