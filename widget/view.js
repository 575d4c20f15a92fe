/** The window on the screen: `render(state)` makes it match the state, `act(name, values)` reports what the visitor does. */

import { h, icon, setText } from "./dom.js";
import { Aside } from "./forms.js";
import { buildItem } from "./items.js";
import { fill } from "./texts.js";
import { canAskPerson, decideAside, timeline } from "./timeline.js";

const TEXT_MAX_CHARS = 4000;
/** From here on the composer counts. */
const COUNT_FROM_CHARS = 3600;
/** Nearer to the end than this counts as reading the newest. */
const NEAR_END_PX = 90;
const LINES_MAX_PX = 134;

export class View {
  #parts = {};
  #act;
  #aside;
  #texts;
  #title;
  #words;
  #shown = new Map();
  #wasCaughtUp = false;
  #panel = null;
  #listeners = new AbortController();

  /**
   * @param {{root: HTMLElement, texts: Record<string, string>, language: string, title: string, greeting: string, act: (name: string, values?: object) => unknown}} options
   */
  constructor({ root, texts, language, title, greeting, act }) {
    for (const node of root.querySelectorAll("[data-part]")) this.#parts[node.dataset.part] = node;
    this.#texts = texts;
    this.#title = title;
    this.#act = act;
    this.#words = { texts, ...dates(language) };
    this.#aside = new Aside(this.#parts.aside, texts, act);
    this.#label(greeting);
    this.#listen(root);
    root.hidden = false;
  }

  get draft() {
    return this.#parts.draft.value;
  }

  set draft(text) {
    this.#parts.draft.value = text;
    this.#measureDraft();
  }

  suggestVisitor(visitor) {
    this.#aside.suggest(visitor);
  }

  focus() {
    this.#parts.draft.focus({ preventScroll: true });
  }

  close() {
    this.#listeners.abort();
  }

  /** @param {typeof import("./reducer.js").initialState} state */
  render(state) {
    this.#renderHead(state);
    this.#renderBanner(state);
    this.#renderTyping(state);
    this.#parts.person.hidden = !canAskPerson(state);
    this.#parts.draft.disabled = state.connection === "stopped";
    this.#parts.log.setAttribute("aria-live", this.#wasCaughtUp ? "polite" : "off");
    this.#renderLog(state);
    this.#wasCaughtUp = state.isCaughtUp;
  }

  #label(greeting) {
    const { title, more, close, log, draft, send, person, jump } = this.#parts;
    const { texts } = this.#words;
    setText(title, this.#title);
    document.title = this.#title;
    const named = (node, name, sign) => {
      node.setAttribute("aria-label", name);
      if (sign) node.replaceChildren(icon(sign));
    };
    named(more, texts.more, "more");
    named(close, texts.close, "close");
    named(send, texts.send, "send");
    named(log, texts.log);
    named(this.#parts.scroll, texts.log);
    named(draft, texts.write);
    draft.placeholder = texts.write;
    person.replaceChildren(icon("person"), texts.person);
    jump.replaceChildren(icon("down"), texts.jump);
    const hello = { key: "greeting", kind: "message", side: "bot", name: null, text: greeting, isFirst: true, isLast: false };
    log.append(buildItem(hello, this.#words).node);
  }

  #listen(root) {
    const { composer, draft, scroll } = this.#parts;
    const { signal } = this.#listeners;
    const on = (node, event, act) => node.addEventListener(event, act, { signal });
    on(root, "click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button?.dataset.do === "jump") this.#toEnd();
      else if (button) this.#act(button.dataset.do, button.dataset);
      else if (this.#panel === "menu") this.#act("menu");
    });
    on(composer, "submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    on(draft, "keydown", (event) => {
      // 229: an input method is still composing (Safari reports isComposing too early).
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#submit();
    });
    on(draft, "input", () => {
      this.#measureDraft();
      this.#act("draft", { text: draft.value });
    });
    on(document, "keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      if (this.#panel) this.#act(this.#panel === "menu" ? "menu" : "not_now");
      else this.#act("close");
      if (this.#panel === "menu") this.#parts.more.focus();
    });
    on(scroll, "scroll", () => {
      if (this.#isNearEnd()) this.#parts.jump.hidden = true;
    });
  }

  #submit() {
    const text = this.draft.trim();
    if (!text || [...text].length > TEXT_MAX_CHARS) return;
    if (this.#act("post", { text })) this.draft = "";
    this.focus();
  }

  #measureDraft() {
    const { draft, count, send } = this.#parts;
    const wasNearEnd = this.#isNearEnd();
    draft.style.blockSize = "auto";
    draft.style.blockSize = `${Math.min(draft.scrollHeight, LINES_MAX_PX)}px`;
    if (wasNearEnd) this.#toEnd();
    const length = draft.value.length < COUNT_FROM_CHARS ? 0 : [...draft.value.trim()].length;
    const left = TEXT_MAX_CHARS - length;
    const text = left < 0 ? this.#texts.charsOver : this.#texts.charsLeft;
    setText(count, length >= COUNT_FROM_CHARS ? fill(text, { count: Math.abs(left) }) : "");
    count.classList.toggle("bt-count--over", left < 0);
    count.setAttribute("aria-live", left < 0 ? "polite" : "off");
    send.disabled = !draft.value.trim() || left < 0;
  }

  #renderHead(state) {
    const { face, status } = this.#parts;
    const { texts } = this.#words;
    const name = state.operator?.name ?? "";
    const phase = state.hasConnected ? (state.phase ?? "bot") : "none";
    const { isStaffed } = state;
    const statuses = { bot: isStaffed ? texts.statusBot : texts.assistant, queue: isStaffed ? texts.statusQueue : texts.awayTitle, operator: texts.statusOperator, resolved: texts.statusResolved, none: texts.connecting };
    setText(status, fill(statuses[phase], { name }));
    status.dataset.phase = state.connection === "open" ? phase : "none";
    const sign = phase === "operator" && name ? [...name][0].toUpperCase() : phase === "queue" ? "person" : "bot";
    if (face.dataset.sign !== sign) {
      face.dataset.sign = sign;
      face.replaceChildren(sign.length > 2 ? icon(sign) : sign);
    }
    this.#renderMenu(state);
  }

