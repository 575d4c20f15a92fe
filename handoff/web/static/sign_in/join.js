/** The page behind a one-time invitation: choose a name and a password. */
import { api } from "../shared/api.js";
import { el, fill } from "../shared/dom.js";
import { PASSWORD_MIN_CHARS, checkPassword, chooseNext, connectReveal, showError, whileBusy } from "./form.js";

const ROLES = {
  operator: "You are joining as an operator.",
  editor: "You are joining as an editor.",
  admin: "You are joining as an administrator.",
};
const FIELDS = ["name", "email", "password"];

const card = /** @type {HTMLElement} */ (document.querySelector(".gate__card"));
const form = /** @type {HTMLFormElement} */ (card.querySelector(".gate__form"));
const { name, email, password, again } = /** @type {any} */ (form.elements);
const errors = /** @type {HTMLElement} */ (form.querySelector(".gate__errors"));
const submit = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));
const rules = { length: form.querySelector(".gate__rule--length"), same: form.querySelector(".gate__rule--same") };
const token = decodeURIComponent(location.pathname.replace(/^\/join\//, ""));
const path = `/api/staff/join/${encodeURIComponent(token)}`;

connectReveal(/** @type {HTMLButtonElement} */ (form.querySelector(".gate__reveal")), [password, again]);
for (const input of [password, again]) input.addEventListener("input", showRules);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  whileBusy(submit, "Joining…", join);
});

async function start() {
  try {
    show(await api.get(path, {}, { keepsPageOn401: true }));
  } catch (error) {
    if (error.code === "link_invalid") showInvalid();
    else
      fill(
        card,
        el("h1", { class: "gate__title", text: "This page could not be loaded" }),
        el("p", { class: "bt-soft", text: error.message }),
        el("button", { type: "button", class: "bt-button", text: "Try again", on: { click: () => location.reload() } }),
      );
  }
}

function show(invitation) {
  card.querySelector(".gate__lead").textContent = ROLES[invitation.role] ?? "";
  name.value = invitation.name ?? "";
  if (invitation.email) {
    email.value = invitation.email;
    email.readOnly = true;
  }
  form.hidden = false;
  showRules();
  (name.value ? (email.readOnly ? password : email) : name).focus();
}

function showInvalid() {
  document.title = "This link cannot be used · Baton";
  fill(
    card,
    el("h1", { class: "gate__title", text: "This link cannot be used" }),
    el("p", {
      class: "bt-soft",
      text: "An invitation works once and for a limited time. Ask the person who invited you for a new link.",
    }),
    el("p", null, el("a", { href: "/sign-in", text: "I have an account: sign in" })),
  );
}

function showRules() {
  const { isLongEnough, missing, isSame } = checkPassword(password.value, again.value);
  mark(
    rules.length,
    isLongEnough,
    isLongEnough || !password.value
      ? `${PASSWORD_MIN_CHARS} characters or more`
      : `${missing} more ${missing === 1 ? "character" : "characters"}`,
  );
  mark(rules.same, isSame, again.value && !isSame ? "The two differ" : "The same twice");
}

function mark(rule, isKept, text) {
  rule.classList.toggle("gate__rule--kept", isKept);
  fill(rule, text, isKept && el("span", { class: "bt-visually-hidden", text: ": done" }));
}

async function join() {
  showError(errors, "");
  const { isLongEnough, isSame } = checkPassword(password.value, again.value);
  if (!isLongEnough || !isSame) {
    showError(
      errors,
      isLongEnough ? "The two passwords differ." : `Choose a password of ${PASSWORD_MIN_CHARS} characters or more.`,
    );
    (isLongEnough ? again : password).focus();
    return;
  }
  try {
    const { operator } = await api.post(
      path,
      { name: name.value.trim(), email: email.value.trim(), password: password.value },
      { keepsPageOn401: true },
    );
    location.replace(chooseNext("", operator.role, location.origin));
  } catch (error) {
    if (error.code === "link_invalid") showInvalid();
    else showError(errors, error.message);
    if (FIELDS.includes(error.field)) form.elements[error.field].focus();
  }
}

start();
