/** The left column: availability, filter, and the five lists as rows. Rows are buttons; focus is the cursor. */
import { el, reconcile } from "../shared/dom.js";
import { icon } from "../shared/icon.js";
import { formatAgo, formatWait, speakWait, waitLevel } from "../shared/time.js";
import { LISTS, buildLists, isUnread } from "./selectors.js";
import { explainReason, namePage, nameReason, nameVisitor, previewLast } from "./words.js";

/**
 * @param {HTMLElement} root
 * @param {{commands: object, store: object, now: () => number}} desk
 */
export function mountLists(root, { commands, store, now }) {
  const filter = el("input", {
    class: "bt-input lists__filter", type: "search", placeholder: "Filter chats", "aria-label": "Filter chats", "aria-keyshortcuts": "/", autocomplete: "off",
  });
  const availability = el("button", { class: "switch", type: "button", role: "switch", "aria-checked": "false" },
    el("span", { class: "switch__track", "aria-hidden": "true" }), el("span", { class: "switch__text", text: "Away" }));
  const tools = el("div", { class: "lists__tools" });
  const scroll = el("div", { class: "lists__scroll" });
  root.append(el("div", { class: "lists__head" }, el("div", { class: "lists__status" }, availability, tools), filter), scroll);
  const sections = new Map(LISTS.map((list, index) => [list.name, buildSection(list, index)]));
  for (const section of sections.values()) scroll.append(section.heading, section.list, section.empty);

  filter.addEventListener("input", () => store.dispatch({ type: "filter_changed", filter: filter.value }));
  availability.addEventListener("click", () => commands.setAvailable(!store.state.is_available));
  scroll.addEventListener("click", (event) => {
    const row = event.target.closest("[data-conversation]");
    if (row) commands.select(row.dataset.conversation);
    const fold = event.target.closest("[data-list]");
    if (fold) toggle(sections.get(fold.dataset.list), scroll, store);
  });

  let shown = null; // what the last render was made from
  return {
    tools,
    focusFilter: () => filter.focus(),

    render(state) {
      if (shown && KEYS.every((key) => shown[key] === state[key])) return;
      shown = state;
      showAvailability(availability, state.is_available);
      const focused_id = document.activeElement?.dataset?.conversation;
      const context = { state, at: now(), hasFilter: state.filter.trim() !== "" };
      for (const list of buildLists(state)) showSection(sections.get(list.name), list, context);
      if (focused_id && document.activeElement?.dataset?.conversation !== focused_id) findRow(scroll, focused_id)?.focus();
    },

    /** Once per second: only texts of times change. */
    tick() {
      for (const cell of scroll.querySelectorAll("[data-wait-from]")) showWait(cell, now());
    },

    /** Move the cursor by one row, over the borders of the lists. */
    moveCursor(step) {
      const rows = [...scroll.querySelectorAll(".row")].filter((row) => row.offsetParent !== null);
      if (!rows.length) return;
      const here = rows.indexOf(document.activeElement);
      const selected = rows.findIndex((row) => row.dataset.conversation === store.state.selected_id);
      const start = here >= 0 ? here : selected >= 0 ? selected : step > 0 ? -1 : rows.length;
      rows[Math.min(rows.length - 1, Math.max(0, start + step))].focus();
    },

    focusRow(conversation_id) {
      (findRow(scroll, conversation_id) ?? scroll.querySelector(".row"))?.focus();
    },
  };
}

const KEYS = ["conversations", "filter", "folded", "selected_id", "seen", "me", "is_available", "drafts"];

function buildSection(list, index) {
  const body_id = `list-${list.name}`;
  const count = el("span", { class: "lists__count" });
  const button = el("button", { class: "lists__fold", type: "button", "aria-expanded": "true", "aria-controls": body_id, dataset: { list: list.name } },
    icon("chevron", 14), el("span", { class: "lists__name", text: list.title }), count);
  const heading = el("h2", { class: "lists__title", dataset: { index } }, button);
  heading.style.setProperty("--above", String(index));
  heading.style.setProperty("--below", String(LISTS.length - 1 - index));
  const body = el("ul", { class: ["rows", `rows--${list.name}`], id: body_id });
  body.style.setProperty("--above", String(index + 1));
  body.style.setProperty("--below", String(LISTS.length - 1 - index));
  return { name: list.name, heading, button, count, list: body, empty: el("p", { class: "lists__empty", text: list.empty }), known: new Map() };
}

function showSection(section, list, context) {
  const isFolded = context.state.folded.has(list.name) && !context.hasFilter;
  section.button.setAttribute("aria-expanded", String(!isFolded));
  section.count.textContent = context.hasFilter ? `${list.rows.length}/${list.total}` : String(list.total);
  section.count.classList.toggle("lists__count--alert", list.name === "waiting" && list.total > 0);
  section.list.hidden = isFolded || !list.rows.length;
  section.empty.hidden = isFolded || list.rows.length > 0;
  section.empty.textContent = context.hasFilter && list.total ? "No match." : list.empty;
  reconcile(section.list, isFolded ? [] : list.rows, {
    key: (summary) => summary.conversation_id,
    build: (summary) => showRow(buildRow(), summary, list.name, context),
    update: (item, summary) => void showRow(item, summary, list.name, context),
    known: section.known,
  });
}

