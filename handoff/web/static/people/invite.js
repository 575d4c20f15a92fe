/** The form that invites somebody. */
import { api } from "../shared/api.js";

/**
 * @param {HTMLElement} root  holds the form
 * @param {{onInvited: (person: any, url: string) => void}} options
 */
export function connectInvite(root, { onInvited }) {
  const form = /** @type {HTMLFormElement} */ (root.querySelector("form"));
  const submit = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));
  const general = /** @type {HTMLElement} */ (form.querySelector(".people__form-error"));
  root.hidden = false;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { name, email, role } = /** @type {any} */ (form.elements);
    const wrong = checkInvitation({ name: name.value, email: email.value });
    showErrors(form, general, wrong);
    if (Object.keys(wrong).length) return;
    submit.disabled = true;
    try {
      const { person, join_url: url } = await api.post("/api/staff/people", {
        name: name.value.trim(),
        email: email.value.trim(),
        role: role.value,
      });
      form.reset();
      onInvited(person, url);
    } catch (error) {
      showErrors(form, general, { [error.field ?? ""]: error.message });
    } finally {
      submit.disabled = false;
    }
  });
}

/** What must be mended, by field. @param {{name: string, email: string}} invitation @returns {Record<string, string>} */
export function checkInvitation({ name, email }) {
  /** @type {Record<string, string>} */
  const errors = {};
  if (!name.trim()) errors.name = "Write a name.";
  if (!/^[^\s@]+@[^\s@]+$/.test(email.trim())) errors.email = "Write an e-mail address, like ada@example.com.";
  return errors;
}

/** @param {HTMLFormElement} form @param {HTMLElement} general @param {Record<string, string>} errors */
function showErrors(form, general, errors) {
  let rest = errors[""] ?? "";
  for (const name of ["name", "email"]) {
    const place = /** @type {HTMLElement} */ (form.querySelector(`[data-error="${name}"]`));
    place.textContent = errors[name] ?? "";
    form.elements[name].toggleAttribute("aria-invalid", Boolean(errors[name]));
    if (errors[name]) form.elements[name].setAttribute("aria-invalid", "true");
  }
  for (const [name, message] of Object.entries(errors)) if (!["name", "email", ""].includes(name)) rest ||= message;
  general.textContent = rest;
  general.hidden = !rest;
  const first = ["name", "email"].find((name) => errors[name]);
  if (first) form.elements[first].focus();
}
