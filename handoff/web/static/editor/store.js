/** Holds the state of a page and tells who listens that it changed. */
export class Store {
  #state;
  #reduce;
  /** @type {Set<(state: any) => void>} */
  #listeners = new Set();

  /** @param {any} state @param {(state: any, action: any) => any} reduce */
  constructor(state, reduce) {
    this.#state = state;
    this.#reduce = reduce;
  }

  get state() {
    return this.#state;
  }

  /** @param {{type: string}} action */
  dispatch(action) {
    const next = this.#reduce(this.#state, action);
    if (next === this.#state) return;
    this.#state = next;
    for (const listener of this.#listeners) listener(next);
  }

  /** @param {(state: any) => void} listener @returns {() => void} stops listening */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
