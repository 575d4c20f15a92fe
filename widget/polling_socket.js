/**
 * A WebSocket for networks that block them: the same frames by POST, what is told by long polling. To whoever holds it
 * it looks like one. Tries a real one now and then, and speaks through it from the moment that it has answered.
 * Used by the window and by the operators' console; loaded only where it is needed.
 */

/** Below the 30 s after which the strictest common proxies cut a silent request. */
export const WAIT_S = 25;
/** An answer that is this late does not come any more. */
export const LATE_MS = 15_000;
/** Listening polls begin at most this often: a burst comes in one answer, and the desk's budget leaves room to send. */
export const PACE_MS = 300;
export const PROBE_EVERY_MS = 300_000;
export const PROBE_WAIT_MS = 15_000;
/** The desk takes 20 frames at once; the first is the hello. */
export const SENT_TOGETHER_MAX = 19;
const RETRY_AFTER_S = 5;
const RETRY_AFTER_MAX_S = 60;

const LOST = 1006;
const SIGNED_OUT = 4401;
/** What a sending poll is asked for. All else is for the listening one to tell, so that nothing overtakes it. */
const REPLIES = new Set(["ack", "error", "beat"]);

export class PollingSocket extends EventTarget {
  readyState = 0;
  onopen = null;
  onmessage = null;
  onclose = null;
  #url;
  #openReal;
  #env;
  #hello = null;
  #welcome = null;
  #watched = new Map(); // conversation_id -> cursor; operators only
  #seen = "";
  #listening = null;
  #queue = [];
  #sending = [];
  #isSending = false;
  #requests = new Set();
  #timers = new Set();
  #candidate = null;
  #real = null;

