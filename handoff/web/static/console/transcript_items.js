/**
 * Turns a transcript into the items that the middle column draws, in order. Pure; each item is plain data with a stable
 * key, so that the view redraws only what differs.
 */
import { isOtherDay } from "../shared/time.js";
import { nameIntent, nameReason, namePage, shortenUrl } from "./words.js";

const GROUP_S = 300; // messages of one author within five minutes stand under one name

/**
 * @param {object} transcript
 * @param {object} summary
 * @param {{id: string}|null} me
 * @returns {object[]} items with `key` and `type`: day | bubble | note | article | options | contact | system
 */
export function buildItems(transcript, summary, me) {
  const context = { summary, me, ...collectReactions(transcript.events) };
  const items = [];
  let day_at = null;
  for (const event of transcript.events) {
    const built = BUILDERS[event.kind]?.(event, context) ?? [];
    if (built.length && (day_at === null || isOtherDay(day_at, event.at))) {
      items.push({ key: `day-${event.seq}`, type: "day", at: event.at });
      day_at = event.at;
    }
    built.forEach((item, index) => items.push({ key: `${event.seq}-${index}`, at: event.at, ...item }));
  }
  for (const message of transcript.pending) items.push(buildPending(message));
  return markGroups(items);
}

const BUILDERS = {
  conversation_started: ({ body }) => [
    { type: "system", icon: "person", text: "Chat started", detail: body.page ? shortenUrl(body.page.url) : "", title: namePage(body.page) },
  ],
  visitor_message: (event, { understood }) => [bubble("visitor", event, { intent: understood.get(event.seq) ?? null })],
  bot_message: (event) => [bubble("bot", event)],
  detail_asked: (event) => [bubble("bot", event)],
  operator_message: (event, context) => [bubble("operator", event, { is_mine: event.author.id === context.me?.id })],
  note_added: (event, context) => [
    { type: "note", text: event.body.text, name: nameAuthor(event, context), status: "sent" },
  ],
  article_shown: ({ seq, body }, { reactions }) => [
    {
      type: "article", side: "bot", lead: body.text ?? "", article: body.article, passage: body.passage ?? null,
      probability: body.probability ?? null, reaction: reactions.get(seq) ?? null,
    },
  ],
  clarification_offered: ({ seq, body }, { choices }) => [
    { type: "options", side: "bot", lead: body.text ?? "", options: body.options, chosen: choices.get(seq) ?? null },
  ],
  article_chosen: ({ body }, context) => [system("check", `${shortName(context)} chose “${body.title}”`)],
  feedback_given: ({ body }, context) => [
    system(body.helpful ? "thumb-up" : "thumb-down", `${shortName(context)}: ${body.helpful ? "this helped" : "this did not help"}`),
  ],
  question_unanswered: ({ body }) => [
    {
      ...system("help", "The bot found no good answer", "wait"),
      detail: body.candidates?.length ? `closest: ${body.candidates.map((candidate) => candidate.title).join(" · ")}` : "",
    },
  ],
  escalated: ({ body }) => [
    { ...system("bell", `A person is wanted: ${nameReason(body.reason).toLowerCase()}`, "alert"), detail: [nameIntent(body.detail), body.is_staffed === false && "nobody was available"].filter(Boolean).join(" · ") },
  ],
  operator_claimed: (event, context) => [system("person", `${nameAuthor(event, context)} took this chat`)],
  operator_released: (event, context) => [
    system("inbox", event.body.is_lapse ? "Back in the queue: the operator was gone too long" : `${nameAuthor(event, context)} put this chat back in the queue`),
  ],
  transferred: (event, context) => [
    system("transfer", `${nameAuthor(event, context)} gave this chat to ${event.body.operator_id === context.me?.id ? "you" : event.body.operator_name}`),
  ],
  returned_to_bot: (event, context) => [system("bot", `${nameAuthor(event, context)} returned this chat to the bot`)],
  resolved: (event, context) => [system("check", `${nameAuthor(event, context)} resolved this chat`, "good")],
  reopened: (event, context) => [
    system("retry", event.author.kind === "system" ? "The chat was opened again" : `${nameAuthor(event, context)} opened this chat again`),
  ],
  chat_rated: ({ body }, context) => [
    { ...system("thumb-up", `${shortName(context)} rated this chat ${body.score} of 5`), quote: body.comment ?? "" },
  ],
  contact_left: ({ body }) => [{ type: "contact", name: body.name, email: body.email, message: body.message }],
};

function collectReactions(events) {
  const reactions = new Map(); // seq of the article_shown event -> "helpful" | "unhelpful"
  const choices = new Map(); // seq of the clarification -> chosen slug
  const understood = new Map(); // seq of the visitor's message -> {intent, confidence}
  let asked_seq = null;
  let offered_seq = null;
  for (const { kind, seq, body } of events) {
    if (kind === "visitor_message") asked_seq = seq;
    else if (kind === "understood") understood.set(body.message_seq ?? asked_seq, { intent: body.intent, confidence: body.confidence });
    else if (kind === "feedback_given") reactions.set(body.article_seq, body.helpful ? "helpful" : "unhelpful");
    else if (kind === "clarification_offered") offered_seq = seq;
    else if (kind === "article_chosen" && offered_seq !== null) choices.set(offered_seq, body.slug);
  }
  return { reactions, choices, understood };
}

function buildPending({ client_id, kind, text, at, status, reason }) {
  const key = `pending-${client_id}`;
  if (kind === "note") return { key, type: "note", name: "You", at, text, status, reason, client_id };
  return { key, type: "bubble", side: "operator", is_mine: true, name: null, author_id: null, at, text, status, reason, client_id, intent: null };
}

function bubble(side, { body, author }, more = {}) {
  return { type: "bubble", side, text: body.text, name: author?.name ?? null, author_id: author?.id ?? null, status: "sent", reason: null, intent: null, ...more };
}

function system(icon, text, tone = "calm") {
  return { type: "system", icon, text, tone };
}

/** Mark the first item of each author's run: only that one names its author and time. */
function markGroups(items) {
  let last = null;
  return items.map((item) => {
    const speaker = speakerOf(item);
    const isFirst = !speaker || !last || last.speaker !== speaker || item.at - last.at > GROUP_S;
    last = speaker ? { speaker, at: item.at } : null;
    return speaker ? { ...item, is_first: isFirst } : item;
  });
}

function speakerOf(item) {
  if (item.type === "bubble" && item.side === "operator") return item.is_mine ? "operator-me" : `operator-${item.author_id}`;
  if (item.type === "bubble" || item.type === "article" || item.type === "options") return item.side;
  return null;
}

function nameAuthor(event, { summary, me }) {
  if (event.author.kind === "visitor") return shortName({ summary });
  if (event.author.id && event.author.id === me?.id) return "You";
  return event.author.name ?? (event.author.kind === "bot" ? "The bot" : "Baton");
}

function shortName({ summary }) {
  return summary.visitor?.name || "The visitor";
}
