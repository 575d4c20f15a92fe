/** Draws transcript items as elements. Words of visitors and staff only ever go through textContent. */
import { copyHtml, el } from "../shared/dom.js";
import { icon } from "../shared/icon.js";
import { formatClock, formatDay, formatMoment } from "../shared/time.js";
import { formatShare, nameIntent } from "./words.js";

const LINK = /https?:\/\/[^\s<>"'“”]+/g;
const TRAILING = /[.,;:!?)\]]+$/; // punctuation after an address belongs to the sentence
const SIDE_NAMES = { bot: "Bot", operator: "You" };

/** @param {object} item  from transcript_items @param {{now: number, visitor_name: string}} context @returns {HTMLLIElement} */
export function buildItem(item, context) {
  const element = BUILDERS[item.type](item, context);
  if (item.at && item.type !== "day") element.title = formatMoment(item.at);
  return element;
}

const BUILDERS = {
  day: (item, { now }) => el("li", { class: "day" }, el("span", { text: formatDay(item.at, now) })),
  bubble: buildBubble,
  note: buildNote,
  article: buildArticle,
  options: buildOptions,
  contact: buildContact,
  system: buildSystem,
};

function buildBubble(item, context) {
  return el(
    "li",
    { class: ["turn", `turn--${item.side}`, item.is_first && "turn--first", item.status === "failed" && "turn--failed"] },
    item.is_first && buildByline(item, context),
    el("div", { class: "bubble", dir: "auto" }, linkify(item.text)),
    item.intent && buildIntent(item.intent),
    item.status !== "sent" && buildDelivery(item),
  );
}

function buildByline(item, { visitor_name }) {
  const name = item.side === "visitor" ? visitor_name : item.side === "operator" && !item.is_mine ? item.name : SIDE_NAMES[item.side];
  return el(
    "div",
    { class: "turn__by" },
    item.side === "bot" && icon("bot", 13),
    el("span", { class: "turn__name", text: name }),
    el("time", { class: "turn__time", datetime: isoTime(item.at), text: formatClock(item.at) }),
  );
}

function buildIntent({ intent, confidence }) {
  const share = formatShare(confidence);
  return el("div", { class: "turn__meta", title: "What the bot understood, and how surely" }, `understood: ${nameIntent(intent)}${share && ` · ${share}`}`);
}

function buildDelivery(item) {
  if (item.status !== "failed") return el("div", { class: "turn__meta turn__meta--pending" }, icon("clock", 12), item.status === "pending" ? "Sending…" : "Sent");
  return el(
    "div",
    { class: "turn__meta turn__meta--failed" },
    icon("alert", 12),
    el("span", { text: `Not sent. ${item.reason ?? ""}` }),
    el("button", { class: "link-button", type: "button", text: "Try again", dataset: { do: "retry", client_id: item.client_id } }),
    el("button", { class: "link-button", type: "button", text: "Discard", dataset: { do: "drop", client_id: item.client_id } }),
  );
}

function buildNote(item) {
  return el(
    "li",
    { class: ["note", item.status === "failed" && "turn--failed"] },
    el("div", { class: "note__by" }, icon("note", 13), el("span", { class: "turn__name", text: `${item.name} · note` }),
      el("span", { class: "note__hint", text: "Only staff see this" }), el("time", { class: "turn__time", datetime: isoTime(item.at), text: formatClock(item.at) })),
    el("div", { class: "note__text", dir: "auto" }, linkify(item.text)),
    item.status !== "sent" && buildDelivery(item),
  );
}

function buildArticle(item, context) {
  const { article, passage } = item;
  return el(
    "li",
    { class: ["turn", "turn--bot", item.is_first && "turn--first"] },
    item.is_first && buildByline(item, context),
    el(
      "div",
      { class: "card" },
      item.lead && el("p", { class: "card__lead", dir: "auto", text: item.lead }),
      el("div", { class: "card__head" }, icon("article", 14),
        el("a", { class: "card__title", href: article.url, target: "_blank", rel: "noopener", text: article.title }),
        buildProbability(item.probability)),
      passage && buildPassage(passage),
      el("div", { class: "card__foot" }, buildReaction(item.reaction), el("span", { class: "bt-soft", text: `revision ${article.revision}` })),
    ),
  );
}