  /**
   * @param {string | URL} url where to poll
   * @param {() => WebSocket} openReal makes the WebSocket that this one stands in for
   * @param {{fetch?: Function, setTimeout?: Function, clearTimeout?: Function, now?: () => number, page?: EventTarget}} [env]
   */
  constructor(url, openReal, env = {}) {
    super();
    this.#url = url;
    this.#openReal = openReal;
    this.#env = {
      fetch: (...request) => fetch(...request),
      setTimeout: (...timer) => setTimeout(...timer),
      clearTimeout: (id) => clearTimeout(id),
      now: () => performance.now(),
      page: globalThis,
      ...env,
    };
    this.#env.page.addEventListener?.("online", this.#probe);
    this.#after(0, () => {
      this.readyState = 1;
      this.#emit("open");
    });
  }

  /** Whether it speaks through a real WebSocket by now. */
  get isReal() {
    return this.#real !== null;
  }

  send(text) {
    if (this.readyState !== 1) return;
    if (this.#real) {
      this.#real.send(text);
      return;
    }
    const frame = JSON.parse(text);
    if (frame.type === "hello") this.#begin(frame);
    else if (frame.type === "watch") this.#follow(frame.conversation_id, frame.cursor);
    else if (frame.type === "unwatch") this.#follow(frame.conversation_id, undefined);
    else this.#enqueue(frame);
  }

  close() {
    this.readyState = 3;
    this.#env.page.removeEventListener?.("online", this.#probe);
    for (const id of this.#timers) this.#env.clearTimeout(id);
    this.#timers.clear();
    this.#stopPolling();
    this.#candidate?.close();
    this.#real?.close();
  }

  // --- listening

  #begin(hello) {
    this.#hello = hello;
    this.#listen();
    this.#probeLater();
  }

  #follow(conversationId, cursor) {
    if (this.#watched.get(conversationId) === cursor) return;
    if (cursor === undefined) this.#watched.delete(conversationId);
    else this.#watched.set(conversationId, cursor);
    this.#listening?.abort();
  }

  async #listen() {
    while (this.#isPolling) {
      const beganAt_ms = this.#env.now();
      const watches = [...this.#watched].map(([conversation_id, cursor]) => ({ type: "watch", conversation_id, cursor }));
      this.#listening = new AbortController();
      const answer = await this.#post([this.#hello, ...watches], WAIT_S, this.#listening);
      if (answer) {
        this.#seen = answer.seen;
        this.#take(answer, answer.frames);
      }
      if (this.#isPolling) await this.#wait(PACE_MS - (this.#env.now() - beganAt_ms));
    }
  }

  #take({ close }, frames) {
    for (const frame of frames) {
      if (!this.#isPolling) return;
      this.#keepUp(frame);
      this.#emit("message", { data: JSON.stringify(this.#asOnSocket(frame)) });
    }
    if (close) this.#end(close.code, close.reason);
  }

  /** The next poll goes on behind what this one told. */
  #keepUp(frame) {
    if (frame.type !== "event") return;
    if (!("conversation_id" in frame)) this.#hello = { ...this.#hello, cursor: frame.seq };
    else if (this.#watched.has(frame.conversation_id)) this.#watched.set(frame.conversation_id, frame.seq);
  }

  /** A visitor is welcomed once by a socket; what a later welcome brings is news of who answers, unless the log is another one. */
  #asOnSocket(frame) {
    if (frame.type !== "welcome") return frame;
    const known = this.#welcome;
    this.#welcome = frame;
    if (!("cursor" in this.#hello)) return frame;
    this.#hello = { ...this.#hello, log_epoch: frame.log_epoch };
    const isSameLog = known?.log_epoch === frame.log_epoch && [null, frame.conversation_id].includes(known.conversation_id);
    return isSameLog ? { ...frame, type: "status" } : frame;
  }

  // --- sending

  #enqueue(frame) {
    if (frame.type === "page") this.#hello = { ...this.#hello, page: { ...this.#hello.page, url: frame.url, title: frame.title } };
    const isUnderWay = frame.client_id && [...this.#sending, ...this.#queue].some(({ client_id }) => client_id === frame.client_id);
    if (isUnderWay) return;
    this.#queue.push(frame);
    this.#transmit();
  }

  /** One request at a time, so that what is sent keeps its order. */
  async #transmit() {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#isPolling && this.#queue.length + this.#sending.length) {
      if (!this.#sending.length) this.#sending = this.#queue.splice(0, SENT_TOGETHER_MAX);
      const answer = await this.#post([this.#hello, ...this.#sending], 0, new AbortController());
      if (!answer) continue;
      this.#sending = [];
      this.#take(answer, answer.frames.filter((frame) => REPLIES.has(frame.type)));
    }
    this.#isSending = false;
  }

  // --- requests

  get #isPolling() {
    return this.readyState === 1 && !this.#real;
  }

  /** @returns {Promise<object | null>} null: nothing was done; ask again, if there is still somebody to ask for */
  async #post(frames, wait_s, request) {
    let isLate = false;
    const lateness = this.#after(wait_s * 1000 + LATE_MS, () => {
      isLate = true;
      request.abort();
    });
    this.#requests.add(request);
    try {
      const response = await this.#env.fetch(this.#url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ frames, seen: this.#seen, wait_s }),
        signal: request.signal,
      });
      if (response.ok) {
        const answer = await response.json();
        return request.signal.aborted ? null : answer;
      }
      if (response.status === 429) await this.#wait(1000 * readRetryAfter(response));
      else this.#end(response.status === 401 ? SIGNED_OUT : LOST);
    } catch {
      if (isLate || !request.signal.aborted) this.#end(LOST);
    } finally {
      this.#requests.delete(request);
      this.#forget(lateness);
    }
    return null;
  }

  #stopPolling() {
    for (const request of this.#requests) request.abort();
  }

  #end(code, reason = "") {
    if (this.readyState === 3) return;
    this.close();
    this.#emit("close", { code, reason });
  }

  // --- the real one

  #probeLater() {
    this.#after(PROBE_EVERY_MS, () => {
      this.#probe();
      if (this.#isPolling) this.#probeLater();
    });
  }

  #probe = () => {
    if (!this.#isPolling || !this.#hello || this.#candidate) return;
    const socket = this.#openReal();
    this.#candidate = socket;
    const patience = this.#after(PROBE_WAIT_MS, () => socket.close());
    socket.addEventListener("open", () => socket.send(JSON.stringify(this.#hello)));
    socket.addEventListener("message", (event) => {
      this.#forget(patience);
      if (this.#isPolling) this.#changeOver(socket);
      if (socket === this.#real) this.#emit("message", { data: event.data });
    });
    socket.addEventListener("close", (event) => {
      this.#forget(patience);
      if (socket === this.#candidate) this.#candidate = null;
      if (socket === this.#real) this.#end(event.code, event.reason);
    });
  };

  /** What is under way goes again through the socket: a resend is one message, and its holder repeats the rest at the welcome. */
  #changeOver(socket) {
    this.#real = socket;
    this.#candidate = null;
    this.#stopPolling();
    for (const frame of [...this.#sending, ...this.#queue]) socket.send(JSON.stringify(frame));
  }

  // --- small parts

  #emit(type, fields = {}) {
    const event = Object.assign(new Event(type), fields);
    this[`on${type}`]?.(event);
    this.dispatchEvent(event);
  }

  #wait(wait_ms) {
    return wait_ms > 0 ? new Promise((resolve) => this.#after(wait_ms, resolve)) : undefined;
  }

  #after(wait_ms, act) {
    const id = this.#env.setTimeout(() => {
      this.#timers.delete(id);
      act();
    }, wait_ms);
    this.#timers.add(id);
    return id;
  }

  #forget(id) {
    this.#env.clearTimeout(id);
    this.#timers.delete(id);
  }
}

function readRetryAfter(response) {
  const asked_s = Number(response.headers.get("Retry-After"));
  return asked_s > 0 ? Math.min(asked_s, RETRY_AFTER_MAX_S) : RETRY_AFTER_S;
}
