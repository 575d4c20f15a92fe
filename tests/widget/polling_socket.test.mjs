import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { LATE_MS, PACE_MS, PollingSocket, PROBE_EVERY_MS, PROBE_WAIT_MS, SENT_TOGETHER_MAX, WAIT_S } from "../../widget/polling_socket.js";
import { FakeSocket, fixture, HandClock, settle } from "./fakes.mjs";

const welcome = fixture("sees_welcome_first");
const hello = { type: "hello", token: "token-of-ada", cursor: 0, log_epoch: null, page: { url: "https://shop.example/", title: "Shop", referrer: "" } };
const post = (number) => ({ type: "post", client_id: `of-ada-${number}`, text: `message ${number}` });
const event = (seq) => ({ ...fixture("sees_event_visitor_message"), seq });
const ackOf = ({ client_id }) => ({ type: "ack", client_id, seq: 1 });

/** The desk's side: each request waits until the test answers it. */
class FakeDoor {
  requests = [];

  fetch = (url, { body, signal, method }) => {
    const request = { url, method, ...JSON.parse(body), isAborted: false };
    const { promise, resolve, reject } = Promise.withResolvers();
    signal.addEventListener("abort", () => {
      request.isAborted = true;
      reject(new DOMException("aborted", "AbortError"));
    });
    const respond = (status, answer, headers = {}) => {
      request.isAnswered = true;
      resolve({ ok: status === 200, status, headers: new Headers(headers), json: async () => answer });
      return settle();
    };
    request.tells = (...frames) => respond(200, { frames, seen: `seen-${this.requests.length}`, close: null });
    request.closes = (code, reason = "", ...frames) => respond(200, { frames, seen: "", close: { code, reason } });
    request.refuses = (status, headers) => respond(status, { error: {} }, headers);
    request.breaks = () => {
      request.isAnswered = true;
      reject(new TypeError("failed to fetch"));
      return settle();
    };
    this.requests.push(request);
    return promise;
  };

  open = (isListening) => this.requests.filter((request) => !request.isAborted && !request.isAnswered && request.wait_s > 0 === isListening);
  get listening() {
    return this.open(true).at(-1);
  }
  get sending() {
    return this.open(false).at(-1);
  }
}

let clock, door, page, reals, socket, told, closed;

beforeEach(async () => {
  clock = new HandClock();
  door = new FakeDoor();
  page = new EventTarget();
  [reals, told, closed] = [[], [], []];
  const env = { fetch: door.fetch, setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout, now: () => clock.now_ms, page };
  socket = new PollingSocket("/poll", () => reals[reals.push(new FakeSocket()) - 1], env);
  socket.addEventListener("message", ({ data }) => told.push(JSON.parse(data)));
  socket.addEventListener("close", ({ code, reason }) => closed.push([code, reason]));
  await clock.tick(0);
});

const says = (...frames) => frames.forEach((frame) => socket.send(JSON.stringify(frame)));
const types = () => told.map(({ type }) => type);

async function welcomed(first = hello, answer = welcome) {
  says(first);
  await door.listening.tells(answer);
  await clock.tick(PACE_MS);
}

test("opens after it was made, and tells handlers of both kinds", async () => {
  const heard = [];
  const other = new PollingSocket("/poll", () => null, { fetch: door.fetch });
  other.onopen = () => heard.push("on");
  other.addEventListener("open", () => heard.push("listener"));
  assert.equal(other.readyState, 0);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual([other.readyState, heard], [1, ["on", "listener"]]);
  other.close();
});

test("nothing is asked before the hello, and the first poll says it", () => {
  assert.equal(door.requests.length, 0);
  says(hello);
  assert.equal(door.requests.length, 1);
  const { url, method, frames, seen, wait_s } = door.listening;
  assert.deepEqual({ url, method, frames, seen, wait_s }, { url: "/poll", method: "POST", frames: [hello], seen: "", wait_s: WAIT_S });
});

test("the next poll goes on from the cursor, with what was seen", async () => {
  says(hello);
  await door.listening.tells(welcome, event(1), event(2));
  await clock.tick(PACE_MS);
  assert.deepEqual(types(), ["welcome", "event", "event"]);
  assert.equal(door.listening.frames[0].cursor, 2);
  assert.equal(door.listening.frames[0].log_epoch, welcome.log_epoch);
  assert.equal(door.listening.seen, "seen-1");
});

