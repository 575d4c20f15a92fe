import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Connection, decideRetryMs, RETRY_FIRST_MS, RETRY_MAX_MS } from "../../widget/connection.js";
import { FakeSocket, fixture, HandClock } from "./fakes.mjs";

const welcome = fixture("sees_welcome_first");
let clock, sockets, frames, statuses, closed, cursor, hello, connection;

beforeEach(() => {
  clock = new HandClock();
  [sockets, frames, statuses, closed, cursor] = [[], [], [], [], 0];
  hello = async () => ({ token: "token-of-ada", cursor });
  connection = new Connection({
    open: (byPolls) => sockets[sockets.push(Object.assign(new FakeSocket(), byPolls ? { isReal: false } : {})) - 1],
    hello: (byPolls) => hello(byPolls),
    cursor: () => cursor,
    onFrame: (frame) => frames.push(frame),
    onStatus: (status, code) => statuses.push(code ? `${status} ${code}` : status),
    onClosed: (code) => closed.push(code),
    clock,
  });
});

const last = () => sockets.at(-1);

async function connected(frame = welcome) {
  connection.start();
  await clock.tick(0);
  last().opens();
  last().says(frame);
}

test("hello is the first frame, and nothing is sent before the welcome", async () => {
  connection.start();
  await clock.tick(0);
  assert.equal(connection.send({ type: "post" }), false);
  last().opens();
  assert.deepEqual(last().sent, [{ type: "hello", token: "token-of-ada", cursor: 0 }]);
  assert.equal(connection.send({ type: "post" }), false);
  last().says(welcome);
  assert.equal(connection.send({ type: "post" }), true);
  assert.deepEqual(statuses, ["connecting", "open"]);
});

test("half an emoji reaches the desk as a sign that it can read, a whole one as itself", async () => {
  hello = async () => ({ page: { title: "Sale \ud83d" } });
  await connected();
  connection.send({ type: "post", text: "\ude00 and \ud83d\ude00" });
  assert.deepEqual(last().sent, [{ type: "hello", page: { title: "Sale \ufffd" } }, { type: "post", text: "\ufffd and \ud83d\ude00" }]);
});

test("a lost connection comes back with the cursor of then", async () => {
  await connected();
  cursor = 9;
  last().ends(1006);
  await clock.tick(RETRY_FIRST_MS);
  last().opens();
  assert.equal(sockets.length, 2);
  assert.equal(last().sent[0].cursor, 9);
});

test("every close code of the protocol is answered as it asks", () => {
  const waits = (code, reason = "", attempt = 0) => decideRetryMs(code, reason, attempt, () => 0.5);
  for (const code of [4001, 4003, 4010]) assert.equal(waits(code), null);
  for (const code of [4002, 4008, 1009]) assert.equal(waits(code), 0);
  for (const code of [4002, 4008, 1009]) assert.ok(waits(code, "", 3) > 0, "but not in a tight loop");
  assert.equal(waits(4009), 10_000);
  for (const code of [1012, 4012]) assert.equal(waits(code, "2500"), 2500);
  for (const code of [1012, 4012]) assert.ok(waits(code, "soon") > 0);
  assert.equal(waits(4012, "999999999"), 300_000);
  for (const code of [4011, 1006, 1001, 0]) assert.ok(waits(code) > 0);
});

test("the back-off doubles up to its limit, with jitter", () => {
  const between = (attempt) => [0, 1].map((random) => decideRetryMs(1006, "", attempt, () => random));
  assert.deepEqual(between(0), [RETRY_FIRST_MS / 2, RETRY_FIRST_MS]);
  assert.deepEqual(between(1), [RETRY_FIRST_MS, 2 * RETRY_FIRST_MS]);
  assert.deepEqual(between(50), [RETRY_MAX_MS / 2, RETRY_MAX_MS]);
});

test("a final close code stops for good, and start tries again", async () => {
  await connected();
  last().ends(4010);
  await clock.tick(600_000);
  assert.equal(sockets.length, 1);
  assert.equal(statuses.at(-1), "stopped 4010");
  connection.start();
  await clock.tick(0);
  assert.equal(sockets.length, 2);
});

/** Lose the connection and come back. @returns how long that took */
async function comesBack(code) {
  const [lostAt_ms, count] = [clock.now_ms, sockets.length];
  last().ends(code);
  while (sockets.length === count) await clock.tick(50);
  last().opens();
  last().says(welcome);
  return clock.now_ms - lostAt_ms;
}

test("a welcome alone does not start the back-off afresh, a good while does", async () => {
  await connected();
  const waits_ms = [];
  for (let loss = 0; loss < 5; loss += 1) waits_ms.push(await comesBack(1009));
  assert.deepEqual(waits_ms, [50, 750, 1500, 3000, 6000]);
  await clock.tick(11_000);
  assert.equal(await comesBack(1009), 50);
});

test("beats are sent with the cursor, and silence is a loss", async () => {
  await connected();
  cursor = 4;
  await clock.tick(25_000);
  assert.deepEqual(last().sent.at(-1), { type: "beat", cursor: 4 });
  last().says({ type: "beat", head: 4 });
  await clock.tick(54_000);
  assert.equal(sockets.length, 1);
  await clock.tick(2_000);
  assert.equal(sockets.length, 2);
  assert.equal(sockets[0].isClosed, true);
});

