/*
 * Baton on any page: <script src="https://desk.example/widget.js" defer></script>
 * Keeps the visitor's token in the page's own storage, since a frame of another site may have none.
 * Never throws at the page, styles nothing outside its shadow root, talks to one origin only.
 */
(() => {
  "use strict";
  const PREFIX = "baton:";
  const NARROW = "(max-width: 479px), (max-height: 419px)";
  const PAGE_POLL_MS = 2000;
  const HELLO_WAIT_MS = 12_000;
  const TEXTS = {
    en: ["Chat with us", "The chat cannot be reached."],
    es: ["Chatea con nosotros", "No se puede abrir el chat."],
    fr: ["Discuter avec nous", "La discussion est injoignable."],
    de: ["Chat öffnen", "Der Chat ist nicht erreichbar."],
  };
  const oneOf = (...allowed) => (value) => (allowed.includes(value) ? value : undefined);
  const words = (most) => (value) => (typeof value === "string" && value.length <= most ? value : undefined);
  /** name: [default, reader, which gives undefined for a bad value] */
  const OPTIONS = {
    color: [null, fullHex],
    position: ["right", oneOf("left", "right")],
    theme: ["auto", oneOf("auto", "light", "dark")],
    language: [null, (value) => (/^[a-z]{2,3}(-[\w-]+)?$/i.test(value) ? value : undefined)],
    greeting: [null, words(500)],
    title: [null, words(60)],
    hideButton: [false, (value) => ({ "": true, true: true, false: false })[value]],
  };
  const STYLE = `
:host { all: initial !important; }
@media print { :host { display: none !important; } }
.launcher, .panel { position: fixed; z-index: 2147483000; box-sizing: border-box; }
.launcher { inset-block-end: max(20px, env(safe-area-inset-bottom)); inline-size: 60px; block-size: 60px; padding: 0; border: 0; border-radius: 50%;
  background: var(--fill); color: var(--ink); cursor: pointer; box-shadow: 0 2px 6px rgb(0 0 0 / .2), 0 12px 48px rgb(0 0 0 / .22); }
.launcher:hover { filter: brightness(1.1); }
.launcher:focus-visible { outline: 3px solid var(--fill); outline-offset: 3px; }
svg { display: block; inline-size: 28px; margin: 16px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.badge { position: absolute; inset-block-start: -3px; inset-inline-end: -3px; box-sizing: border-box; min-inline-size: 22px; padding: 0 6px; border: 2px solid #fff;
  border-radius: 11px; background: #b3261e; color: #fff; font: 700 12px/18px system-ui, sans-serif; text-align: center; }
.panel { inset-block-end: calc(max(20px, env(safe-area-inset-bottom)) + 74px); inline-size: min(400px, 100vw - 40px); block-size: min(700px, 100vh - 124px);
  overflow: hidden; border-radius: 18px; background: var(--paper); box-shadow: 0 2px 6px rgb(0 0 0 / .2), 0 12px 48px rgb(0 0 0 / .22); transition: .16s; }
.right { right: 20px; } .left { left: 20px; }
.panel:not(.open) { visibility: hidden; opacity: 0; transform: translateY(10px); }
iframe { inline-size: 100%; block-size: 100%; border: 0; }
.lost { margin: 32px; font: 16px/1.5 system-ui, sans-serif; color: #777; }
[hidden] { display: none; }
@media ${NARROW} {
  .panel { inset: 0 auto auto 0; inline-size: 100%; block-size: 100vh; block-size: 100dvh; border-radius: 0; }
  .open.live + .launcher { display: none; }
}
@media (prefers-reduced-motion: reduce) { .panel { transition: none; } }`;
  const SPEECH = "M12 3.5c5 0 9 3.4 9 7.7s-4 7.7-9 7.7c-1 0-2-.1-2.9-.4L4.5 20.5l1.1-3.7C4 15.4 3 13.4 3 11.2c0-4.3 4-7.7 9-7.7ZM8.5 11.2h.01M12 11.2h.01M15.5 11.2h.01";
  const CHEVRON = "M6 9.5l6 6 6-6";

  if (typeof window.Baton?.toggle === "function") return;
  let desk, options, memory, tab, iframe, opener, visitor, helloTimer;
  let [isOpen, takesFocus, unread, lastUrl, listeners] = [false, true, 0, location.href, {}];
  const [dark, narrow] = [matchMedia("(prefers-color-scheme: dark)"), matchMedia(NARROW)];
  const host = element("div", { role: "region" });
  const [panel, path] = [element("div"), element("path")];
  const lost = element("p", { class: "lost", role: "alert", hidden: "" });
  const launcher = element("button", { type: "button" });
  const badge = element("span", { class: "badge", "aria-hidden": "true" });
  const svg = element("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });

  const api = {
    open: () => setOpen(true),
    close: () => setOpen(false),
    toggle: () => setOpen(!isOpen),
    on(event, act) {
      (listeners[event] ??= new Set()).add(act);
      return () => listeners[event].delete(act);
    },
    setVisitor({ name, email } = {}) {
      visitor = { name: String(name ?? ""), email: String(email ?? "") };
      tell("visitor", { visitor });
    },
    reset() {
      memory.save({ token: null, seen: 0, logEpoch: null, conversationId: null });
      tab.save({ outbox: [], draft: "" });
      visitor = null;
      tell("reset");
    },
  };

  const RECEIVED = {
    hello() {
      clearTimeout(helloTimer);
      panel.classList.add("live");
      tell("start", { ...memory.read(), ...tab.read(), options, visitor, isOpen, page: page() });
      if (isOpen) tell("open", { takesFocus });
    },
    save: ({ type, ...fields }) => memory.save(fields),
    keep: ({ type, ...fields }) => tab.save(fields),
    unread({ count }) {
      unread = count;
      show();
      emit("unread", { count });
    },
    close: api.close,
    emit: ({ event, detail }) => emit(event, detail),
  };

  try {
    const script = document.currentScript ?? document.querySelector('script[src*="/widget.js"]');
    desk = new URL(".", script.src);
    options = readOptions(script.dataset, window.batonSettings ?? {});
    memory = buildMemory("localStorage");
    tab = buildMemory("sessionStorage");
    draw();
    window.Baton = api;
    if (document.body) attach();
    else document.addEventListener("DOMContentLoaded", attach, { once: true });
  } catch (error) {
    console.warn("Baton could not start on this page.", error);
  }

  function readOptions(dataset, settings) {
    const [read, wrong] = [{}, []];
    for (const [name, [fallback, readOne]] of Object.entries(OPTIONS)) {
      const given = dataset[name] ?? settings[name];
      const value = given == null ? fallback : readOne(given);
      if (value === undefined) wrong.push(`${name}: ${given}`);
      read[name] = value ?? fallback;
    }
    if (wrong.length) console.warn(`Baton ignores these options: ${wrong.join("; ")}`);
    return read;
  }

  function fullHex(value) {
    const digits = /^#([\da-f]{3}|[\da-f]{6})$/i.exec(value)?.[1].toLowerCase();
    return digits && `#${digits.length === 3 ? digits.replace(/./g, "$&$&") : digits}`;
  }

  /** Other tabs write, too, so it is read anew each time. Blocked, full or with nonsense in it: this page view has its own. */
  function buildMemory(storage) {
    const [key, kept] = [PREFIX + desk.href, {}];
    let last = null;
    const read = () => {
      try {
        const text = window[storage].getItem(key);
        if (text !== last) Object.assign(kept, JSON.parse((last = text)));
      } catch {}
      return kept;
    };
    const save = (fields) => {
      Object.assign(read(), fields);
      try {
        window[storage].setItem(key, JSON.stringify(kept));
      } catch {}
    };
    return { read, save };
  }

  function element(tag, attributes = {}) {
    const node = /svg|path/.test(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  }

  function texts() {
    const wanted = [options.language, ...(navigator.languages ?? [])].map((tag) => tag?.slice(0, 2).toLowerCase());
    return TEXTS[wanted.find((tag) => Object.hasOwn(TEXTS, tag)) ?? "en"];
  }

  function draw() {
    const root = host.attachShadow({ mode: "open" });
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } catch {
      const style = element("style");
      style.textContent = STYLE;
      root.append(style);
    }
    host.setAttribute("aria-label", options.title ?? "Chat");
    panel.setAttribute("class", `panel ${options.position}`);
    launcher.setAttribute("class", `launcher ${options.position}`);
    launcher.hidden = options.hideButton;
    svg.append(path);
    launcher.append(svg, badge);
    panel.append(lost);
    root.append(panel, launcher);
    launcher.addEventListener("click", api.toggle);
    host.addEventListener("keydown", (event) => event.key === "Escape" && api.close());
    paint();
    show();
  }

  function attach() {
    document.body.append(host);
    window.addEventListener("message", receive);
    window.addEventListener("popstate", followPage);
    window.navigation?.addEventListener("navigatesuccess", followPage);
    setInterval(() => document.visibilityState === "visible" && followPage(), PAGE_POLL_MS);
    for (const event of ["resize", "scroll"]) window.visualViewport?.addEventListener(event, fitKeyboard);
    dark.addEventListener("change", paint);
    // A chat that was open goes on on the next page, but never covers a whole phone unasked.
    if (tab.read().isOpen && !narrow.matches) setOpen(true, false);
    if (memory.read().token) (window.requestIdleCallback ?? setTimeout)(load);
    document.dispatchEvent(new CustomEvent("baton:ready", { bubbles: true, detail: api }));
  }

  function paint() {
    const isDark = options.theme === "auto" ? dark.matches : options.theme === "dark";
    const fill = options.color ?? (isDark ? "#6cc3ad" : "#1d5c4f");
    const [red, green, blue] = [1, 3, 5].map((at) => (parseInt(fill.slice(at, at + 2), 16) / 255) ** 2.2);
    const ink = 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
    for (const [name, value] of Object.entries({ fill, ink, paper: isDark ? "#16191f" : "#fff" })) host.style.setProperty(`--${name}`, value);
  }

  function show() {
    panel.classList.toggle("open", isOpen);
    launcher.setAttribute("aria-expanded", String(isOpen));
    launcher.setAttribute("aria-label", texts()[0] + (unread ? ` (${unread})` : ""));
    path.setAttribute("d", isOpen ? CHEVRON : SPEECH);
    badge.textContent = unread > 9 ? "9+" : String(unread);
    badge.hidden = !unread || isOpen;
    const title = unread ? `(${unread}) ${plainTitle()}` : plainTitle();
    if (document.title !== title) document.title = title;
    fitKeyboard();
  }

  /** The page's own title, without the count that we put before it. */
  function plainTitle() {
    return document.title.replace(/^\(\d+\) /, "");
  }

  /** On a phone the keyboard covers half of the window; stay in the half that is left. */
  function fitKeyboard() {
    const view = window.visualViewport;
    const isFull = isOpen && narrow.matches && view;
    panel.style.height = isFull ? `${view.height}px` : "";
    panel.style.top = isFull ? `${view.offsetTop}px` : "";
  }

  function load() {
    if (iframe) return;
    lost.hidden = true;
    iframe = element("iframe", { title: options.title ?? "Chat", src: `${desk.href}widget/frame?origin=${encodeURIComponent(location.origin)}` });
    panel.append(iframe);
    helloTimer = setTimeout(() => {
      iframe.remove();
      iframe = null;
      lost.hidden = false;
      lost.textContent = texts()[1];
    }, HELLO_WAIT_MS);
  }

  function setOpen(wanted, wantsFocus = true) {
    if (wanted === isOpen) return;
    [isOpen, takesFocus] = [wanted, wantsFocus];
    tab.save({ isOpen });
    show();
    if (isOpen) {
      opener = document.activeElement;
      load();
      tell("open", { takesFocus });
    } else {
      tell("closed");
      (opener?.isConnected && opener !== document.body && opener !== host ? opener : launcher).focus();
    }
    emit(isOpen ? "open" : "close");
  }

  function tell(type, fields) {
    if (panel.classList.contains("live")) iframe?.contentWindow?.postMessage({ ...fields, type: PREFIX + type }, desk.origin);
  }

  function receive({ source, origin, data }) {
    if (!iframe || source !== iframe.contentWindow || origin !== desk.origin) return;
    const type = String(data?.type);
    if (type.startsWith(PREFIX)) RECEIVED[type.slice(PREFIX.length)]?.(data);
  }

  function emit(name, detail) {
    for (const act of listeners[name] ?? []) {
      try {
        act(detail);
      } catch (error) {
        console.error(error);
      }
    }
  }

  function page() {
    return { url: location.href, title: plainTitle(), referrer: document.referrer };
  }

  /** Pages that change without loading: tell the desk, and stay when the whole body was exchanged. */
  function followPage() {
    if (!host.isConnected) document.body?.append(host);
    if (location.href === lastUrl) return;
    lastUrl = location.href;
    tell("page", { page: page() });
  }
})();
