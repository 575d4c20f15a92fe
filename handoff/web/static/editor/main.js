/**
 * The editor's page: wires the store, the verbs and the parts together; owns the address, the keyboard and the guard
 * that keeps unsaved changes from getting lost.
 */
import { el, fill } from "../shared/dom.js";
import { mountTopbar } from "../shared/topbar.js";
import { mountArticlesPane } from "./articles_pane.js";
import { PreviewLoader, loadHistory } from "./checking.js";
import { settleConflict } from "./conflict.js";
import { NoticeBoard, askChoice } from "./dialogs.js";
import { DraftKeeper } from "./draft_keeper.js";
import { gateway } from "./gateway.js";
import { mountHistoryPanel } from "./history_panel.js";
import { editorIcon } from "./icons.js";
import { loadList, loadQuestions } from "./lists.js";
import { mountPreviewPanel } from "./preview_panel.js";
import { mountQuestionsPane } from "./questions_pane.js";
import { buildNewHash, parseRoute } from "./route.js";
import { buildState, canWrite, isDirty, reduce } from "./state.js";
import { Store } from "./store.js";
import { buildTabs } from "./tabs.js";
import { mountTrialPanel } from "./trial_panel.js";
import { mountWriter } from "./writer.js";
import { openArticle, saveArticle, settleChanges, startArticle } from "./writing.js";

const KEEP_DELAY_MS = 800; // a pause in typing; a crash loses less than a sentence
const CLOCK_MS = 60_000; // "4 min" grows older

const find = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));
const now = () => Date.now() / 1000;

const notices = new NoticeBoard(find(".ed-notice-board"));
const bench = {
  store: new Store(buildState(), reduce),
  gateway,
  keeper: new DraftKeeper(localStorage, now),
  now,
  go,
  ask: askChoice,
  tell: (text, kind) => notices.show(text, kind),
};
const { store } = bench;
const preview = new PreviewLoader(bench);

let here = location.hash;
let isLeaving = false;
let keepTimer = 0;

/** Show another address; a replaced one only follows what is shown already. */
function go(hash, { isReplaced = false } = {}) {
  if (!isReplaced) {
    location.hash = hash;
    return;
  }
  here = hash;
  history.replaceState(null, "", hash);
}

async function followAddress() {
  if (location.hash === here) return;
  const wanted = location.hash;
  if (isDirty(store.state)) {
    history.replaceState(null, "", here || location.pathname); // until it is settled, the address is what is shown
    if (!(await settleChanges(bench))) return;
  }
  go(wanted, { isReplaced: true });
  await showAddress();
}

async function showAddress() {
  const route = parseRoute(here);
  if (route.name === "article") await openArticle(bench, route);
  else if (route.name === "new" && canWrite(store.state)) {
    await startArticle(bench, route);
    writer.focusTitle();
  } else if (route.name === "questions") store.dispatch({ type: "tab_chosen", tab: "questions" });
  else store.dispatch({ type: "draft_closed" });
}

const articles = mountArticlesPane(find(".ed-articles"), bench);
const questions = mountQuestionsPane(find(".ed-unanswered"), bench);
const writer = mountWriter(find(".ed-writer"), bench);
const panels = {
  preview: mountPreviewPanel(find("#panel-preview"), bench),
  try: mountTrialPanel(find("#panel-try"), bench),
  history: mountHistoryPanel(find("#panel-history"), bench),
};
const listTabs = buildTabs(find(".ed-list__tabs"), {
  label: "Lists",
  tabs: [
    { name: "articles", label: "Articles", panel: find(".ed-articles") },
    { name: "questions", label: "Unanswered", panel: find(".ed-unanswered") },
  ],
  onChoose: (tab) => {
    store.dispatch({ type: "tab_chosen", tab });
    if (tab === "questions") loadQuestions(bench); // visitors go on asking while the page is open
  },
});
const sideTabs = buildTabs(find(".ed-side__tabs"), {
  label: "Beside the article",
  tabs: [
    { name: "preview", label: "Preview", panel: find("#panel-preview") },
    { name: "try", label: "Try a question", panel: find("#panel-try") },
    { name: "history", label: "History", panel: find("#panel-history") },
  ],
  onChoose: (panel) => store.dispatch({ type: "panel_chosen", panel }),
});
const createLink = el(
  "a",
  {
    class: "bt-button bt-button--primary ed-list__new",
    href: buildNewHash(),
    title: "New article (n)",
    "aria-label": "New article",
    "aria-keyshortcuts": "n",
    hidden: true,
  },
  editorIcon("plus"),
  "New",
);
find(".ed-list__head").append(createLink);
const panes = buildPaneSwitch();

