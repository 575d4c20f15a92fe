/** The banner of the connection and the short notices at the foot of the page. */
import { el, fill, reconcile } from "../shared/dom.js";
import { icon } from "../shared/icon.js";

const TOAST_MS = 6000; // long enough to read two lines twice
const BLINK_MS = 1500; // shorter losses heal before anybody could read about them

/** @param {HTMLElement} root @param {{connection: object, store: object}} desk */
export function mountBanner(root, { connection, store }) {
  const text = el("span", { class: "banner__text" });
  const retry = el("button", { class: "bt-button action action--small", type: "button", text: "Reconnect now" });
  root.append(icon("alert", 15), text, retry);
  retry.addEventListener("click", () => connection.hurry());
  let lost_at_ms = 0;

  const show = ({ link }) => {
    if (link.status === "open") lost_at_ms = 0;
    else if (!lost_at_ms) lost_at_ms = Date.now();
    const isQuiet = link.status === "open" || (link.status !== "stopped" && Date.now() - lost_at_ms < BLINK_MS);
    root.hidden = isQuiet;
    retry.hidden = link.status !== "waiting";
    const message = isQuiet ? "" : describeLink(link);
    if (text.textContent !== message) text.textContent = message;
  };
  return { render: show, tick: () => show(store.state) };
}

function describeLink(link) {
  if (link.status === "stopped") return link.problem;
  const left_s = link.retry_at ? Math.ceil(link.retry_at - Date.now() / 1000) : 0;
  const when = link.status === "waiting" && left_s > 5 ? ` Next try in ${Math.ceil(left_s / 5) * 5} s.` : " Reconnecting…";
  return link.was_open ? `Connection lost.${when} What you write is kept and sent afterwards.` : `No connection yet.${when}`;
}

/** @param {HTMLElement} root @param {{store: object}} desk */
export function mountToasts(root, { store }) {
  const known = new Map();
  const timers = new Map();
  const dismiss = (id) => {
    clearTimeout(timers.get(id));
    timers.delete(id);
    store.dispatch({ type: "toast_dismissed", id });
  };
  root.addEventListener("click", (event) => {
    const id = event.target.closest("[data-toast]")?.dataset.toast;
    if (id) dismiss(id);
  });
  return {
    render({ toasts }) {
      reconcile(root, toasts, { key: (toast) => toast.id, build: buildToast, known });
      for (const { id } of toasts) if (!timers.has(id)) timers.set(id, setTimeout(() => dismiss(id), TOAST_MS));
    },
  };
}

function buildToast({ id, text, tone }) {
  return el("div", { class: ["toast", `toast--${tone}`] }, icon(tone === "alert" ? "alert" : "person", 15), el("span", { class: "toast__text", text }),
    el("button", { class: "bt-button bt-button--quiet action action--icon toast__close", type: "button", "aria-label": "Dismiss", dataset: { toast: id } }, icon("close", 13)));
}

/** Everything an operator may lose by leaving the page. */
export function guardLeaving(connection) {
  const handle = (event) => connection.hasUnsentMessages && event.preventDefault();
  window.addEventListener("beforeunload", handle);
  return () => window.removeEventListener("beforeunload", handle);
}

/** Fill the side column's frame: a place for the search, one for its results, one for the brief. */
export function buildSide(root, { store }) {
  const back = el("button", { class: "bt-button bt-button--quiet action action--icon side__back", type: "button", "aria-label": "Back to the chat" }, icon("back"), icon("close"));
  back.addEventListener("click", () => store.dispatch({ type: "pane_shown", pane: "chat" }));
  const places = { field: el("div", { class: "side__field" }), results: el("div", { class: "side__results", hidden: true }), brief: el("div", { class: "side__brief" }) };
  fill(root, el("div", { class: "side__head" }, places.field, back), el("div", { class: "side__scroll" }, places.results, places.brief));
  return places;
}
