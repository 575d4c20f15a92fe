import assert from "node:assert/strict";
import { test } from "node:test";
import { countUnread, initialState, reduce } from "../../widget/reducer.js";
import { canAskPerson, decideAside, timeline } from "../../widget/timeline.js";
import { eventFixtures, fixture } from "./fakes.mjs";

const emptyWelcome = fixture("sees_welcome_first");
const welcome = fixture("sees_welcome");
const events = eventFixtures();
const of = Object.fromEntries(events.map((event) => [event.kind, event]));
const post = fixture("sends_post");
const frame = (state, ...frames) => frames.reduce((now, each) => reduce(now, { type: "frame", frame: each }), state);
const started = (...frames) => frame(reduce(initialState, { type: "connection", status: "open" }), emptyWelcome, ...frames);
const submitted = (state, sent) => reduce(state, { type: "submitted", frame: sent, at: 1_790_000_000 });
const seqs = (state) => state.events.map(({ seq }) => seq);
const said = (state) => timeline(state).filter(({ kind }) => kind === "message").map(({ text }) => text);

test("each seq is shown once, in rising order, however often and in whatever order it comes", () => {
  const state = started(events[2], of.visitor_message, events[1], of.visitor_message, events[2]);
  assert.deepEqual(seqs(state), [1, 2, 3]);
  assert.equal(state.cursor, 3);
});

test("every order of arrival gives the same log", () => {
  const inOrder = started(...events);
  for (let seed = 1; seed <= 50; seed += 1) {
    const shuffled = [...events, ...events].map((event, index) => [(Math.sin(seed * 99 + index) * 1e4) % 1, event]).sort(([a], [b]) => a - b);
    assert.deepEqual(started(...shuffled.map(([, event]) => event)).events, inOrder.events);
  }
});

test("the own pending message is replaced by the event with its client_id", () => {
  const pending = submitted(started(), post);
  assert.deepEqual(said(pending), [post.text]);
  const final = frame(pending, of.visitor_message);
  assert.deepEqual(final.pending, []);
  assert.deepEqual(said(final), [post.text]);
  assert.equal(timeline(pending).at(-1).key, timeline(final).at(-1).key);
});

test("a resent message is pending once", () => {
  const state = submitted(submitted(started(), post), post);
  assert.equal(state.pending.length, 1);
});

test("an acknowledged message stays until its event is there", () => {
  const state = frame(submitted(started(), post), fixture("sees_ack"));
  assert.equal(state.pending[0].status, "sent");
  assert.deepEqual(said(state), [post.text]);
});

test("a refused message is marked as failed and kept", () => {
  const state = frame(submitted(started(), post), fixture("sees_error"));
  assert.equal(timeline(state).at(-1).status, "failed");
});

test("a refusal of anything else becomes a notice", () => {
  const rate = fixture("sends_rate");
  const state = frame(submitted(started(), rate), { type: "error", code: "conversation_closed", message: "", client_id: rate.client_id });
  assert.equal(state.notice, "conversation_closed");
  assert.deepEqual(state.pending, []);
});

test("another log epoch clears the log but not what waits to be sent", () => {
  const before = submitted(started(...events), { ...post, client_id: "another-client-id" });
  const state = frame(before, { ...welcome, log_epoch: "epoch-2" });
  assert.deepEqual(state.events, []);
  assert.equal(state.cursor, 0);
  assert.equal(state.pending.length, 1);
});

test("another conversation clears the log, the first one does not", () => {
  const first = frame(started(of.visitor_message), { ...welcome, conversation_id: "c-1" });
  assert.equal(first.events.length, 1);
  const second = frame(first, { ...welcome, conversation_id: "c-2" });
  assert.deepEqual(second.events, []);
});

test("another visitor keeps only the words just typed", () => {
  const state = reduce(submitted(submitted(started(...events), { ...post, client_id: "x" }), fixture("sends_feedback")), { type: "session_changed" });
  assert.deepEqual(state.events, []);
  assert.deepEqual(state.pending.map((entry) => entry.frame.type), ["post"]);
});

test("news moves the phase, history does not", () => {
  assert.equal(started(of.escalated).phase, "queue");
  const history = frame(initialState, welcome, of.escalated);
  assert.equal(history.phase, "operator");
  assert.deepEqual(history.operator, { name: "Grace" });
});

test("events tell who answers", () => {
  assert.deepEqual(started(of.operator_claimed).operator, { name: "Grace" });
  assert.equal(started(of.operator_claimed, of.operator_released).phase, "queue");
  assert.equal(started(of.operator_claimed, of.operator_released).operator, null);
  assert.equal(started(of.returned_to_bot).phase, "bot");
  assert.equal(started(of.resolved).phase, "resolved");
  assert.equal(started(of.resolved, of.reopened).phase, "bot");
});

