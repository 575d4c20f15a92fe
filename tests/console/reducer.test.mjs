import assert from "node:assert/strict";
import { test } from "node:test";

import { TOASTS_MAX, buildState, reduce } from "../../handoff/web/static/console/reducer.js";
import {
  RESOLVED_SHOWN_MAX, buildLists, canReply, chooseActions, chooseAlerts, chooseColleagues, countWaiting, currentEpoch, isAwaiting, isUnread,
} from "../../handoff/web/static/console/selectors.js";
import { buildItems } from "../../handoff/web/static/console/transcript_items.js";
import { TRANSCRIPTS_MAX } from "../../handoff/web/static/console/transcript_reducer.js";
import { ALAN, GRACE, NOW, act, buildDesk, buildEvent, buildSummary, hear, listSeenFrames, readEvents, readFrame } from "./cast.mjs";

const C = "c-42";
const ID = readFrame("sees_ack").client_id;
const select = { type: "conversation_selected", conversation_id: C };
const mine = (changes = {}) => buildSummary({ phase: "operator", holder: GRACE, queued_at: null, ...changes });
const names = (state) => Object.fromEntries(buildLists(state).map((list) => [list.name, list.rows.map((row) => row.conversation_id)]));

test("every frame of the protocol is taken in and none is changed", () => {
  for (const name of listSeenFrames()) {
    const frame = readFrame(name);
    hear(buildDesk([buildSummary()]), frame);
    assert.deepEqual(frame, readFrame(name), name);
  }
});

test("an unknown frame or action changes nothing", () => {
  const state = buildDesk([buildSummary()]);
  assert.equal(hear(state, { type: "fortune" }), state);
  assert.equal(reduce(state, { type: "fortune" }), state);
});

test("chats stand in the list of their holder", () => {
  const state = buildDesk([
    buildSummary({ conversation_id: "w", phase: "queue" }), mine({ conversation_id: "m" }), mine({ conversation_id: "t", holder: ALAN }),
    buildSummary({ conversation_id: "b", phase: "bot" }), buildSummary({ conversation_id: "r", phase: "resolved" }),
  ]);
  assert.deepEqual(names(state), { waiting: ["w"], mine: ["m"], team: ["t"], bot: ["b"], resolved: ["r"] });
  assert.equal(countWaiting(state), 1);
});

test("who waits longest stands first", () => {
  const queue = [30, 10, 20].map((queued_at) => buildSummary({ conversation_id: `q${queued_at}`, queued_at }));
  assert.deepEqual(names(buildDesk(queue)).waiting, ["q10", "q20", "q30"]);
});

test("only the latest resolved chats are listed", () => {
  const many = Array.from({ length: RESOLVED_SHOWN_MAX + 1 }, (_, index) => buildSummary({ conversation_id: `r${index}`, phase: "resolved", updated_at: index }));
  const list = buildLists(buildDesk(many)).at(-1);
  assert.equal(list.total, RESOLVED_SHOWN_MAX + 1);
  assert.equal(list.rows.length, RESOLVED_SHOWN_MAX);
  assert.equal(list.rows[0].conversation_id, `r${RESOLVED_SHOWN_MAX}`);
});

test("the filter looks at names, numbers, pages and words", () => {
  const state = buildDesk([buildSummary(), buildSummary({ conversation_id: "other", number: 7, reason: null, visitor: { name: "Ben" }, page: null, last: null })]);
  for (const filter of ["ADA", "#42", "invoices", "charged twice", "did not help"]) {
    assert.deepEqual(names(act(state, { type: "filter_changed", filter })).waiting, [C], filter);
  }
  assert.deepEqual(names(act(state, { type: "filter_changed", filter: "nobody" })).waiting, []);
});

test("a summary that was overtaken is ignored", () => {
  const state = buildDesk([mine({ epoch: 5, head: 30 })]);
  assert.equal(hear(state, { type: "conversation", summary: buildSummary({ epoch: 4, head: 31 }) }), state);
  assert.equal(hear(state, { type: "conversation", summary: buildSummary({ epoch: 5, head: 29 }) }), state);
});

test("each seq is shown once", () => {
  const state = hear(buildDesk([buildSummary()]), buildEvent(1), buildEvent(2), buildEvent(2), buildEvent(1), buildEvent(3));
  const { events, cursor } = state.transcripts.get(C);
  assert.deepEqual(events.map((event) => event.seq), [1, 2, 3]);
  assert.equal(cursor, 3);
});

