import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox, OUTBOX_MAX } from "../../widget/outbox.js";
import { fixture } from "./fakes.mjs";

const post = fixture("sends_post");
const rate = fixture("sends_rate");

test("unacknowledged frames survive a reload, in order and with their ids", () => {
  let kept = null;
  const before = new Outbox(kept, (entries) => (kept = entries));
  before.add(post, 1);
  before.add(rate, 2);
  assert.deepEqual(new Outbox(structuredClone(kept), () => {}).entries.map(({ frame }) => frame), [post, rate]);
});

test("acknowledged frames are gone, also after a reload", () => {
  let kept = null;
  const outbox = new Outbox(kept, (entries) => (kept = entries));
  outbox.add(post, 1);
  assert.equal(kept.length, 1);
  outbox.remove(post.client_id);
  assert.deepEqual(kept, []);
});

test("a refused message stays as failed, a refused rating goes", () => {
  const outbox = new Outbox(null, () => {});
  outbox.add(post, 1);
  outbox.add(rate, 2);
  outbox.refuse(post.client_id);
  outbox.refuse(rate.client_id);
  assert.deepEqual(outbox.entries.map(({ frame, status }) => [frame.type, status]), [["post", "failed"]]);
});

test("one more than the limit is refused, and nothing old is lost", () => {
  const outbox = new Outbox(null, () => {});
  for (let count = 0; count < OUTBOX_MAX; count += 1) assert.equal(outbox.add({ ...post, client_id: `id-${count}` }, count), true);
  assert.equal(outbox.add({ ...post, client_id: "one-too-many" }, 99), false);
  assert.equal(outbox.entries.length, OUTBOX_MAX);
  assert.equal(outbox.add({ ...post, client_id: "id-0" }, 99), true, "the same again is no more");
});

test("nonsense that was kept is an empty outbox", () => {
  for (const nonsense of [undefined, null, "text", {}]) assert.deepEqual(new Outbox(nonsense, () => {}).entries, []);
});
