/**
 * The state of the editor and the one pure function that changes it. No page, no network, no clock: whatever needs
 * one of these arrives inside an action.
 *
 * @typedef {import("./fields.js").Fields} Fields
 * @typedef {Fields & {status: string, revision: number, published_revision: number|null, updated_at: number,
 *   author: string, html: string, source: string|null, translations: {language: string, title: string, status: string}[]}} Article
 * @typedef {{key: string, article: Article|null, saved: Fields, fields: Fields, baseRevision: number|null,
 *   errors: Record<string, string>, isLanguageFixed: boolean, kept: KeptDraft|null, question: string|null,
 *   translations: {language: string, title: string, status: string}[]}} Draft  `question`: the unanswered one it was started for
 * @typedef {{fields: Fields, baseRevision: number|null, keptAt: number}} KeptDraft  what this browser kept
 * @typedef {{type: string, [name: string]: any}} Action
 */
import { EMPTY_FIELDS, areSame, takeFields } from "./fields.js";

export const EMPTY_FILTERS = Object.freeze({ q: "", status: "", language: "", tag: "" });

const EMPTY_TRIAL = Object.freeze({ question: "", phase: "idle", answer: null, message: "", checks: null });
const EMPTY_HISTORY = Object.freeze({ phase: "idle", revisions: [], shown: null, message: "" });

/** The state before anything was loaded. */
export function buildState() {
  return {
    operator: null,
    tab: "articles",
    filters: { ...EMPTY_FILTERS },
    list: { phase: "loading", articles: [], total: 0, languages: [], tags: [], message: "" },
    questions: { phase: "idle", items: [], message: "" },
    /** @type {Draft|null} */
    draft: null,
    opening: { phase: "idle", key: "", message: "" },
    /** @type {'saving'|'publishing'|'archiving'|'restoring'|null} */
    busy: null,
    /** @type {{message: string, isSignedOut: boolean}|null} */
    problem: null,
    conflict: null,
    pane: "list",
    panel: "preview",
    previewMode: "card",
    preview: { phase: "idle", body: null, html: "" },
    trial: { ...EMPTY_TRIAL },
    history: { ...EMPTY_HISTORY },
  };
}

/** @typedef {ReturnType<typeof buildState>} EditorState */

/** May this person write? Operators read. @param {EditorState} state */
export function canWrite(state) {
  return state.operator !== null && state.operator.role !== "operator";
}

/** Does the draft hold anything that the server does not? @param {EditorState} state */
export function isDirty(state) {
  return state.draft !== null && !areSame(state.draft.fields, state.draft.saved);
}

/** Is there something to save? A new article can always be saved. @param {EditorState} state */
export function canSave(state) {
  return (
    state.draft !== null && canWrite(state) && state.busy === null && (state.draft.article === null || isDirty(state))
  );
}

/** Is there something that visitors do not get yet? @param {EditorState} state */
export function canPublish(state) {
  if (state.draft === null || !canWrite(state) || state.busy !== null) return false;
  return isDirty(state) || chooseStanding(state.draft) !== "published";
}

/** Where the article stands, as one word for the header. @param {Draft} draft */
export function chooseStanding(draft) {
  const { article } = draft;
  if (article === null) return "new";
  if (article.status !== "published") return article.status;
  return article.published_revision === article.revision ? "published" : "changed";
}

/**
 * @param {EditorState} state
 * @param {Action} action
 * @returns {EditorState}
 */
export function reduce(state, action) {
  const handler = HANDLERS[action.type];
  return handler ? handler(state, action) : state;
}

