/**
 * The verbs of looking before publishing: the rendered preview, "what would the bot answer now", and the history.
 *
 * @typedef {import("./lists.js").Bench} Bench
 */

const RENDER_DELAY_MS = 300; // a pause in typing; each keystroke would render for nothing
const MAX_CHECKS = 30; // example phrasings tried in one go: each is one search of the knowledge base

/** Keeps the preview in step with the body: waits for a pause, drops answers that came too late. */
export class PreviewLoader {
  #bench;
  #timer = 0;
  #call = new AbortController();
  /** @type {string|null} */
  #wanted = null;

  /** @param {Bench} bench */
  constructor(bench) {
    this.#bench = bench;
  }

  /** Ask for a preview unless it is there or on its way. @param {import("./state.js").Draft} draft @param {boolean} isUrgent */
  want({ fields: { body }, article }, isUrgent) {
    if (this.#wanted === body) return;
    this.#wanted = body;
    clearTimeout(this.#timer);
    // what is saved came with its HTML; who may only read never needs more
    if (article?.body === body)
      queueMicrotask(() => this.#bench.store.dispatch({ type: "preview_loaded", body, html: article.html }));
    else this.#timer = setTimeout(() => this.#load(body), isUrgent ? 0 : RENDER_DELAY_MS);
  }

  close() {
    clearTimeout(this.#timer);
    this.#call.abort();
  }

  /** @param {string} body */
  async #load(body) {
    const { store, gateway } = this.#bench;
    this.#call.abort();
    this.#call = new AbortController();
    store.dispatch({ type: "preview_requested" });
    try {
      const html = body.trim() ? await gateway.render(body, store.state.draft?.fields.language || "en", this.#call.signal) : "";
      if (this.#wanted === body) store.dispatch({ type: "preview_loaded", body, html });
    } catch (error) {
      if (error.code === "aborted" || this.#wanted !== body) return;
      store.dispatch({ type: "preview_failed" });
    }
  }
}

/** Ask the bot's search as a visitor would; nothing is logged. @param {Bench} bench @param {string} question */
export async function tryQuestion({ store, gateway }, question) {
  store.dispatch({ type: "trial_started", question });
  try {
    const answer = await gateway.search(question, store.state.draft?.fields.language ?? null);
    if (store.state.trial.question === question) store.dispatch({ type: "trial_answered", answer });
  } catch (error) {
    if (store.state.trial.question === question) store.dispatch({ type: "trial_failed", message: error.message });
  }
}

/** Try every example phrasing, one after the other. @param {Bench} bench */
export async function checkPhrasings({ store, gateway }) {
  const { draft } = store.state;
  if (!draft) return;
  const phrasings = draft.fields.phrasings.filter((phrasing) => phrasing.trim()).slice(0, MAX_CHECKS);
  let checks = phrasings.map((phrasing) => ({ phrasing, outcome: "waiting", answer: null }));
  for (const [index, phrasing] of phrasings.entries()) {
    store.dispatch({ type: "checks_changed", checks });
    const done = await checkPhrasing(gateway, draft.fields, phrasing);
    if (store.state.draft?.key !== draft.key) return;
    checks = checks.with(index, { phrasing, ...done });
  }
  store.dispatch({ type: "checks_changed", checks });
}

/** @param {Bench} bench */
export async function loadHistory({ store, gateway }) {
  const article = store.state.draft?.article;
  if (!article) return;
  store.dispatch({ type: "history_requested" });
  try {
    const revisions = await gateway.listRevisions(article);
    if (store.state.draft?.article?.slug === article.slug) store.dispatch({ type: "history_loaded", revisions });
  } catch (error) {
    store.dispatch({ type: "history_failed", message: error.message });
  }
}

/** @param {Bench} bench @param {number} revision */
export async function showRevision({ store, gateway, tell }, revision) {
  const article = store.state.draft?.article;
  if (!article) return;
  try {
    store.dispatch({ type: "revision_shown", revision: await gateway.readRevision(article, revision) });
  } catch (error) {
    tell(error.message, "alert");
  }
}

/** Would the bot answer this phrasing from this article? */
async function checkPhrasing(gateway, fields, phrasing) {
  try {
    const answer = await gateway.search(phrasing, fields.language);
    const place = answer.results.findIndex((result) => result.slug === fields.slug);
    return { outcome: chooseOutcome(answer.verdict, place), answer };
  } catch {
    return { outcome: "failed", answer: null }; // shown as such beside the phrasing
  }
}

/** @param {string} verdict @param {number} place @returns {"answered"|"offered"|"other"|"missed"} */
export function chooseOutcome(verdict, place) {
  if (verdict === "answer") return place === 0 ? "answered" : "other";
  if (verdict === "clarify" && place >= 0 && place < 3) return "offered";
  return "missed";
}
