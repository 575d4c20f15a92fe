/**
 * The operator's WebSocket, or the polls that stand in for it: says hello, watches one conversation from its cursor, keeps what was not acknowledged and
 * sends it again after a reconnect under the same client_id, beats. Owns the socket and its timers; knows no page.
 */
import { decideReconnection } from "./reconnection.js";

const HEARTBEAT_S = 25; // until the welcome names another
const SILENCE_FACTOR = 2.5; // two beats of the server may be late before the line counts as dead
const HEAD_LAG_MS = 10_000;
const WELCOME_TIMEOUT_MS = 10_000;
const COMMAND_KEPT_MS = 20_000; // "claim" means now; a message may wait for as long as it takes
export const OUTBOX_MAX = 200;
const REFUSALS_MAX = 2; // so many WebSockets in a row without a word, and the network is taken to block them

const MESSAGES = new Set(["post", "note"]);

export class Connection {
  #url;
  #handlers;
  #env;
  #socket = null;
  #is_welcomed = false;
  #attempts = 0;
  #refusals = 0;
  #timers = new Map();
  #outbox = new Map(); // client_id -> {frame, sent_at_ms}
  #watched = null; // {conversation_id, readCursor}
  #heartbeat_s = HEARTBEAT_S;
  #is_closed = false;