test("replayed events give the state that a fresh read gives", () => {
  const events = readEvents();
  const live = hear(buildDesk([buildSummary()]), ...events.slice(0, 9), ...events.slice(4));
  const fresh = hear(buildDesk([buildSummary()]), ...events);
  assert.deepEqual(live.transcripts, fresh.transcripts);
});

const sendHello = [
  { type: "message_sent", conversation_id: C, client_id: ID, kind: "post", text: "Hello", now: NOW },
  { type: "errand_sent", client_id: ID, verb: "post", conversation_id: C },
];
const ownEvent = (seq) => buildEvent(seq, { kind: "operator_message", client_id: ID, author: { kind: "operator", ...GRACE }, body: { text: "Hello" } });

test("a message is pending, then acknowledged, then an event", () => {
  const sent = act(buildDesk([mine()]), ...sendHello);
  assert.equal(sent.transcripts.get(C).pending[0].status, "pending");
  const acknowledged = hear(sent, { type: "ack", client_id: ID, seq: 1 });
  assert.equal(acknowledged.transcripts.get(C).pending[0].status, "acknowledged");
  const final = hear(acknowledged, ownEvent(1));
  assert.deepEqual(final.transcripts.get(C).pending, []);
  assert.equal(final.transcripts.get(C).events.length, 1);
});

test("an event that overtakes its ack leaves nothing pending", () => {
  const state = hear(act(buildDesk([mine()]), ...sendHello), ownEvent(1), { type: "ack", client_id: ID, seq: 1 });
  assert.deepEqual(state.transcripts.get(C).pending, []);
  assert.equal(state.errands.size, 0);
});

test("a refused message keeps its words and says why", () => {
  const state = hear(act(buildDesk([mine()]), ...sendHello), { type: "error", client_id: ID, code: "stale_epoch", message: "The chat changed hands." });
  const [message] = state.transcripts.get(C).pending;
  assert.deepEqual([message.status, message.text, message.reason], ["failed", "Hello", "The chat changed hands."]);
  assert.deepEqual(state.toasts, []);
});

test("a claim that loses names the holder and moves the chat at once", () => {
  const state = hear(
    act(buildDesk([buildSummary()]), select, { type: "errand_sent", client_id: ID, verb: "claim", conversation_id: C }),
    readFrame("sees_error"),
  );
  assert.deepEqual(state.toasts.map((toast) => toast.text), ["Alan has this chat."]);
  assert.deepEqual(names(state).team, [C]);
  assert.equal(state.claimed.has(C), false);
});

test("a late error for an errand that was settled says nothing", () => {
  const state = buildDesk([buildSummary()]);
  assert.deepEqual(hear(state, readFrame("sees_error")).toasts, []);
});

test("at most four notices stand, and none twice", () => {
  const show = (id, text) => ({ type: "toast_shown", toast: { id, text, tone: "info" } });
  const state = act(buildState(), ...Array.from({ length: TOASTS_MAX + 1 }, (_, index) => show(`${index}`, `text ${index}`)), show("x", "text 3"));
  assert.deepEqual(state.toasts.map((toast) => toast.text), ["text 1", "text 2", "text 4", "text 3"]);
});

test("replies are for the holder, and everybody else is told why not", () => {
  const answer = (summary) => canReply(buildDesk([summary]), summary);
  assert.equal(answer(mine()).is_allowed, true);
  assert.deepEqual(answer(buildSummary()), { is_allowed: false, why: "Claim this chat to reply.", can_claim: true });
  assert.match(answer(mine({ holder: ALAN })).why, /^Alan has this chat/);
  assert.match(answer(buildSummary({ phase: "bot" })).why, /bot has this chat/);
  assert.match(answer(buildSummary({ phase: "resolved" })).why, /resolved/);
});

test("the head offers what the phase allows", () => {
  const verbs = (summary) => chooseActions(buildDesk([summary]), summary).map((action) => action.verb);
  assert.deepEqual(verbs(buildSummary()), ["claim"]);
  assert.deepEqual(verbs(buildSummary({ phase: "bot" })), ["claim"]);
  assert.deepEqual(verbs(mine()), ["transfer", "release", "return_to_bot", "resolve"]);
  assert.deepEqual(verbs(mine({ holder: ALAN })), []);
  assert.deepEqual(verbs(buildSummary({ phase: "resolved" })), []);
});

