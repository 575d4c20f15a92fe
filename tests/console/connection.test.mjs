import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection, OUTBOX_MAX } from "../../handoff/web/static/console/connection.js";
import { RETRY_MAX_MS, decideReconnection } from "../../handoff/web/static/console/reconnection.js";
import { Clock, buildSockets, readFrame } from "./cast.mjs";

const WELCOME = readFrame("sees_welcome");
const POST = readFrame("sends_post");
const CLAIM = readFrame("sends_claim");

function connect() {
  const clock = new Clock();
  const { FakeSocket, sockets } = buildSockets();
  const heard = { frames: [], links: [], expired: [], signed_out: 0, checks: 0 };
  const connection = new Connection(
    "ws://desk.example/ws/operator",
    {
      onFrame: (frame) => heard.frames.push(frame), onLink: (link) => heard.links.push(link), onExpired: (id) => heard.expired.push(id),
      onSignedOut: () => (heard.signed_out += 1), checkSession: async () => void (heard.checks += 1),
    },
    { WebSocket: FakeSocket, openPolls: () => Object.assign(new FakeSocket("polls"), { isReal: false }), setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout, now: () => clock.now_ms, random: () => 1 },
  );
  return { clock, sockets, heard, connection };
}

function connectWelcomed() {
  const stage = connect();
  stage.connection.open();
  stage.sockets[0].opens();
  stage.sockets[0].says(WELCOME);
  return stage;
}

/** Lose the line and come back. */
function comeBack({ clock, sockets }, code = 1006, after_s = 1) {
  sockets.at(-1).closes(code);
  clock.tick(after_s);
  sockets.at(-1).opens();
  sockets.at(-1).says(WELCOME);
  return sockets.at(-1);
}

test("says hello first and is open only after the welcome", () => {
  const { sockets, connection, heard } = connect();
  connection.open();
  sockets[0].opens();
  assert.deepEqual(sockets[0].sent, [readFrame("sends_hello")]);
  assert.equal(connection.isOpen, false);
  sockets[0].says(WELCOME);
  assert.equal(connection.isOpen, true);
  assert.equal(heard.links.at(-1).status, "open");
});

test("nothing is sent before the welcome", () => {
  const { sockets, connection } = connect();
  connection.open();
  sockets[0].opens();
  connection.watch("c-42");
  connection.deliver(POST);
  assert.deepEqual(sockets[0].types(), ["hello"]);
  sockets[0].says(WELCOME);
  assert.deepEqual(sockets[0].types(), ["hello", "watch", "post"]);
});

test("follows one chat at a time", () => {
  const { sockets, connection } = connectWelcomed();
  connection.watch("a", () => 3);
  connection.watch("a", () => 3);
  connection.watch("b");
  connection.watch(null);
  assert.deepEqual(sockets[0].sent.slice(1), [
    { type: "watch", conversation_id: "a", cursor: 3 }, { type: "unwatch", conversation_id: "a" },
    { type: "watch", conversation_id: "b", cursor: 0 }, { type: "unwatch", conversation_id: "b" },
  ]);
});

test("a reconnect watches from the cursor of now, not of then", () => {
  const stage = connectWelcomed();
  let cursor = 2;
  stage.connection.watch("c-42", () => cursor);
  cursor = 9;
  const socket = comeBack(stage);
  assert.deepEqual(socket.sent[1], { type: "watch", conversation_id: "c-42", cursor: 9 });
});

test("a post without an ack goes out again under the same client_id, one with an ack does not", () => {
  const stage = connectWelcomed();
  stage.connection.deliver(POST);
  assert.equal(stage.connection.hasUnsentMessages, true);
  const second = comeBack(stage, 1006, 60);
  assert.deepEqual(second.sent.at(-1), POST);
  second.says({ type: "ack", client_id: POST.client_id, seq: 4 });
  assert.equal(stage.connection.hasUnsentMessages, false);
  const third = comeBack(stage);
  assert.deepEqual(third.types(), ["hello"]);
});