function toggle(section, scroll, store) {
  const isFolded = store.state.folded.has(section.name);
  const content = section.list.hidden ? section.empty : section.list;
  const view = scroll.getBoundingClientRect();
  const place = content.getBoundingClientRect();
  const isOutOfView = !isFolded && (place.bottom <= view.top + 40 || place.top >= view.bottom - 40);
  if (!isOutOfView) store.dispatch({ type: "list_folded", list: section.name });
  if (!isFolded && !isOutOfView) return;
  store.flush(); // the rows must be there before they can be scrolled to
  (section.list.firstElementChild ?? section.heading).scrollIntoView({ block: "start" });
}

function buildRow() {
  const parts = {
    name: el("span", { class: "row__name" }), time: el("span", { class: "row__time" }), text: el("span", { class: "row__text", dir: "auto" }),
    tag: el("span", { class: "bt-tag row__tag" }), place: el("span", { class: "row__place" }), mark: el("span", { class: "bt-visually-hidden" }),
  };
  const foot = el("span", { class: "row__line row__line--foot" }, parts.tag, parts.place);
  const button = el("button", { class: "row", type: "button" },
    el("span", { class: "row__dot", "aria-hidden": "true" }),
    el("span", { class: "row__line" }, parts.name, parts.mark, parts.time), parts.text, foot);
  const item = el("li", { class: "rows__item" }, button);
  ROWS.set(item, { ...parts, foot, button, key: null });
  return item;
}

const ROWS = new WeakMap(); // list item -> its parts, so that a redraw looks nothing up

function showRow(item, summary, list, { state, at }) {
  const row = ROWS.get(item);
  const isSelected = summary.conversation_id === state.selected_id;
  const unread = isUnread(state, summary);
  const hasDraft = state.drafts.has(`${summary.conversation_id}/reply`);
  const key = `${summary.head}/${summary.epoch}/${summary.updated_at}/${summary.is_visitor_online}/${summary.holder?.id}/${isSelected}/${unread}/${hasDraft}`;
  if (row.key === key && row.summary === summary) {
    if (list !== "waiting") row.time.textContent = formatAgo(summary.updated_at, at);
    return item;
  }
  Object.assign(row, { key, summary });
  row.button.dataset.conversation = summary.conversation_id;
  row.button.setAttribute("aria-current", String(isSelected));
  row.button.classList.toggle("row--unread", unread);
  row.button.classList.toggle("row--online", summary.is_visitor_online && list !== "resolved");
  row.name.textContent = nameVisitor(summary);
  row.mark.textContent = unread ? " (new message)" : "";
  row.text.textContent = hasDraft ? `Draft: ${state.drafts.get(`${summary.conversation_id}/reply`).slice(0, 80)}` : previewLast(summary, state.me);
  row.text.classList.toggle("row__text--draft", hasDraft);
  showFoot(row, summary, list);
  showTime(row.time, summary, list, at);
  return item;
}

function showFoot(row, summary, list) {
  const tag = list === "waiting" && summary.reason ? nameReason(summary.reason) : list === "team" ? (summary.holder?.name ?? "") : "";
  const place = list === "waiting" || list === "bot" ? namePage(summary.page) : list === "resolved" && summary.rating ? `Rated ${summary.rating} of 5` : "";
  row.tag.textContent = tag;
  row.tag.hidden = !tag;
  row.tag.title = list === "waiting" && summary.reason ? explainReason(summary.reason) : "";
  row.place.textContent = place;
  row.foot.hidden = !tag && !place;
}

function showTime(cell, summary, list, at) {
  if (list !== "waiting") {
    delete cell.dataset.waitFrom;
    cell.className = "row__time";
    cell.textContent = formatAgo(summary.updated_at, at);
    return;
  }
  cell.dataset.waitFrom = String(summary.queued_at ?? summary.started_at);
  showWait(cell, at);
}

/** A running wait in a cell that carries data-wait-from. */
export function showWait(cell, at) {
  const seconds = at - Number(cell.dataset.waitFrom);
  const text = formatWait(seconds);
  if (cell.textContent === text) return;
  cell.textContent = text;
  cell.className = `row__time wait wait--${waitLevel(seconds)}`;
  cell.title = `Waiting for ${speakWait(seconds)}`;
}

function showAvailability(button, isAvailable) {
  button.setAttribute("aria-checked", String(isAvailable));
  button.querySelector(".switch__text").textContent = isAvailable ? "Available" : "Away";
  button.title = isAvailable ? "New chats may come to you. Click to go away" : "No new chats come to you. Click to be available";
}

function findRow(scroll, conversation_id) {
  return scroll.querySelector(`[data-conversation="${CSS.escape(conversation_id)}"]`);
}
