/** The DOM of one line of the log. `buildItem` makes it once, `update` changes it in place, so that focus and live regions stay calm. */

import { h, icon, setText } from "./dom.js";
import { safeAddress, safeFragment, setLink } from "./safe_html.js";
import { fill } from "./texts.js";

/** With brackets in pairs, as in `/wiki/Mail_(late)`; a bracket around it, or the end of a sentence, is not part of it. */
const ADDRESS = /https?:\/\/(?:[^\s<>"'()]|\([^\s<>"'()]*\))*(?:[^\s<>"'.,;:!?()\]]|\([^\s<>"'()]*\))/g;

/**
 * @param {ReturnType<typeof import("./timeline.js").timeline>[number]} item
 * @param {{texts: Record<string, string>, time: (at: number) => string, day: (at: number) => string}} words
 * @returns {{node: HTMLElement, update: (item: object) => void}}
 */
export function buildItem(item, words) {
  const built = BUILDERS[item.kind](item, words);
  built.update(item);
  return built;
}

/** Text with its addresses as links; everything else stays text. */
export function linked(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    parts.push(text.slice(at, match.index), setLink(h("a", {}, match[0]), match[0]));
    at = match.index + match[0].length;
  }
  return [...parts, text.slice(at)];
}

const BUILDERS = {
  day: (item, { day }) => ({ node: h("p", { class: "bt-day" }, day(item.at)), update() {} }),
  notice: buildNotice,
  message: buildMessage,
  card: buildCard,
  options: buildOptions,
};

function buildNotice(item, { texts }) {
  const node = h("p", { class: "bt-notice", dir: "auto" }, item.text ?? fill(texts[item.say], item.values));
  const button = h("button", { type: "button", class: "bt-link", "data-do": "rating" }, texts.rate);
  if (item.offersRating !== undefined) node.append(" ", button);
  return { node, update: ({ offersRating }) => (button.hidden = !offersRating) };
}

/** A bubble with its author above and its time below; cards and options put their own parts in between. */
function buildShell(item, { texts, time }, text, ...parts) {
  const name = item.side === "visitor" ? texts.you : (item.name ?? texts.assistant);
  const meta = h("p", { class: "bt-meta", "aria-live": "off" });
  const node = h(
    "div",
    {},
    h("p", { class: item.side === "visitor" ? "bt-hidden" : "bt-author" }, name),
    text ? h("p", { class: "bt-bubble", dir: "auto" }, ...linked(text)) : null,
    ...parts,
    meta,
  );
  const update = ({ side, isFirst, isLast, status, key, at }) => {
    node.className = `bt-item bt-item--${side === "visitor" ? "own" : "other"}`;
    node.classList.toggle("bt-item--first", isFirst);
    node.classList.toggle("bt-item--last", isLast);
    node.classList.toggle("bt-item--waiting", status === "sending" || status === "queued");
    const isQuiet = !status || status === "sent";
    meta.hidden = isQuiet && !isLast;
    meta.classList.toggle("bt-meta--failed", status === "failed");
    meta.setAttribute("aria-live", status === "failed" ? "polite" : "off");
    setText(meta, isQuiet ? time(at) : texts[status]);
    if (status === "failed") meta.append(" ", h("button", { type: "button", class: "bt-link", "data-do": "retry", "data-key": key }, texts.retry));
  };
  return { node, update };
}

function buildMessage(item, words) {
  const offer = h("button", { type: "button", class: "bt-choice", "data-do": "person", hidden: true }, icon("person"), words.texts.person);
  const skip = h("button", { type: "button", class: "bt-small bt-skip", "data-do": "skip", hidden: true });
  const shell = buildShell(item, words, item.text, ...(item.side === "visitor" ? [] : [offer, skip]));
  const update = (next) => {
    shell.update(next);
    offer.hidden = !next.offersPerson;
    skip.hidden = !next.skipText;
    skip.dataset.text = next.skipText ?? "";
    setText(skip, next.skipText ?? "");
  };
  return { node: shell.node, update };
}

function buildCard(item, words) {
  const { texts } = words;
  const { seq, body } = item.event;
  const passage = h("div", { class: "bt-passage", dir: "auto" }, safeFragment(body.passage.html, safeAddress(body.article.url) ?? undefined));
  const feedback = h("div", { class: "bt-feedback", role: "group", "aria-label": texts.helped });
  const card = h(
    "article",
    { class: "bt-card" },
    h("p", { class: "bt-source" }, icon("page"), texts.article),
    h("h2", { class: "bt-card-title", dir: "auto" }, body.article.title),
    passage,
    articleLink({ class: "bt-read" }, body.article.url, texts, texts.read, icon("out")),
    feedback,
  );
  const shell = buildShell(item, words, body.text, card);
  let shown;
  const update = (next) => {
    shell.update(next);
    if (shown === next.helpful) return;
    shown = next.helpful;
    fillFeedback(feedback, { seq, helpful: next.helpful, texts });
  };
  return { node: shell.node, update };
}

function articleLink(attributes, address, texts, ...children) {
  return setLink(h("a", attributes, ...children, h("span", { class: "bt-hidden" }, ` ${texts.newTab}`)), address);
}

/** Two buttons, or afterwards one quiet line that takes over the focus. */
function fillFeedback(box, { seq, helpful, texts }) {
  const hadFocus = box.contains(document.activeElement);
  if (helpful === null) {
    const button = (isYes) =>
      h("button", { type: "button", class: "bt-small", "data-do": "feedback", "data-seq": seq, "data-helpful": String(isYes) }, isYes ? texts.yes : texts.no);
    box.replaceChildren(h("span", {}, texts.helped), button(true), button(false));
    return;
  }
  const line = h("p", { class: "bt-quiet", tabindex: "-1" }, helpful ? icon("check") : null, helpful ? texts.helpedYes : texts.helpedNo);
  box.replaceChildren(line);
  if (hadFocus) line.focus();
}

/** Buttons while the question stands; afterwards plain links, so that nothing offered is lost. */
function buildOptions(item, words) {
  const { seq, body } = item.event;
  const list = h("div", { class: "bt-options" });
  const shell = buildShell(item, words, body.text, list);
  let shown;
  const update = (next) => {
    shell.update(next);
    const look = next.isOpen ? "open" : (next.choice ?? "over");
    if (look === shown) return;
    shown = look;
    const option = ({ slug, title, url }) =>
      next.isOpen
        ? h("button", { type: "button", class: "bt-choice", dir: "auto", "data-do": "choose", "data-seq": seq, "data-slug": slug }, title)
        : articleLink({ class: "bt-past", dir: "auto" }, url, words.texts, title);
    list.replaceChildren(...body.options.filter(({ slug }) => slug !== next.choice).map(option));
  };
  return { node: shell.node, update };
}
