/**
 * The console's whole state and how it changes: reduce(state, action) -> state. Pure, the time comes with the action;
 * never touches the page, the socket or storage. What is derived from the state lives in selectors.js.
 */
import { explainError } from "./words.js";
import { reduceTranscript, emptyTranscript, forgetOldTranscripts } from "./transcript_reducer.js";

const ASKED_MAX = 20; // as many as the server keeps in a brief

export const TOASTS_MAX = 4;

/**
 * @typedef {{id: string, name: string, role: string}} Operator
 * @typedef {{status: "connecting"|"open"|"waiting"|"stopped", retry_at: number|null, problem: string|null, was_open: boolean}} Link
 */

/** The state before anything was heard. */
export function buildState() {
  return {
    link: { status: "connecting", retry_at: null, problem: null, was_open: false },
    me: null,
    is_available: false,
    people: [],
    log_epoch: null, // names the log that the cursors count in
    clock_offset_s: 0, // the server's clock minus this one
    conversations: new Map(), // conversation_id -> summary
    transcripts: new Map(), // conversation_id -> transcript, see transcript_reducer.js
    briefs: new Map(),
    errands: new Map(), // client_id -> {verb, conversation_id}: asked of the server, not answered yet
    claimed: new Set(), // chats that this console asked for, so that their arrival is no news
    selected_id: null,
    seen: new Map(), // conversation_id -> head that this operator has had on screen
    filter: "",
    folded: new Set(["resolved"]),
    pane: "lists", // what a narrow screen shows: lists | chat | brief
    composer_tab: "reply",
    drafts: new Map(), // `${conversation_id}/${tab}` -> text
    toasts: [], // {id, text, tone}
    search: buildSearch(),
  };
}

function buildSearch() {
  return { question: "", status: "idle", results: [], verdict: null, problem: null, article: null }; // status: idle | loading | done | failed
}

/** @param {ReturnType<typeof buildState>} state @param {{type: string}} action */
export function reduce(state, action) {
  const change = REDUCERS[action.type];
  return change ? change(state, action) : state;
}

const REDUCERS = {
  link_changed: (state, { link }) => ({ ...state, link: { ...state.link, ...link } }),
  frame_received: (state, { frame, now }) => FRAMES[frame.type]?.(state, frame, now) ?? state,
  conversation_selected: selectConversation,
  conversation_seen: (state) => markSeen(state, state.selected_id),
  pane_shown: (state, { pane }) => ({ ...state, pane }),
  filter_changed: (state, { filter }) => ({ ...state, filter }),
  list_folded: toggleFold,
  composer_tab_chosen: (state, { tab }) => ({ ...state, composer_tab: tab }),
  draft_changed: changeDraft,
  errand_sent: sendErrand,
  errand_failed: (state, { client_id, error, now }) => failErrand(state, { client_id, ...error }, now),
  availability_set: (state, { is_available }) => ({ ...state, is_available }),
  message_sent: (state, action) => withTranscript(state, action.conversation_id, action),
  message_dropped: (state, action) => withTranscript(state, action.conversation_id, action),
  typing_expired: expireTyping,
  search_started: (state, { question }) => ({ ...state, search: { ...state.search, question, status: "loading", problem: null, article: null } }),
  search_answered: (state, { question, results, verdict }) =>
    question === state.search.question ? { ...state, search: { ...state.search, status: "done", results, verdict } } : state,
  search_failed: (state, { question, problem }) =>
    question === state.search.question ? { ...state, search: { ...state.search, status: "failed", results: [], problem } } : state,
  search_cleared: (state) => ({ ...state, search: buildSearch() }),
  article_shown: (state, { article }) => ({ ...state, search: { ...state.search, article } }),
  toast_shown: (state, { toast }) => addToast(state, toast),
  toast_dismissed: (state, { id }) => ({ ...state, toasts: state.toasts.filter((toast) => toast.id !== id) }),
};

const FRAMES = {
  welcome: receiveWelcome,
  conversation: (state, { summary }) => withSummary(state, summary),
  event: receiveEvent,
  brief: (state, { conversation_id, brief }) => ({ ...state, briefs: new Map(state.briefs).set(conversation_id, brief) }),
  ack: receiveAck,
  error: (state, frame, now) => failErrand(state, frame, now),
  typing: (state, frame, now) =>
    withTranscript(state, frame.conversation_id, { type: "typing_heard", author: frame.author, is_typing: frame.is_typing, text: frame.text ?? null, now }),
  people: (state, { people }) => ({ ...state, people }),
};

function receiveWelcome(state, frame, now) {
  const conversations = new Map(frame.conversations.map((summary) => [summary.conversation_id, summary]));
  const kept = state.selected_id && state.conversations.get(state.selected_id);
  if (kept && !conversations.has(state.selected_id)) conversations.set(state.selected_id, kept); // stays readable
  const next = {
    ...state,
    me: frame.operator,
    is_available: frame.is_available,
    people: frame.people,
    clock_offset_s: Number.isFinite(frame.server_at) ? frame.server_at - now : 0,
    log_epoch: frame.log_epoch ?? null,
    conversations,
    transcripts: dropRewound(state, conversations, frame.log_epoch ?? null),
    claimed: new Set([...state.claimed].filter((id) => conversations.has(id))),
  };
  return markSeen(next, state.selected_id);
}