test("a refused frame is not repeated", () => {
  const stage = connectWelcomed();
  stage.connection.deliver(POST);
  stage.sockets[0].says({ type: "error", client_id: POST.client_id, code: "stale_epoch", message: "" });
  assert.deepEqual(comeBack(stage).types(), ["hello"]);
});

test("a claim is repeated after a short loss and given up after a long one", () => {
  const short = connectWelcomed();
  short.connection.deliver(CLAIM);
  assert.deepEqual(comeBack(short, 1006, 5).types(), ["hello", "claim"]);
  const long = connectWelcomed();
  long.connection.deliver(CLAIM);
  assert.deepEqual(comeBack(long, 1012, 60).types(), ["hello"]);
  assert.deepEqual(long.heard.expired, [CLAIM.client_id]);
});

test("the outbox has an end", () => {
  const { connection } = connect();
  for (let index = 0; index < OUTBOX_MAX; index += 1) connection.deliver({ ...POST, client_id: `${index}` });
  assert.throws(() => connection.deliver({ ...POST, client_id: "one more" }), RangeError);
});

test("beats while the line is up", () => {
  const { clock, sockets } = connectWelcomed();
  clock.tick(26);
  assert.equal(sockets[0].types().filter((type) => type === "beat").length, 1);
});

test("a silent line is given up and opened again", () => {
  const { clock, sockets, heard } = connectWelcomed();
  clock.tick(62);
  assert.equal(sockets.length, 1, "two late beats are forgiven");
  clock.tick(2);
  assert.equal(sockets.length, 2);
  assert.equal(sockets[0].readyState, 3);
  assert.equal(heard.links.at(-1).status, "connecting");
});

test("beats of the server keep a quiet line alive", () => {
  const { clock, sockets } = connectWelcomed();
  for (let beat = 0; beat < 8; beat += 1) {
    clock.tick(25);
    sockets[0].says(readFrame("sees_beat"));
  }
  assert.equal(sockets.length, 1);
});

test("a server that never welcomes is given up", () => {
  const { clock, sockets, connection } = connect();
  connection.open();
  sockets[0].opens();
  clock.tick(11);
  assert.equal(sockets.length, 2);
});

test("frames of a socket that was given up are ignored", () => {
  const { sockets, heard } = connectWelcomed();
  sockets[0].closes(1006);
  const count = heard.frames.length;
  sockets[0].says(readFrame("sees_conversation"));
  assert.equal(heard.frames.length, count);
});

test("garbage is ignored", () => {
  const { sockets, heard } = connectWelcomed();
  const count = heard.frames.length;
  for (const data of ["{", "null", "[]", '"x"', "{}"]) sockets[0].onmessage({ data });
  assert.equal(heard.frames.length, count);
});

test("a refused handshake asks whether the session stands", () => {
  const { sockets, connection, heard } = connect();
  connection.open();
  sockets[0].closes(1006);
  assert.equal(heard.checks, 1);
});

test("signed out means no retry", () => {
  const { clock, sockets, heard } = connectWelcomed();
  sockets[0].closes(4401);
  clock.tick(120);
  assert.deepEqual([heard.signed_out, sockets.length], [1, 1]);
});

test("hurry cuts a wait short and does nothing on an open line", () => {
  const { sockets, connection } = connectWelcomed();
  connection.hurry();
  assert.equal(sockets.length, 1);
  sockets[0].closes(4009);
  connection.hurry();
  assert.equal(sockets.length, 2);
});

test("close leaves no timer behind", () => {
  const { clock, connection, sockets } = connectWelcomed();
  connection.close();
  assert.equal(clock.pending, 0);
  connection.open();
  assert.equal(sockets.length, 1);
});

const ways = ({ sockets }) => sockets.map(({ url }) => (url === "polls" ? "polls" : "socket"));

