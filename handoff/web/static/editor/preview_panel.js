/** The live preview: the card that a visitor gets in the chat, or the page of the help centre. */
import { copyHtml, el, fill } from "../shared/dom.js";

const MODES = [
  { mode: "card", label: "In the chat" },
  { mode: "page", label: "As a page" },
];

/** @param {HTMLElement} root @param {import("./lists.js").Bench} bench */
export function mountPreviewPanel(root, bench) {
  const { store } = bench;
  const modes = el(
    "div",
    { class: "ed-segments", role: "group", "aria-label": "Preview" },
    MODES.map(({ mode, label }) =>
      el("button", {
        type: "button",
        class: "ed-segments__item",
        value: mode,
        text: label,
        on: { click: () => store.dispatch({ type: "preview_mode_chosen", mode }) },
      }),
    ),
  );
  const stage = el("div", { class: "ed-stage" });
  const status = el("p", {
    class: "ed-soft-line",
    hidden: true,
    text: "The preview could not be made. It is tried again when you type.",
  });
  fill(root, modes, status, stage);
  let shown = "";

  return {
    render(state) {
      const { draft, preview, previewMode } = state;
      for (const button of modes.children) button.setAttribute("aria-pressed", String(button.value === previewMode));
      status.hidden = preview.phase !== "failed";
      if (draft === null) return;
      const { title, language, phrasings } = draft.fields;
      const look = JSON.stringify([previewMode, title, language, phrasings[0], preview.html]);
      if (look === shown) return;
      shown = look;
      fill(
        stage,
        previewMode === "card" ? buildCard(draft.fields, preview.html) : buildPage(draft.fields, preview.html),
      );
    },
  };
}

function buildCard({ title, language, phrasings }, html) {
  const question = phrasings.find((phrasing) => phrasing.trim()) || title || "A question";
  return el(
    "div",
    { class: "ed-chat", lang: language },
    el("p", { class: "ed-chat__visitor", dir: "auto", text: question }),
    el(
      "div",
      { class: "ed-chat__card", dir: "auto" },
      el("p", { class: "ed-chat__title", text: title || "Untitled" }),
      el("div", { class: "help-prose ed-chat__passage" }, takeFirstPassage(copyHtml(html))),
      el("p", { class: "ed-chat__more", text: "Read the whole article" }),
    ),
    el(
      "p",
      { class: "ed-chat__ask", lang: "en" },
      "Did this help?",
      el("span", { class: "ed-chat__reply", text: "Yes" }),
      el("span", { class: "ed-chat__reply", text: "No" }),
    ),
  );
}

function buildPage({ title, language }, html) {
  const content = copyHtml(html);
  const isEmpty = content.childNodes.length === 0;
  return el(
    "article",
    { class: "ed-page", lang: language, dir: "auto", tabindex: "-1" },
    el("p", { class: "ed-page__title", role: "heading", "aria-level": "2", text: title || "Untitled" }),
    isEmpty
      ? el("p", { class: "bt-soft", lang: "en", text: "Nothing written yet." })
      : el("div", { class: "help-prose" }, content),
  );
}

/**
 * What a search would send first: up to the second heading, or to the first where text stands above it.
 * @param {DocumentFragment} content
 */
export function takeFirstPassage(content) {
  const passage = document.createDocumentFragment();
  let hasText = false;
  for (const node of [...content.childNodes]) {
    const isHeading = /^H[1-6]$/.test(node.nodeName);
    if (isHeading && hasText) break;
    passage.append(node);
    if (!isHeading && node.textContent?.trim()) hasText = true;
  }
  if (!hasText) passage.append(el("p", { class: "bt-soft", text: "Nothing written yet." }));
  return passage;
}
