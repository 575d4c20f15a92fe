/**
 * What the chat window knows. Pure: `reduce(state, action)` returns the next state and touches nothing else.
 * Promises: each seq is held once, in rising order; an own frame waits in `pending` until the event with its client_id
 * arrives; another log epoch empties the log.
 */

export const initialState = Object.freeze({
  /** "connecting" | "open" | "waiting" | "stopped" */
  connection: "connecting",
  stopCode: null,
  hasConnected: false,
  conversationId: null,
  logEpoch: null,
  /** Head of the log at the last welcome: what comes up to it is history, what comes after is news. */
  head: 0,
  cursor: 0,
  /** The history is on the screen: what is added from now on may be announced. */
  isCaughtUp: false,
  seen: 0,
  /** "bot" | "queue" | "operator" | "resolved" | null */
  phase: null,
  operator: null,
  isStaffed: false,
  /** While nobody can be reached: when the desk opens, in UTC seconds, if that is known. */
  opensAt: null,
  events: [],
  /** Own frames without their event: {frame, at, status: "sending" | "sent" | "failed"} */
  pending: [],
  typing: null,
  /** Code of the last refusal that belongs to no message. */
  notice: null,
  isVisible: false,
  /** What the visitor has opened: "menu" | "rating" | null */
  panel: null,
});

const PHASE_AFTER = {
  escalated: "queue",
  operator_claimed: "operator",
  operator_released: "queue",
  returned_to_bot: "bot",
  resolved: "resolved",
  reopened: "bot",
};
/** After these of the visitor's own, the assistant is at work. */
const ASKS_BOT = new Set(["visitor_message", "article_chosen"]);
const COUNTED = new Set(["bot_message", "operator_message", "article_shown", "clarification_offered", "detail_asked"]);

const ACTIONS = {
  restored: (state, { entries, seen = 0, logEpoch = null, conversationId = null }) => ({ ...state, pending: entries, seen, logEpoch, conversationId }),
  submitted: (state, { frame, at }) => ({
    ...state,
    notice: null,
    pending: [...state.pending.filter((entry) => entry.frame.client_id !== frame.client_id), { frame, at, status: "sending" }],
  }),
  connection: (state, { status, code }) => ({
    ...state,
    connection: status,
    stopCode: code ?? null,
    typing: status === "open" ? state.typing : null,
  }),
  frame: (state, { frame }) => (Object.hasOwn(FRAMES, frame.type) ? FRAMES[frame.type](state, frame) : state),
  visible: (state, { isVisible }) => ({ ...state, isVisible }),
  panel: (state, { panel }) => ({ ...state, panel: panel === state.panel ? null : panel }),
  /** Private events count in the head but never come, so silence ends the history too. */
  caught_up: (state) => ({ ...state, isCaughtUp: true }),
  typing_expired: (state) => ({ ...state, typing: null }),
  noticed: (state, { code }) => ({ ...state, notice: code }),
  /** Another visitor from here on: nothing of the old one may stay, but the words just typed. */
  session_changed: (state) => ({
    ...initialState,
    connection: state.connection,
    isVisible: state.isVisible,
    pending: state.pending.filter((entry) => entry.frame.type === "post"),
  }),
  reset: (state) => ({ ...initialState, isVisible: state.isVisible }),
};

const FRAMES = {
  welcome: (state, frame) => {
    const known = isSameLog(state, frame) ? state : { ...state, events: [], cursor: 0, seen: state.logEpoch === null ? state.seen : 0 };
    return {
      ...known,
      ...whoAnswers(frame),
      logEpoch: frame.log_epoch,
      hasConnected: true,
      conversationId: frame.conversation_id,
      head: frame.head,
      isCaughtUp: known.cursor >= frame.head,
      pending: state.pending.filter((entry) => entry.status !== "sent" || entry.frame.type === "post"),
    };
  },
  event: applyEvent,
  ack: (state, frame) => marked(state, frame.client_id, "sent"),
  error: (state, frame) => {
    const refused = state.pending.find((entry) => entry.frame.client_id === frame.client_id);
    if (refused?.frame.type === "post") return marked(state, frame.client_id, "failed");
    return { ...state, notice: frame.code, pending: state.pending.filter((entry) => entry !== refused) };
  },
  typing: (state, frame) => ({ ...state, typing: frame.is_typing ? frame.author : null }),
  status: (state, frame) => ({ ...state, ...whoAnswers(frame) }),
};

/** @param {typeof initialState} state @param {{type: string}} action */
export function reduce(state, action) {
  const next = ACTIONS[action.type](state, action);
  if (next.isVisible && next.seen < next.cursor) return { ...next, seen: next.cursor };
  return next;
}

/** How many messages of the assistant or of a person the visitor has not seen. */
export function countUnread(state) {
  return state.events.filter((event) => event.seq > state.seen && COUNTED.has(event.kind)).length;
}

/** False when the log was restored from a copy, or when the desk has begun another conversation: numbers start anew. */
export function isSameLog(state, welcome) {
  return welcome.log_epoch === state.logEpoch && (state.conversationId === null || welcome.conversation_id === state.conversationId);
}

const whoAnswers = (frame) => ({ phase: frame.phase, operator: frame.operator, isStaffed: frame.is_staffed, opensAt: frame.opens_at ?? null });

function marked(state, clientId, status) {
  const isIt = (entry) => entry.frame.client_id === clientId;
  return { ...state, pending: state.pending.map((entry) => (isIt(entry) ? { ...entry, status } : entry)) };
}

function applyEvent(state, event) {
  if (state.events.some((known) => known.seq === event.seq)) return state;
  const next = {
    ...state,
    events: inserted(state.events, event),
    cursor: Math.max(state.cursor, event.seq),
    isCaughtUp: state.isCaughtUp || event.seq >= state.head,
    pending: event.client_id ? state.pending.filter((entry) => entry.frame.client_id !== event.client_id) : state.pending,
    panel: event.kind === "chat_rated" && state.panel === "rating" ? null : state.panel,
  };
  return event.seq > state.head ? { ...next, ...afterNews(next, event) } : next;
}

function afterNews(state, event) {
  const phase = PHASE_AFTER[event.kind] ?? state.phase;
  const isForBot = phase === "bot" || phase === null;
  return {
    phase,
    operator: phase !== "operator" ? null : event.kind === "operator_claimed" ? { name: event.author.name } : state.operator,
    isStaffed: event.kind === "escalated" ? event.body.is_staffed : state.isStaffed,
    typing: ASKS_BOT.has(event.kind) && isForBot ? { kind: "bot", name: null } : event.author.kind === "visitor" ? state.typing : null,
  };
}

/** Nearly always an append; a late event still finds its place. */
function inserted(events, event) {
  const at = events.findLastIndex((known) => known.seq < event.seq) + 1;
  return [...events.slice(0, at), event, ...events.slice(at)];
}