/** Lose the present try and wait until the next one. */
function fails({ clock, sockets }, code = 1006) {
  const count = sockets.length;
  sockets.at(-1).closes(code);
  while (sockets.length === count) clock.tick(0.25);
}

test("after two WebSockets that never opened it goes by polls, and stays there", () => {
  const stage = connect();
  stage.connection.open();
  fails(stage);
  fails(stage);
  assert.deepEqual(ways(stage), ["socket", "socket", "polls"]);
  stage.sockets[2].opens();
  stage.sockets[2].says(WELCOME);
  assert.equal(stage.heard.links.at(-1).status, "open");
  comeBack(stage);
  comeBack(stage, 4012);
  assert.deepEqual(ways(stage).slice(3), ["polls", "polls"]);
  stage.sockets.at(-1).isReal = true; // a WebSocket has taken over
  comeBack(stage);
  assert.equal(ways(stage).at(-1), "socket");
});

test("one WebSocket that hangs is enough", () => {
  const stage = connect();
  stage.connection.open();
  stage.sockets[0].opens();
  stage.clock.tick(11);
  assert.deepEqual(ways(stage), ["socket", "polls"]);
});

test("a server that is down is tried both ways in turn", () => {
  const stage = connect();
  stage.connection.open();
  for (let loss = 0; loss < 6; loss += 1) fails(stage);
  assert.deepEqual(ways(stage), ["socket", "socket", "polls", "socket", "polls", "socket", "polls"]);
});

test("a server that speaks is not blocked, whatever it says", () => {
  const stage = connect();
  stage.connection.open();
  for (const code of [4011, 4008, 1012]) fails(stage, code);
  assert.deepEqual(new Set(ways(stage)), new Set(["socket"]));
});

const decide = (code, more = {}) => decideReconnection({ code, reason: "", attempts: 0, was_welcomed: true, random: 1, ...more });

test("close codes are honoured", () => {
  for (const code of [4001, 4003, 4010]) assert.equal(decide(code).act, "stop", code);
  for (const code of [4401, 4002]) assert.equal(decide(code).act, "sign_in", code);
  for (const code of [4008, 1009]) assert.deepEqual(decide(code), { act: "retry", delay_ms: 0 }, code);
  assert.equal(decide(4009).delay_ms, 10_000);
  assert.equal(decide(4012, { reason: "2300" }).delay_ms, 2300);
  assert.equal(decide(1012, { reason: "soon" }).delay_ms, 500);
});

test("coming back at once is for those who were in", () => {
  assert.ok(decide(4008, { was_welcomed: false }).delay_ms > 0);
});

test("the wait doubles up to half a minute, and half of it is chance", () => {
  const waits = [0, 1, 2, 3, 4, 5, 6, 7, 50].map((attempts) => decide(4011, { attempts }).delay_ms);
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, RETRY_MAX_MS, RETRY_MAX_MS, RETRY_MAX_MS]);
  assert.equal(decide(4011, { attempts: 3, random: 0 }).delay_ms, 2000);
});

test("what stays behind the head that a beat tells is asked for again, once, from where the screen ends", () => {
  const { clock, sockets, connection } = connectWelcomed();
  let cursor = 7;
  connection.watch("c-42", () => cursor);
  const watches = () => sockets[0].sent.filter((frame) => frame.type === "watch");
  sockets[0].says({ type: "beat", heads: { "c-42": 7 } });
  clock.tick(11);
  assert.equal(watches().length, 1);
  sockets[0].says({ type: "beat", heads: { "c-42": 9 } });
  cursor = 9;
  clock.tick(11);
  assert.equal(watches().length, 1);
  sockets[0].says({ type: "beat", heads: { "c-42": 10 } });
  clock.tick(11);
  assert.deepEqual(watches().at(-1), { type: "watch", conversation_id: "c-42", cursor: 9 });
  assert.equal(watches().length, 2);
});
