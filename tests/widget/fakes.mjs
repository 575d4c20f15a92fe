/** Stand-ins for what a browser brings: a clock that is wound by hand, sockets that record, and a page just big enough for the loader. */

import { readdirSync, readFileSync } from "node:fs";
import vm from "node:vm";

const WIDGET = new URL("../../widget/", import.meta.url);

const FRAMES = new URL("../fixtures/frames/", import.meta.url);

/** @returns {object} the frame of one fixture file */
export const fixture = (name) => JSON.parse(readFileSync(new URL(`visitor_${name}.json`, FRAMES), "utf8"));

/** @returns {object[]} one event of each kind that a visitor sees, by seq */
export const eventFixtures = () =>
  readdirSync(FRAMES)
    .filter((name) => name.startsWith("visitor_sees_event_"))
    .map((name) => fixture(name.slice("visitor_".length, -".json".length)))
    .sort((one, other) => one.seq - other.seq);

export class HandClock {
  now_ms = 0;
  #timers = new Map();
  #nextId = 1;
  random = () => 0.5;
  setTimeout = (act, wait_ms) => {
    this.#timers.set(this.#nextId, { at_ms: this.now_ms + wait_ms, act });
    return this.#nextId++;
  };
  clearTimeout = (id) => this.#timers.delete(id);

  /** Let the time pass; what falls due on the way happens in order. */
  async tick(by_ms) {
    const end_ms = this.now_ms + by_ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter(([, timer]) => timer.at_ms <= end_ms).sort((a, b) => a[1].at_ms - b[1].at_ms)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.now_ms = due[1].at_ms;
      due[1].act();
    }
    this.now_ms = end_ms;
  }
}

/** Let waiting promises run. */
export const settle = async () => {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
};

export class FakeSocket extends EventTarget {
  sent = [];
  isClosed = false;

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  opens() {
    this.dispatchEvent(new Event("open"));
  }

  says(frame) {
    this.dispatchEvent(Object.assign(new Event("message"), { data: typeof frame === "string" ? frame : JSON.stringify(frame) }));
  }

  ends(code, reason = "") {
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
  }
}

export class FakeStorage {
  #items = new Map();
  isBlocked = false;

  getItem(key) {
    if (this.isBlocked) throw new Error("SecurityError");
    return this.#items.get(key) ?? null;
  }

  setItem(key, value) {
    if (this.isBlocked) throw new Error("SecurityError");
    this.#items.set(key, value);
  }
}

class FakeNode extends EventTarget {
  attributes = {};
  children = [];
  style = { values: {}, setProperty: (name, value) => (this.style.values[name] = value) };
  hidden = false;
  isConnected = false;
  textContent = "";
  constructor(tag) {
    super();
    this.tag = tag;
    const names = new Set();
    this.classList = {
      contains: (name) => names.has(name),
      add: (name) => names.add(name),
      toggle: (name, isOn) => (isOn ? names.add(name) : names.delete(name)),
    };
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
  }

  append(...nodes) {
    for (const node of nodes) {
      node.isConnected = true;
      this.children.push(node);
    }
  }

  remove() {
    this.isConnected = false;
  }

  attachShadow() {
    this.shadow = new FakeNode("#shadow");
    return this.shadow;
  }

  focus() {
    this.wasFocused = true;
  }

  find(tag) {
    for (const child of [...this.children, ...(this.shadow?.children ?? [])]) {
      const found = child.tag === tag ? child : child.find(tag);
      if (found) return found;
    }
    return undefined;
  }

  get contentWindow() {
    this.window ??= { received: [], postMessage: (message, origin) => this.window.received.push({ message, origin }) };
    return this.window;
  }
}

/** Load the loader into a page. @returns what the page can see */
export function loadInto({ dataset = {}, settings, stored, isStorageBlocked = false, languages = ["en-GB"], times = 1 } = {}) {
  const warnings = [];
  const ready = [];
  const storage = new FakeStorage();
  if (stored) storage.setItem("baton:https://desk.example/", JSON.stringify(stored));
  storage.isBlocked = isStorageBlocked;
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), {
    currentScript: { src: "https://desk.example/widget.js", dataset },
    body: new FakeNode("body"),
    title: "Shop",
    referrer: "https://search.example/",
    visibilityState: "visible",
    activeElement: null,
    createElement: (tag) => new FakeNode(tag),
    createElementNS: (_, tag) => new FakeNode(tag),
  });
  document.addEventListener("baton:ready", (event) => ready.push(event.detail));
  const location = { href: "https://shop.example/basket", origin: "https://shop.example" };
  Object.assign(window, { batonSettings: settings, requestIdleCallback: (act) => act(), localStorage: storage, sessionStorage: new FakeStorage() });
  const polls = [];
  const context = vm.createContext({
    window,
    document,
    location,
    URL,
    CustomEvent,
    navigator: { languages },
    matchMedia: () => Object.assign(new EventTarget(), { matches: false }),
    console: { ...console, warn: (...parts) => warnings.push(parts.join(" ")), error: () => {} },
    setTimeout: () => 1,
    clearTimeout: () => {},
    setInterval: (act) => polls.push(act),
  });
  const source = readFileSync(new URL("loader.js", WIDGET), "utf8");
  for (let time = 0; time < times; time += 1) vm.runInContext(source, context);
  const page = { window, document, location, warnings, ready, storage, polls, Baton: window.Baton };
  Object.defineProperty(page, "iframe", { get: () => document.body.find("iframe") });
  Object.defineProperty(page, "launcher", { get: () => document.body.find("button") });
  /** The window speaks to the page. */
  page.frameSays = (data, { origin = "https://desk.example", source: from = page.iframe.contentWindow } = {}) =>
    window.dispatchEvent(Object.assign(new Event("message"), { data, origin, source: from }));
  page.frameGot = (type) => page.iframe.contentWindow.received.filter(({ message }) => message.type === `baton:${type}`);
  return page;
}