test("a command is awaited until its answer", () => {
  const asked = act(buildDesk([buildSummary()]), { type: "errand_sent", client_id: ID, verb: "claim", conversation_id: C });
  assert.equal(isAwaiting(asked, C, "claim"), true);
  assert.equal(isAwaiting(hear(asked, { type: "ack", client_id: ID, seq: 3 }), C), false);
});

test("the epoch named is the latest heard of", () => {
  const state = buildDesk([mine({ epoch: 4 })]);
  assert.equal(currentEpoch(state, C), 4);
  assert.equal(currentEpoch(hear(state, buildEvent(1, { epoch: 5 })), C), 5);
});

test("a message in my chat is unread until the chat is open", () => {
  const before = buildDesk([mine({ head: 3 })]);
  const summary = before.conversations.get(C);
  assert.equal(isUnread(before, summary), true);
  const opened = act(before, select);
  assert.equal(isUnread(opened, summary), false);
  const more = hear(opened, { type: "conversation", summary: mine({ head: 4 }) });
  assert.equal(isUnread(more, more.conversations.get(C)), false, "what comes while it is open is seen");
});

test("drafts are kept for each chat and tab", () => {
  const state = act(buildDesk([mine()]), { type: "draft_changed", conversation_id: C, tab: "reply", text: "He" }, { type: "draft_changed", conversation_id: C, tab: "note", text: "psst" });
  assert.equal(state.drafts.get(`${C}/reply`), "He");
  const sent = act(state, { type: "draft_changed", conversation_id: C, tab: "reply", text: "" });
  assert.deepEqual([...sent.drafts.keys()], [`${C}/note`]);
});

test("transcripts in memory are bounded, and none with unsent words is forgotten", () => {
  let state = act(buildDesk([mine()]), ...sendHello);
  for (let index = 0; index <= TRANSCRIPTS_MAX + 1; index += 1) state = act(state, { type: "conversation_selected", conversation_id: `x${index}` });
  assert.equal(state.transcripts.size, TRANSCRIPTS_MAX);
  assert.equal(state.transcripts.get(C).pending.length, 1);
  assert.equal(state.transcripts.has("x0"), false);
});

test("typing shows, ends with the message, and fades by itself", () => {
  const typing = hear(buildDesk([mine()]), readFrame("sees_typing"));
  assert.equal(typing.transcripts.get(C).typing.text, "and also");
  assert.equal(hear(typing, buildEvent(1)).transcripts.get(C).typing, null);
  assert.equal(act(typing, { type: "typing_expired", now: NOW + 5 }).transcripts.get(C).typing.kind, "visitor");
  assert.equal(act(typing, { type: "typing_expired", now: NOW + 7 }).transcripts.get(C).typing, null);
});

test("a log that became shorter is read again from its start", () => {
  const state = hear(buildDesk([buildSummary({ head: 3 })]), buildEvent(1), buildEvent(2), buildEvent(3));
  assert.equal(state.transcripts.get(C).cursor, 3);
  const restored = buildDesk([buildSummary({ head: 2 })], state);
  assert.equal(restored.transcripts.get(C).cursor, 0);
});

test("the transcripts of another log are read again", () => {
  const state = hear(buildDesk([buildSummary()]), buildEvent(1));
  const other = hear(state, { ...readFrame("sees_welcome"), log_epoch: "log-2" });
  assert.equal(state.transcripts.get(C).cursor, 1);
  assert.equal(other.transcripts.get(C).cursor, 0);
});

test("a welcome without the server's clock trusts this one", () => {
  const { server_at, ...welcome } = readFrame("sees_welcome");
  assert.ok(server_at > 0);
  assert.equal(hear(buildState(), welcome).clock_offset_s, 0);
});

test("a reconnect keeps the open chat readable though it left the lists", () => {
  const state = hear(act(buildDesk([buildSummary({ phase: "resolved" })]), select), buildEvent(1));
  assert.equal(buildDesk([], state).conversations.has(C), true);
});