/** @type {Record<string, (state: EditorState, action: Action) => EditorState>} */
const HANDLERS = {
  signed_in: (state, { operator }) => ({ ...state, operator }),
  tab_chosen: (state, { tab }) => ({ ...state, tab }),
  pane_chosen: (state, { pane }) => ({ ...state, pane }),
  panel_chosen: (state, { panel }) => ({ ...state, panel }),
  preview_mode_chosen: (state, { mode }) => ({ ...state, previewMode: mode }),
  filters_changed: (state, { change }) => ({ ...state, filters: { ...state.filters, ...change } }),

  list_requested: (state) => ({ ...state, list: { ...state.list, phase: "loading", message: "" } }),
  list_loaded: loadList,
  list_failed: (state, { message }) => ({ ...state, list: { ...state.list, phase: "failed", message } }),

  questions_requested: (state) => ({ ...state, questions: { ...state.questions, phase: "loading", message: "" } }),
  questions_loaded: loadQuestions,
  questions_failed: (state, { message }) => ({ ...state, questions: { ...state.questions, phase: "failed", message } }),
  question_dismissed: (state, { question }) => ({
    ...state,
    questions: { ...state.questions, items: state.questions.items.filter((item) => item.question !== question) },
  }),
  question_labelled: (state, { question, isRight }) => ({
    ...state,
    questions: {
      ...state.questions,
      items: state.questions.items.map((item) => (item.question === question ? { ...item, isRight } : item)),
    },
  }),

  article_requested: (state, { key }) => ({ ...state, opening: { phase: "loading", key, message: "" } }),
  article_failed: (state, { key, message }) => ({ ...state, draft: null, opening: { phase: "failed", key, message } }),
  article_opened: (state, { article, kept }) => openDraft(state, buildDraft(article, kept ?? null)),
  draft_started: startDraft,
  draft_closed: (state) => ({ ...state, draft: null, opening: { phase: "idle", key: "", message: "" }, pane: "list" }),
  draft_edited: editDraft,
  kept_restored: (state) =>
    withDraft(state, (draft) => {
      if (draft.kept === null) return draft;
      const { fields, baseRevision } = draft.kept;
      return { ...draft, fields: { ...draft.fields, ...fields }, baseRevision, kept: null, errors: {} };
    }),
  kept_dropped: (state) => withDraft(state, (draft) => ({ ...draft, kept: null })),
  changes_discarded: (state) =>
    withDraft(state, (draft) => ({ ...draft, fields: draft.saved, errors: {}, kept: null })),

  work_started: (state, { work }) => ({ ...state, busy: work, problem: null }),
  work_failed: failWork,
  article_saved: saveDraft,
  conflict_found: (state, { theirs }) => ({ ...state, busy: null, conflict: { theirs } }),
  conflict_closed: (state) => ({ ...state, conflict: null }),
  theirs_taken: (state) => (state.conflict ? openDraft(state, buildDraft(state.conflict.theirs, null)) : state),
  mine_kept: (state) => {
    const theirs = state.conflict?.theirs;
    if (!theirs) return state;
    const kept = withDraft(state, (draft) => ({
      ...draft,
      article: theirs,
      saved: takeFields(theirs),
      baseRevision: theirs.revision,
    }));
    return { ...kept, conflict: null };
  },
  problem_closed: (state) => ({ ...state, problem: null }),

  preview_requested: (state) => ({ ...state, preview: { ...state.preview, phase: "loading" } }),
  preview_loaded: (state, { body, html }) => ({ ...state, preview: { phase: "ready", body, html } }),
  preview_failed: (state) => ({ ...state, preview: { ...state.preview, phase: "failed" } }),

  trial_started: (state, { question }) => ({
    ...state,
    trial: { ...state.trial, question, phase: "loading", message: "" },
  }),
  trial_answered: (state, { answer }) => ({ ...state, trial: { ...state.trial, phase: "ready", answer } }),
  trial_failed: (state, { message }) => ({ ...state, trial: { ...state.trial, phase: "failed", message } }),
  checks_changed: (state, { checks }) => ({ ...state, trial: { ...state.trial, checks } }),

  history_requested: (state) => ({ ...state, history: { ...EMPTY_HISTORY, phase: "loading" } }),
  history_loaded: (state, { revisions }) => ({ ...state, history: { ...EMPTY_HISTORY, phase: "ready", revisions } }),
  history_failed: (state, { message }) => ({ ...state, history: { ...EMPTY_HISTORY, phase: "failed", message } }),
  revision_shown: (state, { revision }) => ({ ...state, history: { ...state.history, shown: revision } }),
};

/** @param {EditorState} state @param {Action} action @returns {EditorState} */
function loadList(state, { page, isMore }) {
  const articles = isMore ? [...state.list.articles, ...page.articles] : page.articles;
  const { total, languages = [], tags = [] } = page;
  return {
    ...state,
    list: { phase: "ready", articles, total, languages, tags, message: "" },
  };
}