  /**
   * @param {string} url
   * @param {{onFrame: (frame: object) => void, onLink: (link: object) => void, onExpired: (client_id: string) => void,
   *   onSignedOut: () => void, checkSession?: () => Promise<void>}} handlers
   * @param {{WebSocket?: typeof WebSocket, openPolls?: () => WebSocket, setTimeout?: Function, clearTimeout?: Function, now?: () => number, random?: () => number}} [env]
   */
  constructor(url, handlers, env = {}) {
    this.#url = url;
    this.#handlers = handlers;
    this.#env = {
      WebSocket: env.WebSocket ?? globalThis.WebSocket,
      openPolls: env.openPolls,
      setTimeout: env.setTimeout ?? ((callback, delay_ms) => globalThis.setTimeout(callback, delay_ms)),
      clearTimeout: env.clearTimeout ?? ((timer) => globalThis.clearTimeout(timer)),
      now: env.now ?? Date.now,
      random: env.random ?? Math.random,
    };
  }

  get isOpen() {
    return this.#is_welcomed;
  }

  /** Whether words of the operator have not reached the server yet. */
  get hasUnsentMessages() {
    return [...this.#outbox.values()].some(({ frame }) => MESSAGES.has(frame.type));
  }

  /** Connect now; also cuts a running wait short. */
  open() {
    if (this.#is_closed || this.#socket) return;
    this.#clear("retry");
    this.#handlers.onLink({ status: "connecting", retry_at: null });
    const goesByPolls = this.#refusals >= REFUSALS_MAX && this.#env.openPolls;
    const socket = goesByPolls ? this.#env.openPolls() : new this.#env.WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#transmit({ type: "hello" });
    socket.onmessage = (message) => this.#receive(socket, message.data);
    socket.onclose = (close) => this.#lose(socket, close.code, close.reason);
    this.#set("silence", WELCOME_TIMEOUT_MS, () => this.#abandon());
  }

  /** Stop for good. */
  close() {
    this.#is_closed = true;
    for (const name of [...this.#timers.keys()]) this.#clear(name);
    this.#detach()?.close(1000);
  }

  /**
   * Follow one conversation instead of the last one.
   * @param {string|null} conversation_id
   * @param {() => number} readCursor  the last seq on screen, asked again at every reconnect
   */
  watch(conversation_id, readCursor = () => 0) {
    if (this.#watched?.conversation_id === conversation_id) return;
    if (this.#watched) this.send({ type: "unwatch", conversation_id: this.#watched.conversation_id });
    this.#watched = conversation_id ? { conversation_id, readCursor } : null;
    this.#sendWatch();
  }

  /** Send a frame that may be lost (typing, unwatch). @returns {boolean} whether it left */
  send(frame) {
    return this.#is_welcomed && this.#transmit(frame);
  }

  /**
   * Send a frame that the server acknowledges; kept until it does.
   * @param {{type: string, client_id: string}} frame
   * @throws {RangeError} when more than OUTBOX_MAX wait
   */
  deliver(frame) {
    if (this.#outbox.size >= OUTBOX_MAX) throw new RangeError("Too many unsent messages. Wait for the connection.");
    this.#outbox.set(frame.client_id, { frame, sent_at_ms: this.#env.now() });
    this.send(frame);
  }

  /** Connect at once if a wait is running: the network is back, or the operator asked. */
  hurry() {
    if (!this.#socket && this.#timers.has("retry")) this.open();
  }

  #receive(socket, data) {
    if (socket !== this.#socket) return;
    const frame = parseFrame(data);
    if (!frame) return;
    this.#expectSigns();
    if (frame.type === "welcome") this.#welcome(frame);
    if (frame.type === "beat") this.#watchHead(frame.heads);
    if ((frame.type === "ack" || frame.type === "error") && frame.client_id) this.#outbox.delete(frame.client_id);
    this.#handlers.onFrame(frame);
    if (frame.type === "welcome") this.#catchUp();
  }

  #welcome(frame) {
    this.#is_welcomed = true;
    this.#attempts = 0;
    this.#heartbeat_s = frame.heartbeat_s || HEARTBEAT_S;
    this.#expectSigns();
    this.#beatLater();
    this.#handlers.onLink({ status: "open", retry_at: null, problem: null, was_open: true });
  }

  /** After the welcome was taken in: ask for what was missed, then repeat what was not acknowledged. */
  #catchUp() {
    this.#sendWatch();
    for (const [client_id, { frame, sent_at_ms }] of [...this.#outbox]) {
      const isStale = !MESSAGES.has(frame.type) && this.#env.now() - sent_at_ms > COMMAND_KEPT_MS;
      if (!isStale) {
        this.#transmit(frame);
        continue;
      }
      this.#outbox.delete(client_id);
      this.#handlers.onExpired(client_id);
    }
  }

  #sendWatch() {
    if (!this.#watched) return;
    const { conversation_id, readCursor } = this.#watched;
    this.send({ type: "watch", conversation_id, cursor: readCursor() });
  }

  /** A head that stays ahead of the screen means that something got lost: ask for it again from where the screen ends. */
  #watchHead(heads) {
    const isBehind = () => this.#watched && (heads?.[this.#watched.conversation_id] ?? 0) > this.#watched.readCursor();
    if (isBehind()) this.#set("lag", HEAD_LAG_MS, () => isBehind() && this.#sendWatch());
  }

  #transmit(frame) {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #beatLater() {
    this.#set("beat", this.#heartbeat_s * 1000, () => {
      this.#transmit({ type: "beat" });
      this.#beatLater();
    });
  }

  #expectSigns() {
    const wait_ms = this.#is_welcomed ? this.#heartbeat_s * SILENCE_FACTOR * 1000 : WELCOME_TIMEOUT_MS;
    this.#set("silence", wait_ms, () => this.#abandon());
  }

  /** Nothing was heard for too long. A dead line may never report its close, so do not wait for it. */
  #abandon() {
    const socket = this.#socket;
    if (!this.#is_welcomed && this.#refusals < REFUSALS_MAX) this.#refusals = REFUSALS_MAX - 1; // silence says as much as two refusals
    this.#lose(socket, 1006, "");
    socket?.close();
  }

  #lose(socket, code, reason) {
    if (!socket || socket !== this.#socket) return;
    const was_welcomed = this.#is_welcomed;
    this.#judge(socket, code);
    this.#detach();
    this.#is_welcomed = false;
    this.#clear("beat");
    this.#clear("silence");
    this.#clear("lag");
    const decision = decideReconnection({ code, reason, attempts: this.#attempts, was_welcomed, random: this.#env.random() });
    if (decision.act === "sign_in") this.#handlers.onSignedOut();
    else if (decision.act === "stop") this.#handlers.onLink({ status: "stopped", retry_at: null, problem: decision.problem });
    else this.#retryLater(decision.delay_ms, was_welcomed);
  }

  /** Decide how the next try goes. A server that is down answers neither way: then both have their turns. */
  #judge(socket, code) {
    if (this.#is_welcomed) this.#refusals = socket.isReal === false ? REFUSALS_MAX : 0;
    else if (code === 1006) this.#refusals = this.#refusals >= REFUSALS_MAX ? 1 : this.#refusals + 1;
  }

  #retryLater(delay_ms, was_welcomed) {
    this.#attempts += 1;
    this.#handlers.onLink({ status: "waiting", retry_at: (this.#env.now() + delay_ms) / 1000 });
    this.#set("retry", delay_ms, () => this.open());
    // A refused handshake tells the browser nothing: ask over HTTP whether the session still stands.
    if (!was_welcomed) this.#handlers.checkSession?.().catch(() => {});
  }

  #detach() {
    const socket = this.#socket;
    this.#socket = null;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    return socket;
  }

  #set(name, delay_ms, callback) {
    this.#clear(name);
    this.#timers.set(name, this.#env.setTimeout(() => {
      this.#timers.delete(name);
      callback();
    }, delay_ms));
  }

  #clear(name) {
    if (!this.#timers.has(name)) return;
    this.#env.clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}

function parseFrame(data) {
  try {
    const frame = JSON.parse(data);
    return frame && typeof frame.type === "string" ? frame : null;
  } catch {
    return null; // not ours; the server's own tests keep this from happening
  }
}
