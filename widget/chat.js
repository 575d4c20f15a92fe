/** One visitor's chat: joins the pure state with the connection, the outbox and the embedding page. Draws nothing. */

import { CLOSE, Connection } from "./connection.js";
import { Outbox } from "./outbox.js";
import { countUnread, initialState, isSameLog, reduce } from "./reducer.js";

const TYPING_EVERY_MS = 3_000;
const TYPING_ENDS_MS = 5_000;
/** Dots that nobody renews or answers go away. */
const TYPING_SHOWN_MS = 20_000;
/** History that pauses this long has ended. */
const HISTORY_QUIET_MS = 1_000;
const SESSION_WAIT_MS = 15_000;

export class Chat {
  #state = initialState;
  #link;
  #onChange;
  #outbox;
  #connection;
  #token;
  #hasSession = false;
  #polls;
  #about;
  #timers = {};
  #typedAt_ms = 0;
  #told = {};

  /**
   * @param {{link: import("./host_link.js").HostLink, start: {token: string | null, seen?: number, logEpoch?: string, page: object}, language: string,
   *   onChange: (state: typeof initialState) => void}} options
   */
  constructor({ link, start, language, onChange }) {
    this.#link = link;
    this.#onChange = onChange;
    this.#token = start.token ?? null;
    this.#about = { page: clipped(start.page), language, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC" };
    this.#outbox = new Outbox(start.outbox, (outbox) => link.tell("keep", { outbox }));
    this.#connection = new Connection({
      open: (byPolls) => (byPolls ? new this.#polls.PollingSocket("../api/visitor/poll", openSocket) : openSocket()),
      hello: (byPolls) => this.#hello(byPolls),
      cursor: () => this.#state.cursor,
      onFrame: (frame) => this.#receive(frame),
      onStatus: (status, code) => this.#dispatch({ type: "connection", status, code }),
      onClosed: (code) => code === CLOSE.tokenInvalid && this.#forgetVisitor(),
    });
    this.#dispatch({ ...start, type: "restored", entries: this.#outbox.entries });
    this.#connection.start();
  }

  get state() {
    return this.#state;
  }

  /** @returns {boolean} whether the frame is in good hands */
  submit(type, fields, clientId = newId()) {
    const frame = { type, client_id: clientId, ...fields };
    const at = Date.now() / 1000;
    if (!this.#outbox.add(frame, at)) {
      this.#dispatch({ type: "noticed", code: "outbox_full" });
      return false;
    }
    this.#dispatch({ type: "submitted", frame, at });
    this.#connection.send(frame);
    if (type === "post") this.#stopTyping();
    return true;
  }

  retry(clientId) {
    const entry = this.#state.pending.find(({ frame }) => frame.client_id === clientId);
    if (entry) this.submit("post", { text: entry.frame.text }, clientId);
  }

  showPanel(panel) {
    this.#dispatch({ type: "panel", panel });
  }

  /** Tell that the visitor types, at most every three seconds, and that they have stopped. */
  noteTyping(isEmpty) {
    this.#later("typing", TYPING_ENDS_MS, () => this.#connection.send({ type: "typing", is_typing: false }));
    if (isEmpty || Date.now() - this.#typedAt_ms < TYPING_EVERY_MS) return;
    this.#typedAt_ms = Date.now();
    this.#connection.send({ type: "typing", is_typing: true });
  }

  movePage(page) {
    this.#about.page = clipped(page);
    const { url, title } = this.#about.page;
    this.#connection.send({ type: "page", url, title });
  }

  setVisible(isVisible) {
    this.#dispatch({ type: "visible", isVisible });
  }

  wake() {
    this.#connection.wake();
  }

  resume() {
    this.#connection.start();
  }

  /** Forget the visitor on this device and begin as a new one. */
  reset() {
    this.#outbox.clear();
    this.#token = null;
    this.#hasSession = false;
    this.#dispatch({ type: "reset" });
    this.#connection.start();
  }

  close() {
    for (const id of Object.values(this.#timers)) clearTimeout(id);
    this.#connection.close();
  }

  async #hello(byPolls) {
    if (!this.#hasSession) await this.#openSession();
    if (byPolls) this.#polls = await import("./polling_socket.js");
    return { token: this.#token, cursor: this.#state.cursor, log_epoch: this.#state.logEpoch, ...this.#about };
  }

  async #openSession() {
    const asked = this.#token;
    const response = await fetch(new URL("../api/visitor/session", location.href), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: asked, site: this.#link.origin }),
      credentials: "omit",
      signal: AbortSignal.timeout(SESSION_WAIT_MS),
    });
    const session = response.ok && (await response.json());
    if (asked !== this.#token) throw new Error("The visitor was forgotten meanwhile.");
    if (response.status === 401 && asked) {
      this.#forgetVisitor();
      return this.#openSession();
    }
    if (!session) throw new Error(`The session was refused with status ${response.status}.`);
    if (session.is_new && asked) this.#forgetVisitor();
    this.#token = session.token;
    this.#hasSession = true;
    this.#link.tell("save", { token: session.token });
    return undefined;
  }

  #forgetVisitor() {
    this.#token = null;
    this.#hasSession = false;
    this.#outbox.keepPosts();
    this.#dispatch({ type: "session_changed" });
  }

  #receive(frame) {
    if (frame.type === "ack") this.#outbox.remove(frame.client_id);
    if (frame.type === "event") this.#outbox.remove(frame.client_id);
    if (frame.type === "error") this.#outbox.refuse(frame.client_id);
    const isOtherLog = frame.type === "welcome" && this.#state.cursor > 0 && !isSameLog(this.#state, frame);
    const isNews = frame.type === "event" && frame.seq > Math.max(this.#state.head, this.#state.cursor);
    this.#dispatch({ type: "frame", frame });
    if (frame.type === "welcome") this.#resend();
    // The desk may have gone on from our cursor, which was meant for the other log: ask again from the start.
    if (isOtherLog) this.#connection.start();
    if (!this.#state.isCaughtUp) this.#later("history", HISTORY_QUIET_MS, () => this.#dispatch({ type: "caught_up" }));
    if (this.#state.typing) this.#later("dots", TYPING_SHOWN_MS, () => this.#dispatch({ type: "typing_expired" }));
    if (isNews) this.#link.tell("emit", { event: "message", detail: { kind: frame.kind, author: frame.author.kind } });
  }

  /** Everything unacknowledged, in the order it was written and under the same ids: the server shows each once. */
  #resend() {
    for (const { frame, status } of this.#outbox.entries) if (status !== "failed") this.#connection.send(frame);
  }

  #dispatch(action) {
    this.#state = reduce(this.#state, action);
    const { seen, logEpoch, conversationId } = this.#state;
    this.#tellOnce("unread", { count: countUnread(this.#state) });
    this.#tellOnce("save", { seen, logEpoch, conversationId });
    this.#tellOnce("emit", { event: "phase", detail: { phase: this.#state.phase } });
    this.#onChange(this.#state);
  }

  #tellOnce(type, fields) {
    const text = JSON.stringify(fields);
    if (this.#told[type] === text) return;
    this.#told[type] = text;
    this.#link.tell(type, fields);
  }

  #stopTyping() {
    clearTimeout(this.#timers.typing);
    this.#typedAt_ms = 0;
  }

  #later(name, wait_ms, act) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(act, wait_ms);
  }
}

const openSocket = () => new WebSocket(new URL("../ws/visitor", location.href).href.replace(/^http/, "ws"));

/** The desk refuses longer ones, and with them the whole hello. */
const clipped = ({ url, title, referrer }) => ({ url: url.slice(0, 2000), title: title.slice(0, 500), referrer: referrer.slice(0, 2000) });

/** `crypto.randomUUID` exists on secure pages only; a desk on a local network may not be one. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