  #renderMenu(state) {
    const { menu, more } = this.#parts;
    const isOpen = state.panel === "menu";
    more.hidden = state.events.length === 0;
    more.setAttribute("aria-expanded", String(isOpen));
    menu.hidden = !isOpen;
    const wasOpen = this.#panel === "menu";
    this.#panel = state.panel;
    if (!isOpen || wasOpen) return;
    const entry = (name, text) => h("button", { type: "button", class: "bt-entry", "data-do": name }, text);
    const { texts } = this.#words;
    menu.replaceChildren(...(canAskPerson(state) ? [entry("person", texts.person)] : []), entry("rating", texts.rate), entry("save", texts.save));
  }

  #renderBanner(state) {
    const { banner } = this.#parts;
    const { texts } = this.#words;
    const isBack = state.connection === "waiting" || (state.hasConnected && state.connection === "connecting");
    const stopped = state.stopCode === 4010 ? texts.stoppedElsewhere : texts.stopped;
    const refused = state.notice && (NOTICES[state.notice] ?? "error");
    const text = state.connection === "stopped" ? stopped : isBack ? texts.reconnecting : refused ? texts[refused] : "";
    if (banner.dataset.text === text) return;
    banner.dataset.text = text;
    banner.classList.toggle("bt-banner--slow", isBack);
    banner.replaceChildren(text);
    if (state.connection === "stopped" && state.stopCode === 4010) {
      banner.append(" ", h("button", { type: "button", class: "bt-link", "data-do": "resume" }, texts.resume));
    }
  }

  #renderTyping(state) {
    const { typing } = this.#parts;
    const { texts } = this.#words;
    const text = state.typing ? fill(texts.typing, { name: state.typing.name ?? texts.assistant }) : "";
    if (typing.dataset.text === text) return;
    typing.dataset.text = text;
    typing.replaceChildren(...(text ? [h("span", { class: "bt-dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), h("span", { class: "bt-hidden" }, text)] : []));
    if (text && this.#isNearEnd()) this.#toEnd();
  }

  #renderLog(state) {
    const { log, jump } = this.#parts;
    const wasNearEnd = this.#isNearEnd();
    const items = timeline(state);
    const added = this.#placeItems(log, items);
    this.#aside.tellOpening(this.#describeOpening(state));
    const hasMoved = this.#aside.show(decideAside(state));
    if (hasMoved && state.panel === "rating") this.#aside.focus();
    if (!added && !hasMoved) return;
    const isOwn = added?.item.side === "visitor";
    if (!this.#wasCaughtUp || isOwn || hasMoved) this.#toEnd();
    else if (wasNearEnd) this.#toStartOf(added.node);
    else jump.hidden = false;
  }

  /** On the visitor's own clock, whatever the desk's is. */
  #describeOpening({ opensAt }) {
    const { texts, day, time } = this.#words;
    return opensAt ? fill(texts.opensAt, { when: `${day(opensAt)}, ${time(opensAt)}` }) : "";
  }

  /** Give every item its node in order. @returns the first new one, if any */
  #placeItems(log, items) {
    let added = null;
    let before = log.firstElementChild;
    const keys = new Set(items.map(({ key }) => key));
    for (const [key, { node }] of this.#shown) {
      if (keys.has(key)) continue;
      node.remove();
      this.#shown.delete(key);
    }
    for (const item of items) {
      const known = this.#shown.get(item.key);
      const built = known?.kind === item.kind ? known : { kind: item.kind, ...buildItem(item, this.#words) };
      if (built === known) built.update(item);
      else {
        known?.node.remove();
        this.#shown.set(item.key, built);
        added ??= { item, node: built.node };
      }
      if (before.nextElementSibling !== built.node) before.after(built.node);
      before = built.node;
    }
    return added;
  }

  #isNearEnd() {
    const { scroll } = this.#parts;
    return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PX;
  }

  #toEnd() {
    this.#parts.scroll.scrollTop = this.#parts.scroll.scrollHeight;
  }

  /** A long answer is read from its beginning. */
  #toStartOf(node) {
    const { scroll } = this.#parts;
    scroll.scrollTop = Math.min(scroll.scrollHeight, node.offsetTop - scroll.offsetTop - 12);
  }
}

/** Refusals that have words of their own; all others are "error". */
const NOTICES = { outbox_full: "errorFull", too_many_tries: "errorFast" };

function dates(language) {
  const hours = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
  const days = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
  const near = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const day = (at) => {
    const back = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at * 1000).setHours(0, 0, 0, 0)) / 86_400_000);
    return back >= -1 && back < 2 ? near.format(-back, "day") : days.format(at * 1000);
  };
  return { time: (at) => (at ? hours.format(at * 1000) : ""), day };
}
