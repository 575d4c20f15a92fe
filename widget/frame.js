/** Entry of the chat window: meets the embedding page, then joins chat and view. */

import { Chat } from "./chat.js";
import { accentPalette } from "./colour.js";
import { HostLink } from "./host_link.js";
import { chooseLanguage, loadTexts } from "./texts.js";
import { timeline } from "./timeline.js";
import { View } from "./view.js";

/** Short enough to feel immediate, long enough to draw a burst of history once. */
const RENDER_WAIT_MS = 16;

const root = document.querySelector("[data-part=chat]");
const darkness = matchMedia("(prefers-color-scheme: dark)");
let app = null;

const link = new HostLink(new URLSearchParams(location.search).get("origin") ?? "", (type, message) => {
  if (type === "start") app ??= startApp(message);
  else app?.then((started) => started[type]?.(message));
});
link.tell("hello");

async function startApp({ options, visitor, isOpen: isOpenAtStart, ...start }) {
  let isOpen = isOpenAtStart;
  const wanted = [options.language, ...navigator.languages].filter(Boolean);
  const language = chooseLanguage(wanted);
  const texts = await loadTexts(language);
  const greeting = options.greeting || texts.greeting;
  const title = options.title || texts.title;
  document.documentElement.lang = language;

  const act = (name, values) => ACTIONS[name](values);
  const view = new View({ root, texts, language, title, greeting, act });
  const drawSoon = batched(() => chat && view.render(chat.state), RENDER_WAIT_MS);
  let chat = null;
  // The desk is told the language asked for, which may be one that the window itself has no words in.
  chat = new Chat({ link, start, language: (wanted[0] ?? "en").split("-")[0].toLowerCase(), onChange: drawSoon });

  const ACTIONS = {
    post: ({ text }) => chat.submit("post", { text }) && keepDraft(""),
    draft: ({ text }) => {
      keepDraft(text);
      chat.noteTyping(!text);
    },
    feedback: ({ seq, helpful }) => chat.submit("feedback", { seq: Number(seq), helpful: helpful === "true" }),
    choose: ({ seq, slug }) => chat.submit("choose", { seq: Number(seq), slug }),
    person: () => {
      if (chat.state.panel === "menu") chat.showPanel("menu");
      if (chat.submit("ask_person", {})) view.focus();
    },
    skip: ({ text }) => chat.submit("post", { text }) && view.focus(),
    leave_contact: (values) => chat.submit("leave_contact", values),
    rate: (values) => chat.submit("rate", values) && chat.state.panel && chat.showPanel(null),
    retry: ({ key }) => chat.retry(key),
    menu: () => chat.showPanel("menu"),
    rating: () => chat.state.panel !== "rating" && chat.showPanel("rating"),
    not_now: () => {
      chat.showPanel(null);
      view.focus();
    },
    save: () => {
      chat.showPanel(null);
      saveTranscript(timeline(chat.state), title, texts);
    },
    resume: () => chat.resume(),
    close: () => link.tell("close"),
  };

  function keepDraft(draft) {
    link.tell("keep", { draft });
    return true;
  }
  const noteVisible = () => chat.setVisible(isOpen && document.visibilityState === "visible");
  const paint = () => setColours(options, darkness.matches);

  view.draft = start.draft ?? "";
  if (visitor) view.suggestVisitor(visitor);
  paint();
  noteVisible();
  darkness.addEventListener("change", paint);
  window.addEventListener("online", () => chat.wake());
  document.addEventListener("visibilitychange", () => {
    noteVisible();
    if (document.visibilityState === "visible") chat.wake();
  });

  return {
    open({ takesFocus }) {
      isOpen = true;
      noteVisible();
      if (takesFocus) view.focus();
    },
    closed() {
      isOpen = false;
      noteVisible();
    },
    page: ({ page }) => chat.movePage(page),
    visitor: ({ visitor: known }) => view.suggestVisitor(known),
    reset() {
      view.draft = "";
      chat.reset();
    },
  };
}

function setColours({ color, theme }, isDark) {
  const chosen = theme === "auto" || !theme ? (isDark ? "dark" : "light") : theme;
  const palette = accentPalette(color, chosen);
  const { style, dataset } = document.documentElement;
  dataset.theme = chosen;
  for (const [name, value] of Object.entries(palette)) style.setProperty(`--bt-accent-${name}`, value);
}

function batched(act, wait_ms) {
  let isPlanned = false;
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    setTimeout(() => {
      isPlanned = false;
      act();
    }, wait_ms);
  };
}

/** The visitor's own copy, as plain text. */
function saveTranscript(items, title, texts) {
  const lines = items.flatMap(({ kind, side, name, text, at, event }) => {
    const said = text ?? [event?.body.text, event?.body.article?.title, event?.body.passage?.text].filter(Boolean).join("\n");
    if (!said || kind === "notice") return [];
    return `${new Date(at * 1000).toLocaleString()}  ${side === "visitor" ? texts.you : (name ?? texts.assistant)}\n${said}\n`;
  });
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(new Blob([lines.join("\n")], { type: "text/plain" }));
  anchor.download = `${title}.txt`;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 1000);
}
