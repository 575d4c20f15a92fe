/** The sign-in page. */
import { api } from "../shared/api.js";
import { chooseNext, connectReveal, showError, whileBusy } from "./form.js";

const form = /** @type {HTMLFormElement} */ (document.querySelector(".gate__form"));
const { email, password } = /** @type {any} */ (form.elements);
const errors = /** @type {HTMLElement} */ (form.querySelector(".gate__errors"));
const submit = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));

connectReveal(/** @type {HTMLButtonElement} */ (form.querySelector(".gate__reveal")), [password]);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  whileBusy(submit, "Signing in…", signIn);
});
submit.disabled = false; // until here the browser would have sent the form by itself, to an address that takes none

async function signIn() {
  showError(errors, "");
  try {
    const { operator } = await api.post(
      "/api/staff/sign-in",
      { email: email.value.trim(), password: password.value },
      { keepsPageOn401: true },
    );
    location.replace(chooseNext(location.search, operator.role, location.origin));
  } catch (error) {
    showError(errors, explain(error));
    password.select();
    password.focus();
  }
}

function explain(error) {
  if (error.code === "sign_in_failed") return "E-mail or password is wrong. Check both and try again.";
  if (error.code === "too_many_tries") return "Too many tries. Wait a few minutes, then try again.";
  return error.message;
}
