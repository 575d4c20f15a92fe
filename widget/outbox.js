/** Frames that the server has not acknowledged yet. Outlives a reload, as long as whoever is told by `keep` keeps them. */

/** More unsent frames than a person makes while waiting; beyond it new ones are refused, not old ones lost. */
export const OUTBOX_MAX = 50;

export class Outbox {
  #entries;
  #keep;

  /** @param {unknown} entries what was kept last, if anything @param {(entries: object[]) => void} keep */
  constructor(entries, keep) {
    this.#entries = Array.isArray(entries) ? entries.slice(0, OUTBOX_MAX) : [];
    this.#keep = keep;
  }

  get entries() {
    return [...this.#entries];
  }

  /** @returns {boolean} false: full, nothing kept */
  add(frame, at) {
    const others = this.#entries.filter((entry) => entry.frame.client_id !== frame.client_id);
    if (others.length >= OUTBOX_MAX) return false;
    this.#become([...others, { frame, at, status: "sending" }]);
    return true;
  }

  remove(clientId) {
    const left = this.#entries.filter((entry) => entry.frame.client_id !== clientId);
    if (left.length < this.#entries.length) this.#become(left);
  }

  /** A refused message stays for the visitor to send again; anything else is dropped. */
  refuse(clientId) {
    const kept = this.#entries.filter((entry) => entry.frame.client_id !== clientId || entry.frame.type === "post");
    this.#become(kept.map((entry) => (entry.frame.client_id === clientId ? { ...entry, status: "failed" } : entry)));
  }

  /** For another visitor: choices and ratings point at a log that is gone. */
  keepPosts() {
    this.#become(this.#entries.filter((entry) => entry.frame.type === "post"));
  }

  clear() {
    this.#become([]);
  }

  #become(entries) {
    this.#entries = entries;
    this.#keep(entries);
  }
}
