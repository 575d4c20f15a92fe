/** A small menu under a button, by the keyboard as by the pointer. One is open at a time. */
import { el, fill } from "../shared/dom.js";

let opened = null;

/**
 * Make `button` open a menu.
 * @param {HTMLButtonElement} button
 * @param {() => {label: string, hint?: string, is_checked?: boolean, is_disabled?: boolean, run: () => void}[]} readEntries  asked at each opening
 * @param {string} [empty]  shown where there are no entries
 * @returns {{open(): void, close(): void, element: HTMLElement}} `element` wraps the button and goes into the page
 */
export function attachMenu(button, readEntries, empty = "Nothing to choose.") {
  const panel = el("div", { class: "menu", role: "menu", hidden: true, "aria-label": button.getAttribute("aria-label") ?? button.textContent });
  const element = el("div", { class: "menu-holder" }, button, panel);
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");

  const menu = {
    element,
    open() {
      opened?.close();
      const entries = readEntries();
      fill(panel, entries.length ? entries.map((entry) => buildEntry(entry, menu)) : el("p", { class: "menu__empty", text: empty }));
      panel.hidden = false;
      button.setAttribute("aria-expanded", "true");
      opened = menu;
      document.addEventListener("pointerdown", closeOutside, true);
      panel.querySelector("[role^=menuitem]:not(:disabled)")?.focus();
    },
    close() {
      if (panel.hidden) return;
      const hadFocus = panel.contains(document.activeElement);
      panel.hidden = true;
      button.setAttribute("aria-expanded", "false");
      if (opened === menu) opened = null;
      document.removeEventListener("pointerdown", closeOutside, true);
      if (hadFocus) button.focus();
    },
  };
  const closeOutside = (event) => element.contains(event.target) || menu.close();
  button.addEventListener("click", () => (panel.hidden ? menu.open() : menu.close()));
  element.addEventListener("keydown", (event) => steer(event, panel, menu));
  element.addEventListener("focusout", (event) => event.relatedTarget && !element.contains(event.relatedTarget) && menu.close());
  return menu;
}

function buildEntry(entry, menu) {
  const isCheck = entry.is_checked !== undefined;
  const button = el(
    "button",
    {
      class: "menu__entry", type: "button", tabindex: "-1", role: isCheck ? "menuitemcheckbox" : "menuitem",
      "aria-checked": isCheck ? String(entry.is_checked) : null, disabled: Boolean(entry.is_disabled),
    },
    el("span", { class: "menu__label", text: entry.label }),
    entry.hint && el("span", { class: "menu__hint", text: entry.hint }),
  );
  button.addEventListener("click", () => {
    menu.close();
    entry.run();
  });
  return button;
}

function steer(event, panel, menu) {
  if (panel.hidden) return;
  const entries = [...panel.querySelectorAll("[role^=menuitem]:not(:disabled)")];
  const here = entries.indexOf(document.activeElement);
  const target = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: entries.length - 1 }[event.key];
  if (event.key === "Escape") menu.close();
  else if (target !== undefined) entries.at(target % entries.length)?.focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
}
