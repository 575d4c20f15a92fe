/** The brief: what an operator must know before the first word, without scrolling through the transcript. */
import { el, fill } from "../shared/dom.js";
import { icon } from "../shared/icon.js";
import { describeZone, languageName } from "../shared/time.js";
import { showWait } from "./lists_region.js";
import { buildProbability, buildReaction } from "./transcript_view.js";
import { explainReason, findSearchWords, formatShare, nameIntent, namePage, nameVisitor, shortenUrl } from "./words.js";

const ASKED_SHOWN_MAX = 8;

/** @param {HTMLElement} root @param {{commands: object, store: object, now: () => number}} desk */
export function mountBrief(root, { commands, store, now }) {
  let shown = [];
  root.addEventListener("click", (event) => {
    const question = event.target.closest("[data-search]")?.dataset.search;
    if (question) commands.search(question, store.state.conversations.get(store.state.selected_id)?.visitor?.language ?? null);
  });
  return {
    render(state) {
      const summary = state.conversations.get(state.selected_id);
      const brief = state.briefs.get(state.selected_id);
      const inputs = [summary?.conversation_id, summary?.visitor, summary?.page, summary?.reason, summary?.phase, brief];
      if (inputs.every((input, index) => input === shown[index]) && shown.length) return;
      shown = inputs;
      fill(root, summary ? buildBrief(summary, brief, now()) : el("p", { class: "side__empty", text: "The brief of the chosen chat stands here." }));
    },
    tick() {
      for (const cell of root.querySelectorAll("[data-zone]")) showLocalTime(cell, now());
      for (const cell of root.querySelectorAll("[data-wait-from]")) showWait(cell, now());
    },
  };
}

function buildBrief(summary, brief, at) {
  return [
    buildReason(summary, brief, at),
    section("Visitor", buildFacts(summary, brief, at)),
    brief && Object.keys(brief.slots).length ? section("They told the form", buildSlots(brief.slots)) : null,
    brief && section("They asked", buildAsked(brief.asked)),
    brief && section("Articles tried", buildArticles(brief.articles)),
    brief?.unanswered.length ? section("Could not be answered", buildUnanswered(brief.unanswered)) : null,
    !brief && el("p", { class: "side__empty", text: "Reading the brief…" }),
  ];
}

function buildReason(summary, brief, at) {
  const reason = brief?.reason ?? summary.reason;
  if (!reason) return null;
  const isLive = summary.phase === "queue";
  return el("div", { class: ["reason", isLive && "reason--live"] }, icon("bell", 15),
    el("p", { class: "reason__text", text: brief?.reason_text || explainReason(reason) }), isLive && buildWait(summary, at));
}

function buildWait(summary, at) {
  const cell = el("span", { class: "wait", dataset: { waitFrom: summary.queued_at ?? summary.started_at } });
  showWait(cell, at);
  return cell;
}

function buildFacts(summary, brief, at) {
  const visitor = brief?.visitor ?? summary.visitor;
  const page = brief?.page ?? summary.page;
  const words = page ? findSearchWords(page.referrer) : "";
  const earlier = brief?.visitor.earlier_chats;
  const facts = [
    ["Name", visitor.name ? visitor.name : el("span", { class: "bt-soft", text: `not given (${nameVisitor(summary)})` })],
    visitor.email && ["E-mail", el("a", { href: `mailto:${visitor.email}`, text: visitor.email })],
    visitor.language && ["Language", languageName(visitor.language)],
    visitor.timezone && ["Local time", buildLocalTime(visitor.timezone, at)],
    page && ["Page", el("a", { href: page.url, target: "_blank", rel: "noopener noreferrer", title: page.url, text: namePage(page) })],
    page?.referrer && ["Came from", el("span", { title: page.referrer, text: shortenUrl(page.referrer) })],
    words && ["Searched for", `“${words}”`],
    earlier !== undefined && ["Earlier chats", earlier ? String(earlier) : "none"],
    brief?.notes ? ["Notes", String(brief.notes)] : null,
  ];
  return el("dl", { class: "facts" }, facts.filter(Boolean).map(([name, value]) => [el("dt", { text: name }), el("dd", null, value)]));
}

function buildLocalTime(timezone, at) {
  const cell = el("span", { dataset: { zone: timezone }, title: timezone });
  showLocalTime(cell, at);
  return cell;
}

function showLocalTime(cell, at) {
  const zone = describeZone(cell.dataset.zone, at);
  const text = zone ? [`${zone.day} ${zone.clock}`, zone.offset].filter(Boolean).join(", ") : cell.dataset.zone;
  if (cell.textContent !== text) cell.textContent = text;
}

const SLOTS = { what_happened: "What happened", since_when: "Since when", email: "E-mail" };

function buildSlots(slots) {
  const facts = Object.entries(slots).map(([name, text]) => [SLOTS[name] ?? nameIntent(name), text]);
  return el("dl", { class: "facts" }, facts.map(([name, text]) => [el("dt", { text: name }), el("dd", { dir: "auto", text })]));
}

function buildAsked(asked) {
  if (!asked.length) return el("p", { class: "side__none", text: "Nothing yet." });
  const shownOnes = asked.slice(-ASKED_SHOWN_MAX);
  return el("ol", { class: "asked" }, shownOnes.map((question) =>
    el("li", { class: "asked__item" },
      el("p", { class: "asked__text", dir: "auto", text: question.text }),
      el("div", { class: "asked__foot" },
        question.intent && el("span", { class: "bt-soft" }, `${nameIntent(question.intent)} `, el("span", { class: "number", text: formatShare(question.confidence) })),
        el("button", { class: "link-button asked__search", type: "button", dataset: { search: question.text }, "aria-label": `Find articles for: ${question.text.slice(0, 60)}` },
          icon("search", 12), "Find articles")))));
}

function buildArticles(articles) {
  if (!articles.length) return el("p", { class: "side__none", text: "The bot showed none." });
  return el("ul", { class: "tried" }, articles.map((article) =>
    el("li", { class: "tried__item" },
      el("a", { class: "tried__title", href: article.url, target: "_blank", rel: "noopener", text: article.title }),
      el("div", { class: "tried__foot" }, el("span", { class: "bt-soft", text: `revision ${article.revision}` }), buildProbability(article.probability), buildReaction(article.reaction)))));
}

function buildUnanswered(unanswered) {
  return el("ul", { class: "asked" }, unanswered.map(({ question, candidates }) =>
    el("li", { class: "asked__item" },
      el("p", { class: "asked__text", text: question }),
      candidates?.length ? el("p", { class: "asked__near bt-soft" }, "Closest: ", candidates.map((candidate) => candidate.title).join(" · ")) : null)));
}

function section(title, ...children) {
  return el("section", { class: "side__part" }, el("h3", { class: "side__title", text: title }), children);
}
