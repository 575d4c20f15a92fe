/** Single-key shortcuts and the sheet that lists them. They rest while text is being typed, and can be switched off. */
import { el, fill } from "../shared/dom.js";
import { chooseActions } from "./selectors.js";
import { readStored, writeStored } from "./store.js";

const STORED = "baton.shortcuts";

const SHEET = [
  ["Move", [["j", "↓", "Next chat"], ["k", "↑", "Previous chat"], ["Enter", "Open the chat"], ["Esc", "Back to the list"], ["/", "Filter chats"]]],
  ["Act", [["c", "Claim or take over"], ["e", "Resolve"], ["q", "Release to the queue"], ["b", "Return to the bot"], ["t", "Transfer"]]],
  ["Write", [["r", "Reply"], ["n", "Note"], ["f", "Find an article"], ["i", "Show the brief"], ["Enter", "Send"], ["Shift+Enter", "New line"]]],
  ["Help", [["?", "This sheet"]]],
];

const VERBS = { c: "claim", e: "resolve", q: "release", b: "return_to_bot" };

/**
 * @param {HTMLDialogElement} dialog
 * @param {{store: object, commands: object, lists: object, head: object, composer: object, search: object}} desk
 * @returns {{open(): void, close(): void}} `close` stops listening
 */
export function mountKeyboard(dialog, desk) {
  fillSheet(dialog);
  const openSheet = () => dialog.open || dialog.showModal();
  const handle = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (event.key === "Escape") return leaveField(event, desk);
    if (isTyping(event.target) || !areOn()) return;
    const run = chooseRun(event, desk, openSheet);
    if (!run) return;
    event.preventDefault();
    run();
  };
  document.addEventListener("keydown", handle);
  return { open: openSheet, close: () => document.removeEventListener("keydown", handle) };
}

function chooseRun(event, desk, openSheet) {
  const { lists, composer, search, head, store } = desk;
  const isInLists = Boolean(event.target.closest?.(".lists"));
  const step = { j: 1, k: -1, ...(isInLists ? { ArrowDown: 1, ArrowUp: -1 } : {}) }[event.key];
  if (step) return () => lists.moveCursor(step);
  const plain = {
    "/": () => showThen(store, "lists", lists.focusFilter), "?": openSheet,
    r: () => composer.focus("reply"), n: () => composer.focus("note"),
    f: () => showThen(store, "brief", search.focus), i: () => showThen(store, "brief", search.focus), t: head.openTransfer,
  }[event.key];
  if (plain) return plain;
  const verb = VERBS[event.key];
  return verb && (() => act(verb, desk));
}

/** The row under the cursor comes before the open chat: what has the focus is what is meant. */
function act(verb, { store, commands }) {
  const focused_id = document.activeElement?.dataset?.conversation;
  const conversation_id = focused_id ?? store.state.selected_id;
  const summary = store.state.conversations.get(conversation_id);
  if (!summary || !chooseActions(store.state, summary).some((action) => action.verb === verb)) return;
  if (verb === "claim" && conversation_id !== store.state.selected_id) commands.select(conversation_id);
  commands.act(verb, conversation_id);
}

function showThen(store, pane, focus) {
  store.dispatch({ type: "pane_shown", pane });
  store.flush();
  focus();
}

function leaveField(event, { store, commands, lists }) {
  const { pane, selected_id } = store.state;
  if (pane === "brief") return void store.dispatch({ type: "pane_shown", pane: "chat" });
  if (pane === "chat" && !isTyping(event.target) && isOneColumn()) return void commands.leave();
  lists.focusRow(selected_id ?? "");
  return undefined;
}

function isOneColumn() {
  return matchMedia("(max-width: 700px)").matches;
}

function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName));
}

function areOn() {
  return readStored("localStorage", STORED, true);
}

function fillSheet(dialog) {
  const toggle = el("input", { type: "checkbox", checked: areOn() });
  toggle.addEventListener("change", () => writeStored("localStorage", STORED, toggle.checked));
  const close = el("button", { class: "bt-button", type: "button", text: "Close" });
  close.addEventListener("click", () => dialog.close());
  fill(dialog,
    el("h2", { class: "dialog__title", id: "shortcuts-title", text: "Keyboard shortcuts" }),
    el("div", { class: "keys" }, SHEET.map(([title, rows]) => el("section", { class: "keys__group" }, el("h3", { class: "side__title", text: title }),
      el("dl", { class: "keys__list" }, rows.map((row) => [el("dt", null, row.slice(0, -1).map((key) => el("kbd", { text: key }))), el("dd", { text: row.at(-1) })]))))),
    el("div", { class: "dialog__foot" }, el("label", { class: "check" }, toggle, "Single keys are shortcuts"), close));
}
