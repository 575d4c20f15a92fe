/** What the sign-in and join pages share: rules without a page, and a form that can be busy or wrong. */
import { el, fill } from "../shared/dom.js";

export const PASSWORD_MIN_CHARS = 12;
const ELSEWHERE = /^\/(sign-in|join)(\/|\?|#|$)/;

/**
 * Where to go after signing in: only a path of this site, never an address of somebody else's.
 * @param {string} search  the query of the page
 * @param {string} role
 * @param {string} origin
 */
export function chooseNext(search, role, origin) {
  const home = role === "editor" ? "/editor" : "/console";
  const wanted = new URLSearchParams(search).get("next") ?? "";
  if (!wanted.startsWith("/")) return home;
  try {
    const url = new URL(wanted, origin);
    return url.origin === origin && !ELSEWHERE.test(url.pathname) ? url.pathname + url.search + url.hash : home;
  } catch {
    return home; // not an address
  }
}

/**
 * How far a new password is. @param {string} password @param {string} again
 * @returns {{isLongEnough: boolean, missing: number, isSame: boolean}}
 */
export function checkPassword(password, again) {
  const chars = [...password].length;
  return {
    isLongEnough: chars >= PASSWORD_MIN_CHARS,
    missing: Math.max(0, PASSWORD_MIN_CHARS - chars),
    isSame: password !== "" && password === again,
  };
}

/** Let a button show and hide the password of its input. @param {HTMLButtonElement} button @param {HTMLInputElement[]} inputs */
export function connectReveal(button, inputs) {
  button.addEventListener("click", () => {
    const isShown = inputs[0].type === "password";
    button.textContent = isShown ? "Hide" : "Show";
    button.setAttribute("aria-label", isShown ? "Hide password" : "Show password");
    for (const input of inputs) input.type = isShown ? "text" : "password";
  });
}

/** Say what went wrong, where screen readers hear it. @param {HTMLElement} place @param {string} message */
export function showError(place, message) {
  fill(place, message ? el("p", { class: "bt-error gate__error", text: message }) : []);
}

/** Run work with the button busy. @param {HTMLButtonElement} button @param {string} busyText @param {() => Promise<void>} work */
export async function whileBusy(button, busyText, work) {
  const text = button.textContent;
  button.disabled = true;
  button.textContent = busyText;
  try {
    await work();
  } finally {
    button.disabled = false;
    button.textContent = text;
  }
}
