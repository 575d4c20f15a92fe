/** "Try a question": what the bot would answer at this moment, from what is published. */
import { el, fill } from "../shared/dom.js";
import { checkPhrasings, tryQuestion } from "./checking.js";
import { buildArticleHash } from "./route.js";
import { VERDICTS, formatProbability } from "./words.js";

const OUTCOMES = {
  waiting: { label: "…", kind: "soft" },
  answered: { label: "Answered", kind: "good" },
  offered: { label: "Offered", kind: "wait" },
  other: { label: "Other article", kind: "alert" },
  missed: { label: "Not found", kind: "alert" },
  failed: { label: "Failed", kind: "soft" },
};

/** @param {HTMLElement} root @param {import("./lists.js").Bench} bench */
export function mountTrialPanel(root, bench) {
  const input = el("input", {
    class: "bt-input",
    type: "text",
    id: "trial-question",
    maxlength: "2000",
    placeholder: "As a visitor would ask",
    autocomplete: "off",
    required: true,
  });
  const ask = el("button", { type: "submit", class: "bt-button", text: "Ask" });
  const form = el(
    "form",
    { class: "ed-trial__form" },
    el("label", { class: "ed-section__title", for: "trial-question", text: "Try a question" }),
    el("div", { class: "ed-trial__row" }, input, ask),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) tryQuestion(bench, input.value.trim());
  });
  const result = el("div", { class: "ed-trial__result", "aria-live": "polite" });
  const checks = el("div", { class: "ed-trial__checks" });
  fill(
    root,
    form,
    el("p", {
      class: "ed-section__hint",
      text: "Asks the bot's search as it is now. Changes count once they are published; nothing is logged.",
    }),
    result,
    checks,
  );
  const choose = (phrasing) => {
    input.value = phrasing;
    tryQuestion(bench, phrasing);
  };
  let shown = null;
  let shownChecks = "";

  return {
    render(state) {
      const { trial, draft } = state;
      if (shown !== trial || root.dataset.key !== draft?.key) {
        if (trial.phase === "idle") input.value = "";
        shown = trial;
        root.dataset.key = draft?.key ?? "";
        fill(result, buildResult(trial, draft));
      }
      const look = JSON.stringify([draft?.key, draft?.fields.phrasings, trial.checks]);
      if (look === shownChecks) return;
      shownChecks = look;
      fill(checks, draft ? buildChecks(state, bench, choose) : []);
    },
  };
}

function buildResult(trial, draft) {
  if (trial.phase === "loading") return el("p", { class: "bt-soft", text: "Asking…" });
  if (trial.phase === "failed") return el("p", { class: "bt-error", text: trial.message });
  if (trial.phase !== "ready") return [];
  const { verdict, results } = trial.answer;
  const { label, text, kind } = VERDICTS[verdict];
  return [
    el(
      "div",
      { class: ["ed-verdict", `ed-verdict--${kind}`] },
      el("span", { class: ["ed-standing", `ed-standing--${kind}`], text: label }),
      el("span", { text }),
    ),
    results.length > 0
      ? el(
          "ol",
          { class: "ed-results" },
          results.map((item, index) => buildHit(item, draft, index < countUsed(verdict))),
        )
      : el("p", { class: "bt-soft", text: "No article comes near." }),
  ];
}

function countUsed(verdict) {
  return { answer: 1, clarify: 3, unsure: 0 }[verdict] ?? 0;
}

function buildHit(hit, draft, isUsed) {
  const isThis = hit.slug === draft?.fields.slug && hit.language === draft?.fields.language;
  const sure = formatProbability(hit.probability);
  const part = el("span", { class: "ed-meter__part" });
  part.style.inlineSize = `${Math.round(hit.probability * 100)}%`;
  return el(
    "li",
    { class: ["ed-hit", isUsed && "ed-hit--used"] },
    el(
      "p",
      { class: "ed-hit__title" },
      el("a", { href: buildArticleHash(hit), text: hit.title, lang: hit.language }),
      isThis && el("span", { class: "bt-tag", text: "this one" }),
    ),
    el(
      "p",
      { class: "ed-hit__sure" },
      el("span", { class: "ed-meter", "aria-hidden": "true" }, part),
      el("span", { text: `${sure} sure` }),
    ),
    hit.passage?.text &&
      el(
        "p",
        { class: "ed-hit__text", lang: hit.language },
        hit.passage.heading && el("strong", { text: `${hit.passage.heading}  ` }),
        hit.passage.text,
      ),
  );
}

function buildChecks({ draft, trial }, bench, choose) {
  const phrasings = draft.fields.phrasings.filter((phrasing) => phrasing.trim());
  if (phrasings.length === 0 || draft.article === null) return [];
  const isRunning = trial.checks?.some((check) => check.outcome === "waiting") ?? false;
  const outcomes = new Map((trial.checks ?? []).map((check) => [check.phrasing, check]));
  return [
    el(
      "div",
      { class: "ed-trial__head" },
      el("h2", { class: "ed-section__title", text: "Example phrasings" }),
      el("button", {
        type: "button",
        class: "bt-button",
        disabled: isRunning,
        text: isRunning ? "Checking…" : "Check all",
        on: { click: () => checkPhrasings(bench) },
      }),
    ),
    el(
      "ul",
      { class: "ed-checks" },
      phrasings.map((phrasing) => buildCheck(phrasing, outcomes.get(phrasing), choose)),
    ),
  ];
}

function buildCheck(phrasing, check, choose) {
  const outcome = check ? OUTCOMES[check.outcome] : null;
  return el(
    "li",
    { class: "ed-check" },
    el(
      "button",
      { type: "button", class: "ed-check__ask", title: "Ask this", on: { click: () => choose(phrasing) } },
      phrasing,
    ),
    outcome && el("span", { class: ["ed-standing", `ed-standing--${outcome.kind}`], text: outcome.label }),
  );
}
