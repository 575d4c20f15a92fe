/** What follows from the state: the lists, who may do what, what is worth a sound. Pure. */
import { nameReason, namePage, nameVisitor } from "./words.js";

export const RESOLVED_SHOWN_MAX = 50; // older ones are for the search of chats, not for the desk
export const LISTS = Object.freeze([
  { name: "waiting", title: "Waiting", empty: "Nobody is waiting." },
  { name: "mine", title: "Mine", empty: "You hold no chats." },
  { name: "team", title: "Team", empty: "Nobody else holds a chat." },
  { name: "bot", title: "With the bot", empty: "No live chats with the bot." },
  { name: "resolved", title: "Resolved", empty: "Nothing resolved lately." },
]);

/** Which list a conversation stands in. */
export function chooseList(summary, me) {
  if (summary.phase === "queue") return "waiting";
  if (summary.phase === "resolved") return "resolved";
  if (summary.phase === "operator") return summary.holder?.id === me?.id ? "mine" : "team";
  return "bot";
}

/**
 * The five lists in order, filtered: waiting oldest first, the others by latest news.
 * @returns {{name: string, title: string, empty: string, rows: object[], total: number}[]}
 */
export function buildLists(state) {
  const groups = new Map(LISTS.map((list) => [list.name, []]));
  for (const summary of state.conversations.values()) groups.get(chooseList(summary, state.me)).push(summary);
  groups.get("waiting").sort((a, b) => (a.queued_at ?? a.started_at) - (b.queued_at ?? b.started_at));
  for (const name of ["mine", "team", "bot", "resolved"]) groups.get(name).sort((a, b) => b.updated_at - a.updated_at);
  const words = state.filter.trim().toLowerCase().split(/\s+/).filter(Boolean);
  return LISTS.map((list) => {
    const all = groups.get(list.name);
    const found = words.length ? all.filter((summary) => matches(summary, words)) : all;
    return { ...list, rows: list.name === "resolved" ? found.slice(0, RESOLVED_SHOWN_MAX) : found, total: all.length };
  });
}

/** How many wait for a person right now. */
export function countWaiting(state) {
  let count = 0;
  for (const summary of state.conversations.values()) if (summary.phase === "queue") count += 1;
  return count;
}

/** Whether the visitor said something in a chat of mine that I have not had on screen. */
export function isUnread(state, summary) {
  if (chooseList(summary, state.me) !== "mine" || summary.last?.author_kind !== "visitor") return false;
  return summary.head > (state.seen.get(summary.conversation_id) ?? 0);
}

/** The epoch to name in a command: whichever source heard of the latest change of hands. */
export function currentEpoch(state, conversation_id) {
  const events = state.transcripts.get(conversation_id)?.events ?? [];
  return Math.max(state.conversations.get(conversation_id)?.epoch ?? 0, events.at(-1)?.epoch ?? 0);
}

/**
 * Which actions the header offers for a conversation.
 * @returns {{verb: string, label: string, is_primary: boolean}[]}
 */
export function chooseActions(state, summary) {
  const list = chooseList(summary, state.me);
  if (list === "waiting") return [{ verb: "claim", label: "Claim", is_primary: true }];
  if (list === "bot") return [{ verb: "claim", label: "Take over", is_primary: true }];
  if (list !== "mine") return [];
  return [
    { verb: "transfer", label: "Transfer", is_primary: false },
    { verb: "release", label: "Release", is_primary: false },
    { verb: "return_to_bot", label: "Return to bot", is_primary: false },
    { verb: "resolve", label: "Resolve", is_primary: true },
  ];
}

/** Whether a reply may be written, and if not, why. @returns {{is_allowed: boolean, why: string, can_claim: boolean}} */
export function canReply(state, summary) {
  switch (chooseList(summary, state.me)) {
    case "mine":
      return { is_allowed: true, why: "", can_claim: false };
    case "waiting":
      return { is_allowed: false, why: "Claim this chat to reply.", can_claim: true };
    case "bot":
      return { is_allowed: false, why: "The bot has this chat. Take over to reply.", can_claim: true };
    case "team":
      return { is_allowed: false, why: `${summary.holder?.name ?? "A colleague"} has this chat. You can leave a note.`, can_claim: false };
    default:
      return { is_allowed: false, why: "This chat is resolved. You can leave a note.", can_claim: false };
  }
}

/** Whether an answer to this verb is still awaited for the conversation. */
export function isAwaiting(state, conversation_id, verb = null) {
  for (const errand of state.errands.values()) {
    if (errand.conversation_id === conversation_id && (verb ? errand.verb === verb : errand.verb !== "post" && errand.verb !== "note")) return true;
  }
  return false;
}

/** Colleagues who can be given a chat: everybody else, those who are there first. */
export function chooseColleagues(state) {
  return state.people
    .filter((person) => person.id !== state.me?.id)
    .sort((a, b) => Number(b.is_available) - Number(a.is_available) || a.name.localeCompare(b.name));
}

/**
 * What the operator should hear of between two states.
 * Nothing on the first welcome: what waits then is on the screen anyway.
 * @returns {{kind: "escalation"|"handed_over"|"message", conversation_id: string}[]}
 */
export function chooseAlerts(before, after) {
  if (!before.me || before.conversations === after.conversations) return [];
  const alerts = [];
  for (const [conversation_id, summary] of after.conversations) {
    const known = before.conversations.get(conversation_id);
    if (known === summary) continue;
    const kind = chooseAlert(known, summary, after);
    if (kind) alerts.push({ kind, conversation_id });
  }
  return alerts;
}

function chooseAlert(known, summary, state) {
  if (summary.phase === "queue") return known?.phase === "queue" ? null : "escalation";
  if (chooseList(summary, state.me) !== "mine") return null;
  const wasMine = known?.phase === "operator" && known.holder?.id === state.me.id;
  if (!wasMine) return state.claimed.has(summary.conversation_id) ? null : "handed_over";
  return summary.last?.author_kind === "visitor" && summary.head > known.head ? "message" : null;
}

function matches(summary, words) {
  const text = [
    nameVisitor(summary), summary.visitor?.email, `#${summary.number}`, namePage(summary.page), summary.page?.url,
    summary.last?.text, summary.holder?.name, summary.reason ? nameReason(summary.reason) : "",
  ].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}
