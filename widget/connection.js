/**
 * One visitor's WebSocket (or polls) for as long as the window lives: says hello with the cursor, keeps the heartbeat, comes
 * back after every loss in the way that the close code asks for. Knows nothing of what frames mean but welcome and beat.
 */

export const RETRY_FIRST_MS = 500;
export const RETRY_MAX_MS = 30_000;
/** What 4009 (too many frames) asks for. */
const FLOOD_WAIT_MS = 10_000;
/** A server that says when to come back is believed up to this. */
const ASKED_WAIT_MAX_MS = 300_000;
/** A connection that lived this long was a good one: the next loss starts the back-off afresh. */
const STABLE_MS = 10_000;
const WELCOME_WAIT_MS = 15_000;
/** Two missed beats and a little: the line is dead, whatever the socket believes. */
const SILENCE_BEATS = 2.2;
const PROBE_MS = 5_000;
const HEAD_LAG_MS = 10_000;

export const CLOSE = { badHello: 4001, tokenInvalid: 4002, blocked: 4003, tooSlow: 4008, flood: 4009, replaced: 4010, comeBack: 4012, restart: 1012, tooBig: 1009 };
const FINAL = new Set([CLOSE.badHello, CLOSE.blocked, CLOSE.replaced]);
const AT_ONCE = new Set([CLOSE.tokenInvalid, CLOSE.tooSlow, CLOSE.tooBig]);

/**
 * @param {number} attempt losses since the last good connection
 * @returns {number | null} null: do not come back
 */
export function decideRetryMs(code, reason, attempt, random) {
  if (FINAL.has(code)) return null;
  if (AT_ONCE.has(code) && attempt === 0) return 0;
  if (code === CLOSE.flood) return FLOOD_WAIT_MS;
  if ((code === CLOSE.comeBack || code === CLOSE.restart) && /^\d+$/.test(reason)) return Math.min(Number(reason), ASKED_WAIT_MAX_MS);
  const ceiling_ms = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** attempt);
  return (ceiling_ms * (1 + random())) / 2;
}

/** Half an emoji, as a title or a text cut by length may end in, is no Unicode: the desk would refuse the whole frame. */
function encode(frame) {
  return JSON.stringify(frame, (_, value) => (typeof value === "string" ? value.replace(/\p{Surrogate}/gu, "\ufffd") : value));
}

export class Connection {
  #options;
  #socket = null;
  #timers = new Map();
  #attempt = 0;
  #heartbeat_ms = 25_000;
  #healedHead = 0;
  #isReady = false;
  #status = "";
  /** WebSockets in a row without a word from the desk: after two it is tried by polls. */
  #refusals = 0;
  /** Counts tries, so that an answer to an abandoned one is recognised. */
  #run = 0;

  /**
   * @param {{
   *   open: (byPolls) => WebSocket, hello: (byPolls) => Promise<object>, cursor: () => number,
   *   onFrame: (frame: object) => void, onStatus: (status: string, code?: number) => void, onClosed: (code: number) => void,
   *   clock?: {setTimeout: Function, clearTimeout: Function, random: () => number},
   * }} options
   */
  constructor(options) {
    const clock = { setTimeout: (...args) => setTimeout(...args), clearTimeout: (id) => clearTimeout(id), random: Math.random };
    this.#options = { clock, ...options };
  }

  get isReady() {
    return this.#isReady;
  }

  /** Connect now, also before a wait is over or after a final close. */
  start() {
    this.#abandon();
    this.#connect(this.#run);
  }

  /** @returns {boolean} false: not connected, keep it */
  send(frame) {
    if (!this.#isReady) return false;
    this.#socket.send(encode(frame));
    return true;
  }

  /** The network or the visitor is back: do not wait for timers that were set in another time. */
  wake() {
    if (this.#status === "waiting") this.start();
    else if (this.#isReady) {
      this.#beat();
      this.#after("silence", PROBE_MS, () => this.#lose());
    }
  }

  close() {
    this.#abandon();
    this.#tell("stopped");
  }

  async #connect(run) {
    this.#tell("connecting");
    const byPolls = this.#refusals > 1;
    let hello;
    try {
      hello = await this.#options.hello(byPolls);
    } catch {
      this.#refusals = 0;
      if (run === this.#run) this.#retry(0, "");
      return;
    }
    if (run !== this.#run) return;
    const socket = this.#options.open(byPolls);
    this.#socket = socket;
    const current = (act) => (event) => socket === this.#socket && act(event);
    socket.addEventListener("open", current(() => socket.send(encode({ type: "hello", ...hello }))));
    socket.addEventListener("message", current((event) => this.#receive(event.data)));
    socket.addEventListener("close", current((event) => this.#lose(event.code, event.reason)));
    this.#after("silence", WELCOME_WAIT_MS, () => this.#lose());
  }

  #receive(text) {
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return; // A frame that is no JSON says nothing; the heartbeat notices if the line is broken.
    }
    if (frame.type === "welcome") this.#welcome(frame);
    if (frame.type === "beat") this.#watchHead(frame.head);
    this.#after("silence", this.#heartbeat_ms * SILENCE_BEATS, () => this.#lose());
    this.#options.onFrame(frame);
    if (frame.type === "welcome") this.#tell("open");
  }

  #welcome(frame) {
    this.#isReady = true;
    this.#heartbeat_ms = (frame.heartbeat_s || 25) * 1000;
    this.#after("stable", STABLE_MS, () => (this.#attempt = 0));
    this.#after("beat", this.#heartbeat_ms, () => this.#beat());
  }

  #beat() {
    this.send({ type: "beat", cursor: this.#options.cursor() });
    this.#after("beat", this.#heartbeat_ms, () => this.#beat());
  }

  /** A head ahead of us for long means that we lost something. One try per head: it may be an event that is not for us. */
  #watchHead(head) {
    const isBehind = () => head > this.#options.cursor() && head > this.#healedHead;
    if (!isBehind() || this.#timers.has("lag")) return;
    this.#after("lag", HEAD_LAG_MS, () => {
      if (!isBehind()) return;
      this.#healedHead = head;
      this.#lose();
    });
  }

  #lose(code = 0, reason = "") {
    this.#judge(code);
    this.#abandon();
    this.#options.onClosed(code);
    this.#retry(code, reason);
  }

  /** Silence counts twice. A desk that is down answers neither way: then both have their turns. */
  #judge(code) {
    if (this.#isReady) this.#refusals = this.#socket.isReal === false ? 2 : 0;
    else if (!code || code === 1006) this.#refusals = this.#refusals > 1 ? 1 : code ? this.#refusals + 1 : 2;
  }

  #retry(code, reason) {
    const wait_ms = decideRetryMs(code, reason, this.#attempt, this.#options.clock.random);
    if (wait_ms === null) {
      this.#tell("stopped", code);
      return;
    }
    this.#attempt += 1;
    this.#tell("waiting");
    this.#after("retry", wait_ms, () => this.start());
  }

  #abandon() {
    const socket = this.#socket;
    for (const id of this.#timers.values()) this.#options.clock.clearTimeout(id);
    this.#timers.clear();
    this.#socket = null;
    this.#isReady = false;
    this.#run += 1;
    socket?.close();
  }

  #after(name, wait_ms, act) {
    const { clock } = this.#options;
    if (this.#timers.has(name)) clock.clearTimeout(this.#timers.get(name));
    const id = clock.setTimeout(() => {
      this.#timers.delete(name);
      act();
    }, wait_ms);
    this.#timers.set(name, id);
  }

  #tell(status, code) {
    this.#status = status;
    this.#options.onStatus(status, code);
  }
}