function buildPaneSwitch() {
  const root = find(".ed-panes");
  const button = (pane, text) => {
    const choose = () => store.dispatch({ type: "pane_chosen", pane });
    return el("button", { type: "button", class: "ed-segments__item", value: pane, text, on: { click: choose } });
  };
  const back = el("a", { class: "ed-panes__back", href: "#/" }, editorIcon("back"), "Articles");
  const items = [button("write", "Write"), button("preview", "Preview")];
  fill(root, back, el("div", { class: "ed-segments" }, items));
  return {
    render: (state) => items.forEach((item) => item.setAttribute("aria-pressed", String(item.value === state.pane))),
  };
}

function render(state) {
  const isOpen = state.draft !== null || state.opening.phase !== "idle";
  const main = find(".ed");
  main.dataset.pane = isOpen ? (state.pane === "list" ? "write" : state.pane) : "list";
  main.classList.toggle("ed--open", state.draft !== null);
  createLink.hidden = !canWrite(state);
  listTabs.render(state.tab, { questions: state.questions.items.length || null });
  sideTabs.render(state.panel, {});
  find(".ed-side").hidden = state.draft === null;
  panes.render(state);
  articles.render(state);
  questions.render(state);
  writer.render(state);
  for (const panel of Object.values(panels)) panel.render(state);
  document.title = state.draft
    ? `${isDirty(state) ? "• " : ""}${state.draft.fields.title || "New article"} · Baton`
    : "Editor · Baton";
}

/** What follows from a change: previews, kept drafts, the history when its tab is open, the conflict's dialog. */
function follow(state, before) {
  const { draft } = state;
  if (draft && draft.fields.body !== state.preview.body) preview.want(draft, before.draft?.key !== draft.key);
  if (draft && before.draft?.fields !== draft.fields) {
    clearTimeout(keepTimer);
    keepTimer = setTimeout(keepDraft, KEEP_DELAY_MS);
  }
  if (state.panel === "history" && draft?.article && state.history.phase === "idle")
    queueMicrotask(() => loadHistory(bench));
  if (state.conflict && !before.conflict) queueMicrotask(() => settleConflict(bench));
  const count = (/** @type {object|undefined} */ errors) => Object.keys(errors ?? {}).length;
  const isRefused = draft?.errors !== before.draft?.errors && count(draft?.errors) >= count(before.draft?.errors);
  if (isRefused) queueMicrotask(focusFirstError); // typing only takes errors away: the caret stays where it is
}

function focusFirstError() {
  /** @type {HTMLElement|null} */ (document.querySelector(".ed-writer [aria-invalid]"))?.focus();
}

function keepDraft() {
  clearTimeout(keepTimer);
  const { draft } = store.state;
  if (draft && isDirty(store.state)) bench.keeper.keep(draft.key, draft);
  else if (draft && !draft.kept) bench.keeper.drop(draft.key);
}

function handleKey(event) {
  const isSave = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
  if (isSave) {
    event.preventDefault();
    if (!document.querySelector("dialog[open]") && store.state.draft && canWrite(store.state)) saveArticle(bench);
    return;
  }
  const isTyping = event.target.closest?.("input, textarea, select, dialog, [contenteditable]");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") articles.focusSearch();
  else if (event.key === "n" && canWrite(store.state)) go(buildNewHash());
  else if (event.key === "j") moveFocus(1);
  else if (event.key === "k") moveFocus(-1);
  else return;
  event.preventDefault();
}

/** Move among the rows of the list that is shown. @param {1|-1} step */
function moveFocus(step) {
  const rows = [...document.querySelectorAll(store.state.tab === "articles" ? ".ed-row__link" : ".ed-question__write")];
  if (rows.length === 0) return;
  const at = rows.findIndex(
    (row) => row === document.activeElement || row.closest("li")?.contains(document.activeElement),
  );
  const current = at === -1 ? rows.findIndex((row) => row.hasAttribute("aria-current")) : at;
  const next =
    current === -1 ? (step === 1 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, current + step));
  /** @type {HTMLElement} */ (rows[next]).focus();
}

async function start() {
  const operator = await gateway.whoAmI();
  mountTopbar(find(".topbar"), {
    operator,
    onSignOut: async () => {
      isLeaving = await settleChanges(bench);
      return isLeaving;
    },
  });
  let before = store.state;
  store.listen((state) => {
    const last = before;
    before = state;
    render(state);
    follow(state, last);
  });
  store.dispatch({ type: "signed_in", operator });
  loadList(bench);
  loadQuestions(bench);
  window.addEventListener("hashchange", followAddress);
  window.addEventListener("pagehide", keepDraft);
  window.addEventListener("beforeunload", (event) => {
    if (isLeaving || !isDirty(store.state)) return;
    keepDraft();
    event.preventDefault();
  });
  document.addEventListener("keydown", handleKey);
  setInterval(() => render(store.state), CLOCK_MS);
  await showAddress();
}

start().catch((error) => {
  fill(
    find(".ed-writer"),
    el(
      "div",
      { class: "ed-blank" },
      el("p", { class: "ed-empty__title", text: "The editor could not start" }),
      el("p", { text: error.message }),
    ),
  );
});
