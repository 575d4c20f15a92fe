/** What the bot could not answer: the list from which the next articles come. */
import { el, fill } from "../shared/dom.js";
import { formatAgo, formatMoment, languageName } from "../shared/time.js";
import { dismissQuestion, labelQuestion, loadQuestions } from "./lists.js";
import { buildArticleHash, buildNewHash } from "./route.js";
import { canWrite } from "./state.js";
import { formatProbability } from "./words.js";

/** @param {HTMLElement} root @param {import("./lists.js").Bench} bench */
export function mountQuestionsPane(root, bench) {
  let shown = null;
  const retry = el("button", {
    type: "button",
    class: "bt-button",
    text: "Try again",
    on: { click: () => loadQuestions(bench) },
  });

  return {
    render(state) {
      if (shown?.questions === state.questions && shown?.operator === state.operator) return;
      shown = state;
      const { phase, items, message } = state.questions;
      if (phase === "failed") {
        fill(
          root,
          el(
            "div",
            { class: "ed-empty" },
            el("p", { class: "ed-empty__title", text: "The questions could not be loaded" }),
            el("p", { text: message }),
            retry,
          ),
        );
      } else if (items.length > 0) {
        const place = document.activeElement?.closest?.(".ed-question");
        const index = place ? [...(place.parentElement?.children ?? [])].indexOf(place) : -1;
        fill(
          root,
          el("p", { class: "ed-list__lead", text: "What visitors asked and the bot could not answer. Newest first." }),
          el(
            "ul",
            { class: "ed-questions", "aria-label": "Unanswered questions" },
            items.map((item) => buildQuestion(item, state, bench)),
          ),
        );
        if (index >= 0) focusQuestion(root, Math.min(index, items.length - 1));
      } else if (phase === "ready") {
        fill(
          root,
          el(
            "div",
            { class: "ed-empty" },
            el("p", { class: "ed-empty__title", text: "Nothing is waiting" }),
            el("p", {
              text: "The bot found an answer to everything it was asked. New questions turn up here by themselves.",
            }),
          ),
        );
      } else {
        fill(root, el("p", { class: "ed-list__lead", text: "Loading…" }));
      }
    },
  };
}

function buildQuestion(item, state, bench) {
  const { question, language, times, asked_at: askedAt, best } = item;
  const asked = times === 1 ? "Asked once" : `Asked ${times} times`;
  return el(
    "li",
    { class: "ed-question" },
    el("p", { class: "ed-question__text", lang: language, text: question }),
    el(
      "p",
      { class: "ed-question__meta" },
      el("span", { class: times > 2 ? "ed-question__often" : null, text: asked }),
      el("span", { title: formatMoment(askedAt), text: formatAgo(askedAt, bench.now()) }),
      language && el("span", { text: languageName(language) }),
    ),
    best &&
      el(
        "p",
        { class: "ed-question__best" },
        "Nearest: ",
        el("a", { href: buildArticleHash(best), text: best.title }),
        el("span", { class: "ed-question__sure", text: formatProbability(best.probability) }),
      ),
    best && canWrite(state) && buildLabel(item, bench),
    canWrite(state) &&
      el(
        "div",
        { class: "ed-question__actions" },
        el("a", {
          class: "bt-button ed-question__write",
          href: buildNewHash({ question, language }),
          text: "Write an article",
        }),
        best &&
          el("a", {
            class: "bt-button",
            href: buildArticleHash(best, { phrasing: question }),
            title: `Add this question to the phrasings of “${best.title}”`,
            text: "Add to it",
          }),
        el("button", {
          type: "button",
          class: "bt-button bt-button--quiet",
          "aria-label": `Dismiss: ${question}`,
          text: "Dismiss",
          on: { click: () => dismissQuestion(bench, question) },
        }),
      ),
  );
}

/** "Is it the answer?": what editors say here teaches the bot how sure it may be. */
function buildLabel(item, bench) {
  const buildAnswer = (text, isRight) =>
    el("button", {
      type: "button",
      class: "ed-question__answer",
      "aria-pressed": String(item.isRight === isRight),
      text,
      on: { click: () => labelQuestion(bench, item, isRight) },
    });
  return el(
    "div",
    { class: "ed-question__label", role: "group", "aria-label": `Is “${item.best.title}” the answer?` },
    el("span", { text: item.isRight === undefined ? "Is it the answer?" : "Noted, thank you:" }),
    buildAnswer("Yes", true),
    buildAnswer("No", false),
  );
}

function focusQuestion(root, index) {
  root.querySelectorAll(".ed-question")[index]?.querySelector("a, button")?.focus();
}
