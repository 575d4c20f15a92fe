// The cast of the console's tests: frames of the fixtures, a desk with chats, sockets and clocks that obey the test.
import { readFileSync, readdirSync } from "node:fs";

import { buildState, reduce } from "../../handoff/web/static/console/reducer.js";

const FRAMES = new URL("../fixtures/frames/", import.meta.url);

export const GRACE = { id: "op-grace", name: "Grace", role: "operator" };
export const ALAN = { id: "op-alan", name: "Alan", role: "operator" };
export const NOW = 1_763_760_100;

/** A frame of tests/fixtures/frames, by the name after "operator_". */
export function readFrame(name) {
  return JSON.parse(readFileSync(new URL(`operator_${name}.json`, FRAMES), "utf8"));
}

/** Names of all frames that the console may see. */
export function listSeenFrames() {
  return readdirSync(FRAMES)
    .filter((file) => file.startsWith("operator_sees_"))
    .map((file) => file.slice("operator_".length, -".json".length))
    .sort();
}

/** All events of the fixtures as one conversation, in order of seq. */
export function readEvents() {
  return listSeenFrames()
    .filter((name) => name.startsWith("sees_event_"))
    .map(readFrame)
    .sort((a, b) => a.seq - b.seq);
}

export function buildSummary(changes = {}) {
  return { ...readFrame("sees_conversation").summary, ...changes };
}

export function buildEvent(seq, changes = {}) {
  return { ...readFrame("sees_event_visitor_message"), seq, ...changes };
}

/** State after a welcome with these chats. */
export function buildDesk(summaries = [], state = buildState()) {
  return hear(state, { ...readFrame("sees_welcome"), conversations: summaries, server_at: NOW });
}

/** State after frames were received. */
export function hear(state, ...frames) {
  return frames.reduce((before, frame) => reduce(before, { type: "frame_received", frame, now: NOW }), state);
}

/** State after actions of this console. */
export function act(state, ...actions) {
  return actions.reduce(reduce, state);
}

/** A clock and timers that only move when told. */
export class Clock {
  now_ms = 1_000_000;
  #timers = new Map();
  #next = 1;

  setTimeout = (callback, delay_ms) => {
    this.#timers.set(this.#next, { callback, due_ms: this.now_ms + delay_ms });
    return this.#next++;
  };

  clearTimeout = (timer) => this.#timers.delete(timer);

  get pending() {
    return this.#timers.size;
  }

  tick(seconds) {
    const end_ms = this.now_ms + seconds * 1000;
    for (;;) {
      const [id, timer] = [...this.#timers].sort((a, b) => a[1].due_ms - b[1].due_ms)[0] ?? [];
      if (!timer || timer.due_ms > end_ms) break;
      this.#timers.delete(id);
      this.now_ms = timer.due_ms;
      timer.callback();
    }
    this.now_ms = end_ms;
  }
}

/** Makes fake sockets; `sockets` holds each one that was opened. */
export function buildSockets() {
  const sockets = [];
  class FakeSocket {
    readyState = 0;
    sent = [];

    constructor(url) {
      this.url = url;
      sockets.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close() {
      this.readyState = 3;
    }

    opens() {
      this.readyState = 1;
      this.onopen?.();
    }

    says(frame) {
      this.onmessage?.({ data: JSON.stringify(frame) });
    }

    closes(code, reason = "") {
      this.readyState = 3;
      this.onclose?.({ code, reason });
    }

    types() {
      return this.sent.map((frame) => frame.type);
    }
  }
  return { FakeSocket, sockets };
}