/** Another log, or one that is shorter than what is on screen, was restored from a backup: read it again from its start. */
function dropRewound(state, conversations, log_epoch) {
  const isOtherLog = state.log_epoch !== null && state.log_epoch !== log_epoch;
  const kept = new Map();
  for (const [id, transcript] of state.transcripts) {
    const head = conversations.get(id)?.head ?? Infinity;
    kept.set(id, isOtherLog || transcript.cursor > head ? { ...emptyTranscript(), pending: transcript.pending } : transcript);
  }
  return kept;
}

function withSummary(state, summary) {
  const id = summary.conversation_id;
  const known = state.conversations.get(id);
  if (known && (summary.epoch < known.epoch || (summary.epoch === known.epoch && summary.head < known.head))) return state; // overtaken
  const conversations = new Map(state.conversations).set(id, summary);
  const isLost = state.claimed.has(id) && summary.holder && summary.holder.id !== state.me?.id;
  const next = { ...state, conversations, claimed: isLost ? without(state.claimed, id) : state.claimed };
  return id === state.selected_id ? markSeen(next, id) : next;
}

function receiveEvent(state, frame, now) {
  const next = withTranscript(state, frame.conversation_id, { type: "event_heard", event: frame, now });
  return frame.kind === "visitor_message" ? withAsked(next, frame) : next;
}

/** The server sends no new brief for what is said to a person; what was asked is added here. */
function withAsked(state, { conversation_id, seq, at, body }) {
  const brief = state.briefs.get(conversation_id);
  if (!brief || brief.asked.some((question) => question.seq === seq)) return state;
  const asked = [...brief.asked, { seq, text: body.text, at, intent: null, confidence: null }].slice(-ASKED_MAX);
  return { ...state, briefs: new Map(state.briefs).set(conversation_id, { ...brief, asked }) };
}

function receiveAck(state, { client_id, seq }) {
  const errand = state.errands.get(client_id);
  if (!errand) return state;
  const errands = new Map(state.errands);
  errands.delete(client_id);
  const next = { ...state, errands };
  if (!isMessage(errand.verb)) return next;
  return withTranscript(next, errand.conversation_id, { type: "message_acknowledged", client_id, seq });
}

function failErrand(state, { client_id, code, message, holder }, now) {
  const errand = client_id ? state.errands.get(client_id) : null;
  const text = explainError({ code, message, holder });
  if (!errand) return client_id ? state : addToast(state, { id: `error-${code}-${now}`, text, tone: "alert" });
  const errands = new Map(state.errands);
  errands.delete(client_id);
  const next = { ...state, errands };
  if (isMessage(errand.verb)) {
    return withTranscript(next, errand.conversation_id, { type: "message_refused", client_id, reason: text });
  }
  const claimed = errand.verb === "claim" ? without(state.claimed, errand.conversation_id) : state.claimed;
  const corrected = holder ? withHolder(next, errand.conversation_id, holder) : next;
  return addToast({ ...corrected, claimed }, { id: client_id, text, tone: holder ? "info" : "alert" });
}

/** The refusal names the winner before the list does: show it at once. */
function withHolder(state, conversation_id, holder) {
  const summary = state.conversations.get(conversation_id);
  if (!summary) return state;
  const conversations = new Map(state.conversations).set(conversation_id, { ...summary, phase: "operator", holder });
  return { ...state, conversations };
}

function selectConversation(state, { conversation_id, pane }) {
  if (conversation_id === null) return { ...state, selected_id: null, pane: "lists" };
  const next = {
    ...state,
    selected_id: conversation_id,
    pane: pane ?? "chat",
    composer_tab: conversation_id === state.selected_id ? state.composer_tab : "reply",
    transcripts: forgetOldTranscripts(state.transcripts, conversation_id),
  };
  return markSeen(next, conversation_id);
}

function markSeen(state, id) {
  const head = state.conversations.get(id)?.head;
  if (head === undefined || state.seen.get(id) === head) return state;
  return { ...state, seen: new Map(state.seen).set(id, head) };
}

function toggleFold(state, { list, is_folded }) {
  const folded = without(state.folded, list);
  if (is_folded ?? !state.folded.has(list)) folded.add(list);
  return { ...state, folded };
}

function changeDraft(state, { conversation_id, tab, text }) {
  const drafts = new Map(state.drafts);
  if (text) drafts.set(`${conversation_id}/${tab}`, text);
  else drafts.delete(`${conversation_id}/${tab}`);
  return { ...state, drafts };
}

function sendErrand(state, { client_id, verb, conversation_id }) {
  const errands = new Map(state.errands).set(client_id, { verb, conversation_id });
  const claimed = verb === "claim" ? new Set(state.claimed).add(conversation_id) : state.claimed;
  return { ...state, errands, claimed };
}

function expireTyping(state, { now }) {
  let next = state;
  for (const [id, transcript] of state.transcripts) {
    if (transcript.typing && transcript.typing.until <= now) next = withTranscript(next, id, { type: "typing_ended" });
  }
  return next;
}

function addToast(state, toast) {
  const others = state.toasts.filter((shown) => shown.id !== toast.id && shown.text !== toast.text);
  return { ...state, toasts: [...others, toast].slice(-TOASTS_MAX) };
}

function withTranscript(state, conversation_id, action) {
  const before = state.transcripts.get(conversation_id) ?? emptyTranscript();
  const after = reduceTranscript(before, action);
  if (after === before) return state;
  return { ...state, transcripts: new Map(state.transcripts).set(conversation_id, after) };
}

function isMessage(verb) {
  return verb === "post" || verb === "note";
}

function without(set, value) {
  const copy = new Set(set);
  copy.delete(value);
  return copy;
}
