/** Turns the log and the own unconfirmed frames into what stands on the screen, top to bottom. Pure. */

/** Messages of one author closer than this stand together. */
const GROUP_S = 300;

/**
 * @param {ReturnType<typeof import("./reducer.js").reduce>} state
 * @returns {{key: string, kind: "day" | "message" | "card" | "options" | "notice", at: number}[]}
 */
export function timeline(state) {
  const items = [];
  for (const event of state.events) {
    const item = Object.hasOwn(KINDS, event.kind) ? KINDS[event.kind](event, state) : null;
    if (item) items.push({ key: event.client_id ?? `seq-${event.seq}`, at: event.at, side: event.author.kind, name: event.author.name, ...item });
  }
  for (const entry of state.pending) {
    const item = PENDING[entry.frame.type]?.(entry, state);
    if (item) items.push({ key: entry.frame.client_id, at: entry.at, side: "visitor", ...item });
  }
  return grouped(withDays(items));
}

/** Which form belongs under the log: "contact" | "queue" | "rating" | "again" | null */
export function decideAside(state) {
  if (state.panel === "rating") return "rating";
  if (state.phase === "queue") return state.isStaffed ? "queue" : hasLeftContact(state) ? null : "contact";
  if (state.phase === "resolved") return canRate(state) ? "rating" : "again";
  return null;
}

/** There is something to rate, and it has not been rated since the last person or the last end. */
export function canRate(state) {
  return state.events.some((event) => event.author.kind !== "visitor") && !lastOf(state, "chat_rated", "reopened", "operator_claimed", "rate");
}

/** A request for a person makes sense and is not on its way yet. */
export function canAskPerson(state) {
  return (state.phase === "bot" || state.phase === null) && state.connection !== "stopped" && !isPending(state, "ask_person");
}

export const isPending = (state, type) => state.pending.some((entry) => entry.frame.type === type && entry.status === "sending");

const KINDS = {
  visitor_message: ({ body }) => ({ kind: "message", text: body.text }),
  operator_message: ({ body }) => ({ kind: "message", text: body.text }),
  bot_message: (event, state) => ({
    kind: "message",
    text: event.body.text,
    offersPerson: event.body.offer === "person" && isLatest(state, event) && canAskPerson(state),
  }),
  detail_asked: (event, state) => ({
    kind: "message",
    text: event.body.text,
    skipText: isLatest(state, event) && state.phase === "bot" ? event.body.skip_text : null,
  }),
  article_shown: (event, state) => ({ kind: "card", event, helpful: reactionTo(event.seq, state) }),
  clarification_offered: (event, state) => {
    const choice = choiceFor(event, state);
    return { kind: "options", event, choice, isOpen: !choice && isLatest(state, event) && state.phase !== "operator" };
  },
  article_chosen: ({ body }) => ({ kind: "message", text: body.title }),
  // Without staff the form below says it all.
  escalated: ({ body }) => (body.text || body.is_staffed ? { kind: "notice", text: body.text || null, say: "escalated" } : null),
  operator_claimed: ({ author }) => ({ kind: "notice", say: "joined", values: { name: author.name } }),
  operator_released: () => ({ kind: "notice", say: "released" }),
  returned_to_bot: (event, state) => ({ kind: "notice", say: "returned", offersRating: isLatest(state, event) && canRate(state) }),
  resolved: () => ({ kind: "notice", say: "resolved" }),
  reopened: () => ({ kind: "notice", say: "reopened" }),
  chat_rated: ({ body }) => ({ kind: "notice", say: "rated", values: { score: body.score } }),
  contact_left: ({ body }) => ({ kind: "notice", say: "contactLeft", values: { email: body.email } }),
};

const PENDING = {
  post: ({ frame, status }, state) => ({
    kind: "message",
    text: frame.text,
    frame,
    status: status === "sending" && state.connection !== "open" ? "queued" : status,
  }),
  choose: ({ frame }, state) => {
    const offer = state.events.find((event) => event.seq === frame.seq);
    const option = offer?.body.options?.find(({ slug }) => slug === frame.slug);
    return option ? { kind: "message", text: option.title, frame } : null;
  },
  // Under a key of its own: what comes of it is another line, which is read out as one.
  ask_person: ({ status }) => (status === "sending" ? { key: "asking", kind: "notice", say: "asking" } : null),
};

/** Nothing was said after it. */
function isLatest(state, event) {
  const isTalk = ({ kind, seq }) => seq > event.seq && /message$|^article_|^clarification|^detail_|^escalated/.test(kind);
  return !state.events.some(isTalk) && !state.pending.some(({ frame }) => frame.type === "post" || frame.type === "choose");
}

function reactionTo(seq, state) {
  const given = state.events.find((event) => event.kind === "feedback_given" && event.body.article_seq === seq);
  const pending = state.pending.find(({ frame }) => frame.type === "feedback" && frame.seq === seq);
  return given ? given.body.helpful : pending ? pending.frame.helpful : null;
}

function choiceFor(event, state) {
  const slugs = event.body.options.map(({ slug }) => slug);
  const chosen = state.events.find(({ kind, seq, body }) => kind === "article_chosen" && seq > event.seq && slugs.includes(body.slug));
  return chosen?.body.slug ?? state.pending.find(({ frame }) => frame.type === "choose" && frame.seq === event.seq)?.frame.slug ?? null;
}

/** Is the newest event of these kinds, or a frame on its way, the one that settles it? */
function lastOf(state, kind, ...others) {
  const frameType = others.pop();
  const last = state.events.findLast((event) => event.kind === kind || others.includes(event.kind));
  return last?.kind === kind || state.pending.some(({ frame }) => frame.type === frameType);
}

const hasLeftContact = (state) => lastOf(state, "contact_left", "escalated", "leave_contact");

const dayOf = (at) => new Date(at * 1000).toDateString();

function withDays(items) {
  return items.flatMap((item, index) => {
    const isNew = index === 0 || dayOf(items[index - 1].at) !== dayOf(item.at);
    return isNew ? [{ key: `day-${dayOf(item.at)}`, kind: "day", at: item.at }, item] : [item];
  });
}

function grouped(items) {
  const joins = (one, other) =>
    one?.side !== undefined && one.side === other?.side && one.name === other.name && one.kind !== "notice" && other.kind !== "notice" && other.at - one.at < GROUP_S;
  return items.map((item, index) => ({
    ...item,
    isFirst: !joins(items[index - 1], item),
    isLast: !joins(item, items[index + 1]),
  }));
}