test("status changes who answers without an event", () => {
  const state = frame(started(), fixture("sees_status_unstaffed"));
  assert.equal(state.phase, "queue");
  assert.equal(state.isStaffed, false);
});

test("only messages of others that were not seen are counted", () => {
  const state = started(...events);
  assert.equal(countUnread(state), 6);
  assert.equal(countUnread(reduce(state, { type: "visible", isVisible: true })), 0);
  const reopened = frame(reduce(initialState, { type: "restored", entries: [], seen: 7, logEpoch: "epoch-1" }), emptyWelcome, ...events);
  assert.equal(countUnread(reopened), 2);
});

test("the assistant seems to type after a message of the visitor until something is said", () => {
  const asked = started(of.visitor_message);
  assert.deepEqual(asked.typing, { kind: "bot", name: null });
  assert.equal(frame(asked, events[1]).typing, null);
  assert.equal(reduce(asked, { type: "typing_expired" }).typing, null);
});

test("typing comes and goes, and ends with the connection", () => {
  const [on, off] = [fixture("sees_typing"), fixture("sees_typing_stopped")];
  assert.equal(frame(started(), on).typing.name, "Grace");
  assert.equal(frame(started(), on, off).typing, null);
  assert.equal(reduce(frame(started(), on), { type: "connection", status: "waiting" }).typing, null);
});

test("history ends when the head is reached, or when it falls silent before it", () => {
  const state = frame(initialState, { ...welcome, head: 3 }, of.visitor_message, events[1]);
  assert.equal(state.isCaughtUp, false);
  assert.equal(frame(state, events[2]).isCaughtUp, true);
  assert.equal(reduce(state, { type: "caught_up" }).isCaughtUp, true);
});

test("unknown frames and kinds change nothing on the screen", () => {
  const state = started(of.visitor_message);
  assert.equal(frame(state, { type: "constructor" }), state);
  assert.deepEqual(timeline(frame(state, { ...events[1], seq: 30, kind: "toString" })).map(({ kind }) => kind), ["day", "message"]);
});

test("every kind of event has its place on the screen, or none on purpose", () => {
  const kinds = timeline(started(...events)).map(({ kind }) => kind);
  assert.deepEqual(kinds, [
    "day", "message", "message", "card", "options", "message", "message",
    "notice", "notice", "notice", "message", "notice", "message", "notice", "notice", "notice", "notice",
  ]);
});

test("a reaction turns the buttons of its card into a line, already while it is on its way", () => {
  const shown = started(...events.slice(0, 3));
  const card = (state) => timeline(state).find(({ kind }) => kind === "card");
  assert.equal(card(shown).helpful, null);
  assert.equal(card(submitted(shown, fixture("sends_feedback"))).helpful, true);
  assert.equal(card(frame(shown, of.feedback_given)).helpful, false);
});

test("options are buttons while they are the last word", () => {
  const offered = started(...events.slice(0, 5));
  const options = (state) => timeline(state).find(({ kind }) => kind === "options");
  assert.equal(options(offered).isOpen, true);
  const chosen = submitted(offered, fixture("sends_choose"));
  assert.equal(options(chosen).isOpen, false);
  assert.equal(said(chosen).at(-1), "Mail arrives late");
  assert.equal(options(frame(offered, events[6])).isOpen, false);
});

test("a person can be asked for while the assistant answers, once", () => {
  assert.equal(canAskPerson(started()), true);
  assert.equal(canAskPerson(submitted(started(), fixture("sends_ask_person"))), false);
  assert.equal(canAskPerson(started(of.escalated)), false);
});

test("the form under the log follows the state", () => {
  const away = { ...of.escalated, body: { ...of.escalated.body, is_staffed: false } };
  assert.equal(decideAside(started()), null);
  assert.equal(decideAside(started(of.escalated)), "queue");
  assert.equal(decideAside(started(away)), "contact");
  assert.equal(decideAside(submitted(started(away), fixture("sends_leave_contact"))), null);
  assert.equal(decideAside(started(away, of.contact_left)), null);
  assert.equal(decideAside(started(of.operator_message, of.resolved)), "rating");
  assert.equal(decideAside(started(of.operator_message, of.resolved, of.chat_rated)), "again");
  assert.equal(decideAside(reduce(started(events[1]), { type: "panel", panel: "rating" })), "rating");
});

test("messages of one author stand together, others apart", () => {
  const twice = started(of.visitor_message, { ...of.visitor_message, seq: 2, client_id: "second", at: of.visitor_message.at + 10 }, { ...events[1], seq: 3 });
  const [, one, two, bot] = timeline(twice);
  assert.deepEqual([one.isFirst, one.isLast, two.isFirst, two.isLast, bot.isFirst], [true, false, false, true, true]);
});

test("a new day gets a line", () => {
  const state = started(of.visitor_message, { ...events[1], at: events[1].at + 86_400 });
  assert.deepEqual(timeline(state).map(({ kind }) => kind), ["day", "message", "day", "message"]);
});
