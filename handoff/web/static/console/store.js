/** Holds the state, runs the reducer, tells listeners of each step and renders at most once per frame. */

const HIDDEN_RENDER_MS = 250; // no animation frames come in a hidden tab

export class Store {
  #state;
  #reduce;
  #listeners = [];
  #renderers = [];
  #is_scheduled = false;

  constructor(state, reduce) {
    this.#state = state;
    this.#reduce = reduce;
  }

  get state() {
    return this.#state;
  }

  dispatch(action) {
    const before = this.#state;
    this.#state = this.#reduce(before, action);
    if (before === this.#state) return;
    for (const listener of this.#listeners) listener(before, this.#state, action);
    this.#schedule();
  }

  /** Call `listener(before, after, action)` after each change, at once. */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** Call `renderer(state)` once per frame in which something changed. */
  onRender(renderer) {
    this.#renderers.push(renderer);
  }

  /** Render now, where the caller must reach what the change shows (focus). */
  flush() {
    this.#is_scheduled = false;
    for (const renderer of this.#renderers) renderer(this.#state);
  }

  #schedule() {
    if (this.#is_scheduled) return;
    this.#is_scheduled = true;
    const run = () => this.#is_scheduled && this.flush();
    if (document.hidden) setTimeout(run, HIDDEN_RENDER_MS);
    else requestAnimationFrame(run);
  }
}

/** Read what this browser remembers; `fallback` where it remembers nothing or storage is off. */
export function readStored(storage, key, fallback) {
  try {
    const text = globalThis[storage].getItem(key);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback; // switched off, or written by another release
  }
}

/** Remember a value in this browser, where it lets us. */
export function writeStored(storage, key, value) {
  try {
    globalThis[storage].setItem(key, JSON.stringify(value));
  } catch {
    // switched off or full: it lasts as long as the page
  }
}