function buildPassage(passage) {
  return el("details", { class: "passage" },
    el("summary", { class: "passage__summary" }, passage.heading ? `Passage: ${passage.heading}` : "Passage"),
    el("div", { class: "prose" }, passage.html ? copyHtml(passage.html) : passage.text));
}

/** A share of certainty as a small bar with its number. */
export function buildProbability(probability, label = "probability that this answers") {
  if (typeof probability !== "number") return null;
  const fill = el("span", { class: "share__fill" });
  fill.style.inlineSize = `${Math.round(Math.min(1, Math.max(0, probability)) * 100)}%`;
  return el("span", { class: "share", title: `${formatShare(probability)} ${label}` },
    el("span", { class: "share__bar", "aria-hidden": "true" }, fill), el("span", { class: "share__number", text: formatShare(probability) }),
    el("span", { class: "bt-visually-hidden", text: ` ${label}` }));
}

/** What the visitor made of an article. */
export function buildReaction(reaction) {
  if (reaction === "helpful") return el("span", { class: "reaction reaction--helpful" }, icon("thumb-up", 13), "Helped");
  if (reaction === "unhelpful") return el("span", { class: "reaction reaction--unhelpful" }, icon("thumb-down", 13), "Did not help");
  return el("span", { class: "reaction bt-soft", text: "No reaction" });
}

function buildOptions(item, context) {
  return el(
    "li",
    { class: ["turn", "turn--bot", item.is_first && "turn--first"] },
    item.is_first && buildByline(item, context),
    el("div", { class: "card" },
      item.lead && el("p", { class: "card__lead", dir: "auto", text: item.lead }),
      el("ul", { class: "options" }, item.options.map((option) => buildOption(option, item.chosen)))),
  );
}

function buildOption(option, chosen) {
  const isChosen = option.slug === chosen;
  return el("li", { class: ["option", isChosen && "option--chosen"] },
    el("span", { class: "option__text", text: option.title }),
    isChosen ? el("span", { class: "option__mark" }, icon("check", 13), "chosen") : buildProbability(option.probability));
}

function buildContact(item) {
  return el("li", { class: "turn turn--visitor turn--first" },
    el("div", { class: "card" },
      el("p", { class: "card__lead", text: "Left a message while nobody was there" }),
      el("dl", { class: "facts" },
        el("dt", { text: "Name" }), el("dd", { text: item.name || "not given" }),
        el("dt", { text: "E-mail" }), el("dd", null, item.email ? el("a", { href: `mailto:${item.email}`, text: item.email }) : "not given")),
      el("div", { class: "contact__text", dir: "auto" }, linkify(item.message ?? ""))));
}

function buildSystem(item) {
  return el("li", { class: ["event", `event--${item.tone ?? "calm"}`] },
    icon(item.icon, 13),
    el("span", { class: "event__text" }, item.text,
      item.detail && el("span", { class: "event__detail", text: ` · ${item.detail}`, title: item.title }),
      item.quote && el("span", { class: "event__quote", text: ` “${item.quote}”` })),
    el("time", { class: "turn__time", datetime: isoTime(item.at), text: formatClock(item.at) }));
}

/** Text with its web addresses as links that open elsewhere. @returns {(string|HTMLElement)[]} */
export function linkify(text) {
  const parts = [];
  let from = 0;
  for (const match of String(text).matchAll(LINK)) {
    const address = match[0].replace(TRAILING, "");
    parts.push(text.slice(from, match.index), el("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow", text: address }));
    from = match.index + address.length;
  }
  parts.push(String(text).slice(from));
  return parts;
}

function isoTime(at) {
  return new Date(at * 1000).toISOString();
}