test("a desk that never says welcome is left", async () => {
  connection.start();
  await clock.tick(0);
  last().opens();
  await clock.tick(16_000);
  assert.equal(sockets.length, 2);
});

test("a head that stays ahead makes it come back once, not for ever", async () => {
  await connected();
  const beatOf = async (head) => {
    last().says({ type: "beat", head });
    await clock.tick(11_000);
  };
  await beatOf(5);
  assert.equal(sockets.length, 2);
  last().opens();
  last().says(welcome);
  await beatOf(5);
  assert.equal(sockets.length, 2, "the fifth event was not for us");
  await beatOf(6);
  assert.equal(sockets.length, 3);
});

test("a head that is caught up with in time changes nothing", async () => {
  await connected();
  last().says({ type: "beat", head: 5 });
  cursor = 5;
  await clock.tick(11_000);
  assert.equal(sockets.length, 1);
});

test("waking ends a wait, and probes a line that seems open", async () => {
  await connected();
  connection.wake();
  assert.equal(last().sent.at(-1).type, "beat");
  await clock.tick(5_000);
  assert.equal(statuses.at(-1), "waiting");
  connection.wake();
  await clock.tick(0);
  assert.equal(sockets.length, 2);
});

test("a refused token is reported before the next hello is made", async () => {
  await connected();
  hello = async () => ({ token: "new", closedBefore: [...closed] });
  last().ends(4002);
  await clock.tick(0);
  last().opens();
  assert.deepEqual(last().sent[0].closedBefore, [4002]);
});

test("without a session it waits and tries again", async () => {
  hello = async () => Promise.reject(new Error("offline"));
  connection.start();
  await clock.tick(0);
  assert.deepEqual(statuses, ["connecting", "waiting"]);
  hello = async () => ({ token: "t" });
  await clock.tick(RETRY_FIRST_MS);
  assert.equal(sockets.length, 1);
});

test("frames of an abandoned socket and frames that are no JSON are ignored", async () => {
  await connected();
  const [old] = sockets;
  old.ends(1006);
  old.says({ type: "event", seq: 1 });
  await clock.tick(RETRY_FIRST_MS);
  last().opens();
  last().says("{broken");
  assert.deepEqual(frames.map(({ type }) => type), ["welcome"]);
});

test("close ends everything, timers too", async () => {
  await connected();
  connection.close();
  await clock.tick(600_000);
  assert.equal(sockets.length, 1);
  assert.equal(sockets[0].isClosed, true);
});

// --- polls

const ways = () => sockets.map(({ isReal }) => (isReal === undefined ? "socket" : "polls"));

/** Lose the present try and wait until the next one. */
async function fails(code = 1006) {
  const count = sockets.length;
  last().ends(code);
  while (sockets.length === count) await clock.tick(500);
}

async function blocked() {
  connection.start();
  await clock.tick(0);
  await fails();
  await fails();
}

test("after two WebSockets that never opened it goes by polls, and stays there", async () => {
  await blocked();
  assert.deepEqual(ways(), ["socket", "socket", "polls"]);
  last().opens();
  last().says(welcome);
  assert.equal(statuses.at(-1), "open");
  await fails();
  await fails(4012);
  assert.deepEqual(ways().slice(3), ["polls", "polls"], "a loss, a restart: the network is the same");
});

test("one WebSocket that hangs is enough", async () => {
  connection.start();
  await clock.tick(0);
  last().opens();
  await clock.tick(16_000);
  assert.deepEqual(ways(), ["socket", "polls"]);
});

test("a desk that is down is tried both ways in turn, with the back-off of always", async () => {
  await blocked();
  for (let loss = 0; loss < 5; loss += 1) await fails();
  assert.deepEqual(ways(), ["socket", "socket", "polls", "socket", "polls", "socket", "polls", "socket"]);
  assert.ok(clock.now_ms > 40_000, "waits grow");
  last().opens();
  last().says(welcome);
  for (let loss = 0; loss < 2; loss += 1) await fails();
  assert.deepEqual(ways().slice(8), ["socket", "socket"], "a welcome clears the WebSocket of the suspicion");
});

test("a desk that speaks is not blocked, whatever it says", async () => {
  connection.start();
  await clock.tick(0);
  for (const code of [4002, 4011, 4008, 1012]) await fails(code);
  assert.deepEqual(new Set(ways()), new Set(["socket"]));
});

test("when a WebSocket has taken over from the polls, the next try is one", async () => {
  await blocked();
  last().opens();
  last().says(welcome);
  last().isReal = true;
  await fails();
  assert.equal(ways().at(-1), "socket");
});

test("polls that cannot be loaded give way to a WebSocket", async () => {
  hello = async (byPolls) => (byPolls ? Promise.reject(new Error("offline")) : { token: "t" });
  connection.start();
  await clock.tick(0);
  await fails();
  await fails();
  assert.deepEqual(ways(), ["socket", "socket", "socket"]);
});
