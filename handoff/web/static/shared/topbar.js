/**
 * The bar above every staff page: product name, the pages that this person may open, theme, sign-out.
 * Needs /static/shared/topbar.css; load /static/shared/theme.js in <head> so that the theme stands before first paint.
 */
import { api } from "./api.js";
import { el, fill } from "./dom.js";
import { icon } from "./icon.js";

const THEME_KEY = "baton.theme";
const THEMES = [
  { name: "auto", label: "System theme", icon: "auto" },
  { name: "light", label: "Light theme", icon: "sun" },
  { name: "dark", label: "Dark theme", icon: "moon" },
];

const PAGES = [
  { path: "/console", label: "Console", roles: ["operator", "admin"] },
  { path: "/editor", label: "Editor", roles: ["editor", "admin"] },
  { path: "/people", label: "People", roles: ["admin"] },
];

/** The theme in force: "auto", "light" or "dark". */
export function readTheme() {
  const theme = readStored(THEME_KEY);
  return theme === "light" || theme === "dark" ? theme : "auto";
}

/** Use a theme from now on, on every staff page of this browser. */
export function applyTheme(theme) {
  const root = document.documentElement;
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  writeStored(THEME_KEY, theme);
}

/** The pages that a role may open, in order. */
export function choosePages(role) {
  return PAGES.filter((page) => page.roles.includes(role));
}

/**
 * Put the bar into `root` (a <header class="topbar">).
 * @param {HTMLElement} root
 * @param {{operator: {name: string, role: string}, onSignOut?: () => Promise<boolean>|boolean, extras?: Node[]}} options
 *   `onSignOut` may return false to stay (unsent work); `extras` stand before the theme switch
 * @returns {{close(): void}}
 */
export function mountTopbar(root, { operator, onSignOut = () => true, extras = [] }) {
  const theme = buildThemeButton();
  const leave = el("button", { class: "topbar__button", type: "button", title: "Sign out" }, el("span", { class: "topbar__text", text: "Sign out" }), icon("leave"));
  fill(
    root,
    el("a", { class: "topbar__brand", href: choosePages(operator.role)[0]?.path ?? "/" }, buildMark(), el("span", { class: "topbar__text", text: "Baton" })),
    el("nav", { class: "topbar__nav", "aria-label": "Pages" }, choosePages(operator.role).map(buildLink)),
    el("div", { class: "topbar__side" }, extras, theme.element,
      el("span", { class: "topbar__person", text: operator.name, title: `Signed in as ${operator.name} (${operator.role})` }), leave),
  );
  const handleSignOut = async () => {
    if (!(await onSignOut())) return;
    leave.disabled = true;
    try {
      await api.post("/api/staff/sign-out", {}, { keepsPageOn401: true });
    } catch {
      // the session may be gone already; the sign-in page tells
    }
    location.assign("/sign-in");
  };
  leave.addEventListener("click", handleSignOut);
  return {
    close() {
      leave.removeEventListener("click", handleSignOut);
      theme.close();
      root.replaceChildren();
    },
  };
}

function buildLink(page) {
  const isHere = location.pathname === page.path || location.pathname.startsWith(`${page.path}/`);
  return el("a", { class: "topbar__link", href: page.path, "aria-current": isHere ? "page" : null, text: page.label });
}

function buildMark() {
  return el("span", { class: "topbar__mark", "aria-hidden": "true" });
}

function buildThemeButton() {
  const button = el("button", { class: "topbar__button topbar__button--icon", type: "button" });
  const show = () => {
    const theme = THEMES.find((entry) => entry.name === readTheme());
    fill(button, icon(theme.icon));
    button.title = `${theme.label}. Click to change`;
    button.setAttribute("aria-label", `${theme.label}, change`);
  };
  const handleClick = () => {
    const index = THEMES.findIndex((entry) => entry.name === readTheme());
    applyTheme(THEMES[(index + 1) % THEMES.length].name);
    show();
  };
  const handleStorage = (event) => {
    if (event.key !== THEME_KEY) return;
    applyTheme(readTheme());
    show();
  };
  button.addEventListener("click", handleClick);
  window.addEventListener("storage", handleStorage);
  show();
  return { element: button, close: () => window.removeEventListener("storage", handleStorage) };
}

function readStored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is switched off
  }
}

function writeStored(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // storage is switched off or full: the choice lasts as long as the page
  }
}