test("polls that are answered at once are paced, one that waited is followed at once", async () => {
  says(hello);
  await door.listening.tells(welcome);
  await clock.tick(PACE_MS - 1);
  assert.equal(door.requests.length, 1);
  await clock.tick(1);
  assert.equal(door.requests.length, 2);
  await clock.tick(20_000);
  await door.listening.tells();
  assert.equal(door.requests.length, 3);
});

test("what is sent goes in order, one request at a time, and is told its replies only", async () => {
  await welcomed();
  says(post(1), post(2));
  const first = door.sending;
  assert.deepEqual(first.frames.slice(1), [post(1)]);
  assert.equal(first.wait_s, 0);
  says(post(3));
  assert.equal(door.open(false).length, 1);
  await first.tells(welcome, ackOf(post(1)), event(1));
  assert.deepEqual(types(), ["welcome", "ack"]);
  assert.deepEqual(door.sending.frames.slice(1), [post(2), post(3)]);
  assert.equal(door.sending.frames[0].cursor, 0, "the cursor is where the listening poll is");
});

test("no more is sent together than the desk takes", async () => {
  await welcomed();
  says(...Array.from({ length: SENT_TOGETHER_MAX + 3 }, (_, number) => post(number)));
  await door.sending.tells();
  assert.equal(door.sending.frames.length, 1 + SENT_TOGETHER_MAX);
  await door.sending.tells();
  assert.deepEqual(door.sending.frames.slice(1), [post(SENT_TOGETHER_MAX + 1), post(SENT_TOGETHER_MAX + 2)]);
});

test("a frame that is under way is not sent beside itself, one that was answered may go again", async () => {
  await welcomed();
  says(post(1), post(1), post(2), post(2));
  await door.sending.tells(ackOf(post(1)));
  assert.deepEqual(door.sending.frames.slice(1), [post(2)]);
  await door.sending.tells(ackOf(post(2)));
  says(post(1));
  assert.deepEqual(door.sending.frames.slice(1), [post(1)]);
});

test("a later welcome of the same log is news of who answers, as on a socket", async () => {
  await welcomed();
  await door.listening.tells({ ...welcome, conversation_id: "c-1", phase: "queue" });
  assert.equal(told.at(-1).type, "status");
  assert.equal(told.at(-1).phase, "queue");
  await clock.tick(PACE_MS);
  await door.listening.tells({ ...welcome, conversation_id: "c-1", log_epoch: "of-another-log" });
  assert.equal(told.at(-1).type, "welcome");
});

test("the page that the visitor went to is in the next hello", async () => {
  await welcomed();
  says({ type: "page", url: "https://shop.example/basket", title: "Basket" });
  assert.equal(door.sending.frames[1].type, "page");
  await door.listening.tells();
  await clock.tick(PACE_MS);
  assert.deepEqual(door.listening.frames[0].page, { url: "https://shop.example/basket", title: "Basket", referrer: "" });
});

test("an operator's watch begins a new poll, and follows what is told", async () => {
  await welcomed({ type: "hello" }, { type: "welcome", conversations: [] });
  const before = door.listening;
  says({ type: "watch", conversation_id: "c-42", cursor: 3 });
  await clock.tick(PACE_MS);
  assert.equal(before.isAborted, true);
  assert.deepEqual(door.listening.frames, [{ type: "hello" }, { type: "watch", conversation_id: "c-42", cursor: 3 }]);
  await door.listening.tells({ type: "event", conversation_id: "c-42", seq: 4 });
  await clock.tick(PACE_MS);
  const following = door.listening;
  assert.equal(following.frames[1].cursor, 4);
  says({ type: "watch", conversation_id: "c-42", cursor: 4 });
  assert.equal(following.isAborted, false, "a watch that changes nothing cuts nothing");
  says({ type: "unwatch", conversation_id: "c-42" }, { type: "watch", conversation_id: "c-7", cursor: 0 });
  await clock.tick(PACE_MS);
  assert.deepEqual(door.listening.frames[1], { type: "watch", conversation_id: "c-7", cursor: 0 });
  assert.equal(door.open(true).length, 1);
  assert.deepEqual(closed, []);
});