test("a new escalation is news once", () => {
  const bot = buildDesk([buildSummary({ phase: "bot" })]);
  const queued = hear(bot, { type: "conversation", summary: buildSummary() });
  assert.deepEqual(chooseAlerts(bot, queued), [{ kind: "escalation", conversation_id: C }]);
  const again = hear(queued, { type: "conversation", summary: buildSummary({ head: 20 }) });
  assert.deepEqual(chooseAlerts(queued, again), []);
});

test("the first welcome is no news, one after a reconnect is", () => {
  assert.deepEqual(chooseAlerts(buildState(), buildDesk([buildSummary()])), []);
  const before = buildDesk([]);
  assert.deepEqual(chooseAlerts(before, buildDesk([buildSummary()], before)), [{ kind: "escalation", conversation_id: C }]);
});

test("a chat handed to me is news, one that I claimed is not", () => {
  const before = buildDesk([buildSummary()]);
  const frame = { type: "conversation", summary: mine({ epoch: 4 }) };
  assert.deepEqual(chooseAlerts(before, hear(before, frame)), [{ kind: "handed_over", conversation_id: C }]);
  const claiming = act(before, { type: "errand_sent", client_id: ID, verb: "claim", conversation_id: C });
  assert.deepEqual(chooseAlerts(claiming, hear(claiming, frame)), []);
});

test("colleagues who are there come first, and never oneself", () => {
  const people = [{ id: "op-alan", name: "Alan", is_available: false }, { id: "op-grace", name: "Grace", is_available: true }, { id: "op-mary", name: "Mary", is_available: true }];
  const state = hear(buildDesk([]), { type: "people", people });
  assert.deepEqual(chooseColleagues(state).map((person) => person.id), ["op-mary", "op-alan"]);
});

test("every event kind is drawn or known to be silent", () => {
  const events = readEvents();
  const state = hear(buildDesk([buildSummary()]), ...events);
  const items = buildItems(state.transcripts.get(C), buildSummary(), GRACE);
  const drawn = new Set(items.filter((item) => item.type !== "day").map((item) => Number(item.key.split("-")[0])));
  const silent = events.filter((event) => !drawn.has(event.seq)).map((event) => event.kind);
  assert.deepEqual(silent, ["understood"]);
  assert.equal(new Set(items.map((item) => item.key)).size, items.length, "keys are unique");
});

test("the transcript shows what was understood, chosen and thought of an article", () => {
  const state = hear(buildDesk([buildSummary()]), ...readEvents());
  const items = buildItems(state.transcripts.get(C), buildSummary(), GRACE);
  const find = (type) => items.find((item) => item.type === type);
  assert.equal(find("bubble").intent.intent, "billing_double_charge");
  assert.equal(find("article").reaction, "unhelpful");
  assert.equal(find("options").chosen, "refunds");
  assert.equal(find("note").name, "You");
});

test("one author's run names its author once", () => {
  const say = (seq, at) => buildEvent(seq, { at: NOW + at });
  const state = hear(buildDesk([buildSummary()]), say(1, 0), say(2, 10), say(3, 400));
  const items = buildItems(state.transcripts.get(C), buildSummary(), GRACE).filter((item) => item.type === "bubble");
  assert.deepEqual(items.map((item) => item.is_first), [true, false, true]);
});

test("an answer to an older search is dropped", () => {
  const state = act(buildState(), { type: "search_started", question: "a" }, { type: "search_started", question: "ab" }, { type: "search_answered", question: "a", results: [1], verdict: "answer" });
  assert.deepEqual([state.search.status, state.search.results], ["loading", []]);
});

test("what is said to a person joins what was asked, once, without a new brief", () => {
  const brief = readFrame("sees_brief");
  let state = hear(buildDesk([mine()]), brief);
  const seqs = () => state.briefs.get(C).asked.map((question) => question.seq);
  const before = seqs();
  const said = buildEvent(90, { body: { text: "And on my phone?" } });
  state = hear(hear(state, said), said);
  assert.deepEqual(seqs(), [...before, 90]);
  assert.equal(state.briefs.get(C).asked.at(-1).text, "And on my phone?");
  state = hear(state, buildEvent(91, { kind: "operator_message", body: { text: "Yes." } }));
  assert.deepEqual(seqs(), [...before, 90]);
  for (let seq = 100; seq < 130; seq += 1) state = hear(state, buildEvent(seq, { body: { text: `${seq}` } }));
  assert.equal(seqs().length, 20);
  assert.equal(seqs().at(-1), 129);
});