/** What was said about a question here stays with it. @param {EditorState} state @param {Action} action @returns {EditorState} */
function loadQuestions(state, { items }) {
  const said = new Map(state.questions.items.map(({ question, isRight }) => [question, isRight]));
  const known = items.map((item) => (said.get(item.question) === undefined ? item : { ...item, isRight: said.get(item.question) }));
  return { ...state, questions: { phase: "ready", items: known, message: "" } };
}

/** @param {Article} article @param {KeptDraft|null} kept @returns {Draft} */
function buildDraft(article, kept) {
  const fields = takeFields(article);
  const isUseful = kept !== null && !areSame(kept.fields, fields);
  return {
    key: `${article.language}/${article.slug}`,
    article,
    saved: fields,
    fields,
    baseRevision: article.revision,
    errors: {},
    isLanguageFixed: true,
    kept: isUseful ? kept : null,
    question: null,
    translations: article.translations ?? [],
  };
}

/** @param {EditorState} state @param {Draft} draft @returns {EditorState} */
function openDraft(state, draft) {
  const isSame = state.draft?.key === draft.key;
  return {
    ...state,
    draft,
    opening: { phase: "idle", key: "", message: "" },
    busy: null,
    problem: null,
    conflict: null,
    pane: isSame && state.pane !== "list" ? state.pane : "write",
    trial: isSame ? state.trial : { ...EMPTY_TRIAL },
    history: { ...EMPTY_HISTORY },
    panel: !isSame && state.panel === "history" ? "preview" : state.panel,
  };
}

/** @param {EditorState} state @param {Action} action @returns {EditorState} */
function startDraft(state, { key, fields, isLanguageFixed, kept, question, translations }) {
  const initial = { ...EMPTY_FIELDS, ...fields };
  const opened = openDraft(state, {
    key,
    article: null,
    saved: initial,
    fields: initial,
    baseRevision: null,
    errors: {},
    isLanguageFixed: Boolean(isLanguageFixed),
    kept: kept && !areSame(kept.fields, initial) ? kept : null,
    question: question ?? null,
    translations: translations ?? [],
  });
  return { ...opened, panel: opened.panel === "history" ? "preview" : opened.panel };
}

/** @param {EditorState} state @param {Action} action @returns {EditorState} */
function editDraft(state, { change }) {
  return withDraft(state, (draft) => {
    const left = Object.entries(draft.errors).filter(([name]) => !(name in change));
    const isLess = left.length < Object.keys(draft.errors).length;
    return { ...draft, fields: { ...draft.fields, ...change }, errors: isLess ? Object.fromEntries(left) : draft.errors };
  });
}

/** @param {EditorState} state @param {Action} action @returns {EditorState} */
function failWork(state, { message, field, errors, isSignedOut = false }) {
  const named = field ? { [field]: message } : (errors ?? {});
  const failed = withDraft(state, (draft) => ({ ...draft, errors: { ...draft.errors, ...named } }));
  const isShownAtField = Object.keys(named).length > 0;
  return { ...failed, busy: null, problem: isShownAtField ? null : { message, isSignedOut } };
}

/**
 * The server has the article now. What was typed meanwhile stays, and counts as unsaved.
 * @param {EditorState} state @param {Action} action @returns {EditorState}
 */
function saveDraft(state, { article, sent }) {
  const saved = takeFields(article);
  const next = withDraft(state, (draft) => ({
    ...draft,
    key: `${article.language}/${article.slug}`,
    article,
    saved,
    fields: areSame(draft.fields, sent) ? saved : { ...draft.fields, language: saved.language, slug: saved.slug },
    baseRevision: article.revision,
    errors: {},
    isLanguageFixed: true,
    kept: null,
    translations: article.translations ?? draft.translations,
  }));
  return { ...next, busy: null, problem: null, history: { ...EMPTY_HISTORY } };
}

/** @param {EditorState} state @param {(draft: Draft) => Draft} change @returns {EditorState} */
function withDraft(state, change) {
  return state.draft === null ? state : { ...state, draft: change(state.draft) };
}