test("too many frames: both wait as told, and go again", async () => {
  await welcomed();
  says(post(1));
  await door.sending.refuses(429, { "Retry-After": "3" });
  await door.listening.refuses(429, { "Retry-After": "4" });
  await clock.tick(2_999);
  assert.equal(door.open(false).length + door.open(true).length, 0);
  await clock.tick(1);
  assert.deepEqual(door.sending.frames.slice(1), [post(1)]);
  await clock.tick(1_000);
  assert.ok(door.listening);
  assert.deepEqual(closed, []);
});

test("what the desk closes ends with its code, after what it told", async () => {
  says(hello);
  await door.listening.closes(4012, "1200", welcome);
  assert.deepEqual([types(), closed, socket.readyState], [["welcome"], [[4012, "1200"]], 3]);
});

for (const [what, act, code] of [
  ["a lost request", (request) => request.breaks(), 1006],
  ["a desk without polls", (request) => request.refuses(404), 1006],
  ["a failing desk", (request) => request.refuses(503), 1006],
  ["a session that ended", (request) => request.refuses(401), 4401],
]) {
  test(`${what} ends it, once and with nothing left behind`, async () => {
    await welcomed();
    says(post(1));
    const { listening, sending } = door;
    await act(sending);
    assert.deepEqual(closed, [[code, ""]]);
    assert.equal(listening.isAborted, true);
    await clock.tick(PROBE_EVERY_MS);
    says(post(2));
    assert.equal(door.requests.length, 3);
    assert.equal(reals.length, 0);
  });
}

test("an answer that does not come is a loss", async () => {
  await welcomed();
  await clock.tick(WAIT_S * 1000 + LATE_MS - PACE_MS - 1);
  assert.deepEqual(closed, []);
  await clock.tick(PACE_MS + 1);
  assert.deepEqual(closed, [[1006, ""]]);
});

test("closing ends every request and tells nobody", async () => {
  await welcomed();
  says(post(1));
  socket.close();
  await clock.tick(600_000);
  assert.ok(door.requests.slice(1).every(({ isAborted }) => isAborted));
  assert.deepEqual([closed, door.requests.length], [[], 3]);
});

/** Keep the listening polls answered while the time passes. */
async function listens(for_ms) {
  for (let passed_ms = 0; passed_ms < for_ms; passed_ms += 20_000) {
    await clock.tick(Math.min(20_000, for_ms - passed_ms));
    await door.listening?.tells();
  }
}

test("a WebSocket is tried now and then, and one that fails changes nothing", async () => {
  await welcomed();
  await listens(PROBE_EVERY_MS);
  assert.equal(reals.length, 1);
  reals[0].ends(1006);
  await listens(PROBE_EVERY_MS);
  assert.equal(reals.length, 2);
  assert.deepEqual([closed, socket.isReal], [[], false]);
});

test("a WebSocket that opens and says nothing is left", async () => {
  await welcomed();
  page.dispatchEvent(new Event("online"));
  reals[0].opens();
  await clock.tick(PROBE_WAIT_MS);
  assert.equal(reals[0].isClosed, true);
  assert.equal(socket.isReal, false);
  assert.ok(door.listening);
});

test("a WebSocket that answers takes over, with what is under way", async () => {
  await welcomed();
  await door.listening.tells(event(1));
  await clock.tick(PACE_MS);
  says(post(1), post(2));
  page.dispatchEvent(new Event("online"));
  const { listening, sending } = door;
  const [real] = reals;
  real.opens();
  assert.equal(real.sent[0].cursor, 1);
  real.says(welcome);
  assert.deepEqual([listening.isAborted, sending.isAborted, socket.isReal], [true, true, true]);
  assert.deepEqual(real.sent.slice(1), [post(1), post(2)]);
  says(post(3));
  real.says(ackOf(post(3)));
  assert.deepEqual(real.sent.at(-1), post(3));
  assert.deepEqual(types(), ["welcome", "event", "welcome", "ack"]);
  const asked = door.requests.length;
  await clock.tick(PROBE_EVERY_MS);
  assert.deepEqual([door.requests.length, reals.length, real.isClosed], [asked, 1, false]);
  real.ends(4012, "700");
  assert.deepEqual(closed, [[4012, "700"]]);
});

test("closing closes the WebSocket too, the one that is tried and the one that took over", async () => {
  await welcomed();
  page.dispatchEvent(new Event("online"));
  socket.close();
  assert.equal(reals[0].isClosed, true);
});
