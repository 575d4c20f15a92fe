/** Where the operator writes: a reply or a note, with a draft for each conversation. */
import { el, fill } from "../shared/dom.js";
import { icon } from "../shared/icon.js";
import { TEXT_MAX_CHARS } from "./commands.js";
import { canReply, isAwaiting } from "./selectors.js";

const COUNT_FROM_CHARS = 3500; // the limit is worth a word only near it

/** @param {HTMLElement} root @param {{commands: object, store: object}} desk */
export function mountComposer(root, { commands, store }) {
  const tabs = { reply: buildTab("reply", "Reply", "r"), note: buildTab("note", "Note", "n") };
  const box = el("textarea", { class: "composer__box", rows: "2", "aria-label": "Reply", dir: "auto" });
  const gate = el("div", { class: "composer__gate", hidden: true });
  const hint = el("span", { class: "composer__hint" });
  const send = el("button", { class: "bt-button bt-button--primary action", type: "button" }, icon("send", 14), el("span", { text: "Send" }));
  const form = el("div", { class: "composer" },
    el("div", { class: "composer__tabs", role: "group", "aria-label": "What to write" }, tabs.reply, tabs.note),
    gate, box, el("div", { class: "composer__foot" }, hint, send));
  root.append(form);
  let shown = { id: null, tab: null, is_allowed: false };

  const submit = () => {
    const { selected_id, composer_tab } = store.state;
    if (!commands.sendDraft(selected_id, composer_tab)) return;
    box.value = "";
    box.focus();
  };
  box.addEventListener("input", () => {
    const { selected_id, composer_tab } = store.state;
    store.dispatch({ type: "draft_changed", conversation_id: selected_id, tab: composer_tab, text: box.value });
    if (composer_tab !== "reply") return;
    if (box.value.trim()) commands.typing(selected_id);
    else commands.stopTyping();
  });
  box.addEventListener("blur", () => commands.stopTyping());
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return; // Enter also ends a composed character
    event.preventDefault();
    submit();
  });
  send.addEventListener("click", submit);
  form.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-tab]")?.dataset.tab;
    if (tab) composer.focus(tab);
    if (event.target.closest("[data-do=claim]")) commands.act("claim", store.state.selected_id);
  });

  const showTab = (state, answer) => {
    const tab = state.composer_tab;
    for (const [name, button] of Object.entries(tabs)) button.setAttribute("aria-pressed", String(name === tab));
    form.classList.toggle("composer--note", tab === "note");
    const isClosed = tab === "reply" && !answer.is_allowed;
    gate.hidden = !isClosed;
    box.hidden = isClosed;
    box.disabled = isClosed;
    box.setAttribute("aria-label", tab === "note" ? "Note for staff" : "Reply");
    box.placeholder = tab === "note" ? "A note that only staff see" : "Write a reply";
  };

  const composer = {
    render(state) {
      const summary = state.conversations.get(state.selected_id);
      root.hidden = !summary;
      if (!summary) return;
      const answer = canReply(state, summary);
      showTab(state, answer);
      if (!gate.hidden) showGate(gate, answer, isAwaiting(state, summary.conversation_id, "claim"));
      const draft = state.drafts.get(`${summary.conversation_id}/${state.composer_tab}`) ?? "";
      if (box.value !== draft) box.value = draft;
      showFoot({ hint, send }, state, draft, gate.hidden);
      const isOpened = answer.is_allowed && !shown.is_allowed && shown.id === summary.conversation_id;
      shown = { id: summary.conversation_id, is_allowed: answer.is_allowed };
      if (isOpened && isFocusFree() && state.claimed.has(summary.conversation_id)) box.focus();
    },

    /** Bring the caret into the reply or the note, or to what stands in its place. */
    focus(tab = store.state.composer_tab) {
      store.dispatch({ type: "composer_tab_chosen", tab });
      store.flush();
      const target = box.hidden ? gate.querySelector("button") : box;
      target?.focus();
      if (target === box) box.setSelectionRange(box.value.length, box.value.length);
    },

    /** Put text into the reply at the caret. @returns {boolean} false while no reply may be written */
    insert(text) {
      const { state } = store;
      const summary = state.conversations.get(state.selected_id);
      if (!summary || !canReply(state, summary).is_allowed) return false;
      const isCaretKept = state.composer_tab === "reply";
      const [caret, end] = [box.selectionStart, box.selectionEnd];
      composer.focus("reply");
      if (isCaretKept) box.setSelectionRange(caret, end);
      const start = box.selectionStart;
      const before = box.value.slice(0, start);
      const gap = before && !/\s$/.test(before) ? (text.includes("\n") ? "\n" : " ") : "";
      box.setRangeText(gap + text, start, box.selectionEnd, "end");
      box.dispatchEvent(new Event("input"));
      return true;
    },
  };
  return composer;
}

function buildTab(name, label, key) {
  return el("button", { class: "composer__tab", type: "button", "aria-pressed": "false", dataset: { tab: name }, "aria-keyshortcuts": key, title: `${label} (${key})` },
    name === "note" && icon("note", 13), label);
}

function showGate(gate, answer, isBusy) {
  const key = JSON.stringify([answer, isBusy]);
  if (gate.dataset.shown === key) return;
  gate.dataset.shown = key;
  const hadFocus = gate.contains(document.activeElement);
  fill(gate, el("span", { class: "composer__why", text: answer.why }),
    answer.can_claim && el("button", { class: "bt-button action", type: "button", text: isBusy ? "Claiming…" : "Claim", disabled: isBusy, dataset: { do: "claim" } }));
  if (hadFocus) gate.querySelector("button:not(:disabled)")?.focus();
}

function showFoot({ hint, send }, state, draft, isOpen) {
  send.hidden = !isOpen;
  hint.hidden = !isOpen;
  const length = draft.trim().length;
  const isTooLong = length > TEXT_MAX_CHARS;
  send.disabled = !length || isTooLong;
  send.lastElementChild.textContent = state.composer_tab === "note" ? "Add note" : "Send";
  hint.classList.toggle("composer__hint--alert", isTooLong);
  hint.textContent = length >= COUNT_FROM_CHARS
    ? `${length.toLocaleString("en")} of ${TEXT_MAX_CHARS.toLocaleString("en")} characters`
    : "Enter sends, Shift+Enter starts a new line";
}

function isFocusFree() {
  const focused = document.activeElement;
  return !focused || focused === document.body || focused.matches("[data-verb], [data-do], .row");
}
