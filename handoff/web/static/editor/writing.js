/**
 * The verbs of writing: open, start, save, publish, archive, restore, and what happens when two people changed the
 * same article. Talks to the server through the gateway and leaves what it learned in the store.
 *
 * @typedef {import("./lists.js").Bench} Bench
 */
import { checkFields, takeFields } from "./fields.js";
import { dismissQuestion, refreshList } from "./lists.js";
import { buildArticleHash, buildNewHash, chooseDraftKey } from "./route.js";
import { isDirty } from "./state.js";

/** Show an article. @param {Bench} bench @param {{language: string, slug: string, phrasing?: string}} route */
export async function openArticle({ store, gateway, keeper, go }, route) {
  const key = `${route.language}/${route.slug}`;
  store.dispatch({ type: "article_requested", key });
  try {
    const article = await gateway.readArticle(route);
    if (store.state.opening.key !== key) return;
    store.dispatch({ type: "article_opened", article, kept: keeper.read(key) });
    if (route.phrasing) addPhrasing(store, route.phrasing);
    go(buildArticleHash(article), { isReplaced: true });
  } catch (error) {
    if (store.state.opening.key === key) store.dispatch({ type: "article_failed", key, message: error.message });
  }
}

/** Begin an article: blank, for a question, or as the translation of one. @param {Bench} bench @param {any} route */
export async function startArticle(bench, route) {
  const { store, gateway, keeper } = bench;
  const key = chooseDraftKey(route);
  const language = route.language || store.state.filters.language || "en";
  let fields = { language, slug: route.slug, phrasings: route.question ? [route.question] : [] };
  let translations = [];
  if (route.slug && route.from) {
    store.dispatch({ type: "article_requested", key });
    try {
      const original = await gateway.readArticle({ language: route.from, slug: route.slug });
      if (store.state.opening.key !== key) return;
      fields = { ...takeFields(original), language, slug: route.slug, phrasings: [] };
      translations = [
        ...original.translations,
        { language: original.language, title: original.title, status: original.status },
      ];
    } catch (error) {
      store.dispatch({ type: "article_failed", key, message: error.message });
      return;
    }
  }
  const question = route.question || null;
  store.dispatch({
    type: "draft_started",
    key,
    fields,
    isLanguageFixed: Boolean(route.slug),
    kept: keeper.read(key),
    question,
    translations,
  });
}

/** Save the draft as a new revision. @param {Bench} bench @returns {Promise<boolean>} whether the server has it now */
export async function saveArticle(bench) {
  return (await sendDraft(bench, "saving")) !== null;
}

/** Save what is unsaved, then let the bot answer from it. @param {Bench} bench */
export async function publishArticle(bench) {
  const { store, gateway } = bench;
  const { draft } = store.state;
  if (draft === null || !accept(bench, checkFields(draft.fields))) return;
  const { question } = draft;
  const mustSave = draft.article === null || isDirty(store.state);
  const article = mustSave ? await sendDraft(bench, "publishing") : draft.article;
  if (article === null) return;
  const key = keyOf(article);
  if (isOpen(bench, key)) store.dispatch({ type: "work_started", work: "publishing" });
  try {
    const published = await gateway.publishArticle(article, article.revision);
    if (isOpen(bench, key)) store.dispatch({ type: "article_saved", article: published, sent: takeFields(article) });
    bench.tell("Published. The bot answers from it now.", "good");
    refreshList(bench);
    if (question) dismissQuestion({ ...bench, tell: () => {} }, question);
  } catch (error) {
    await explainFailure(bench, error, { key, title: article.title });
  }
}

/** Take the article away from visitors, after asking. @param {Bench} bench */
export async function archiveArticle(bench) {
  const { store, gateway } = bench;
  const { draft } = store.state;
  if (!draft?.article) return;
  const choice = await bench.ask({
    title: "Archive this article?",
    text: "The bot stops answering from it at once, and it leaves the help centre. You can publish it again at any time.",
    choices: [{ value: "archive", label: "Archive", kind: "alert" }],
  });
  if (choice !== "archive") return;
  store.dispatch({ type: "work_started", work: "archiving" });
  try {
    const archived = await gateway.archiveArticle(draft.article);
    if (isOpen(bench, draft.key)) store.dispatch({ type: "article_saved", article: archived, sent: draft.saved });
    bench.tell("Archived. The bot no longer answers from it.", "good");
    refreshList(bench);
  } catch (error) {
    await explainFailure(bench, error, { key: draft.key, title: draft.article.title });
  }
}

/** Bring an old revision back, as a new one. @param {Bench} bench @param {any} old  the article as of then */
export async function restoreRevision(bench, old) {
  const { store, gateway, keeper } = bench;
  const { draft } = store.state;
  if (!draft?.article) return;
  const loss = isDirty(store.state) ? " Your unsaved changes are lost." : "";
  const choice = await bench.ask({
    title: `Restore revision ${old.revision}?`,
    text: `It becomes the newest revision; nothing in the history is lost. Visitors see it once you publish.${loss}`,
    choices: [{ value: "restore", label: "Restore", kind: "primary" }],
  });
  if (choice !== "restore") return;
  store.dispatch({ type: "work_started", work: "restoring" });
  try {
    const content = { ...buildContent(takeFields(old)), base_revision: draft.article.revision };
    const article = await gateway.changeArticle(draft.article, content);
    keeper.drop(draft.key);
    if (isOpen(bench, draft.key)) store.dispatch({ type: "article_opened", article });
    bench.tell(`Revision ${old.revision} is back as revision ${article.revision}.`, "good");
    refreshList(bench);
  } catch (error) {
    await explainFailure(bench, error, { key: draft.key, title: draft.article.title });
  }
}

/** Give up what is unsaved. @param {Bench} bench */
export function discardChanges({ store, keeper }) {
  if (store.state.draft) keeper.drop(store.state.draft.key);
  store.dispatch({ type: "changes_discarded" });
}

/** Write over the other person's revision (it stays in the history). @param {Bench} bench */
export async function keepMine(bench) {
  bench.store.dispatch({ type: "mine_kept" });
  await saveArticle(bench);
}

/** Give up one's own text for the other person's. @param {Bench} bench */
export function takeTheirs({ store, keeper, tell }) {
  keeper.drop(store.state.draft.key);
  store.dispatch({ type: "theirs_taken" });
  tell("Now showing the other version.", "good");
}

/** Ask what to do with unsaved changes. @param {Bench} bench @returns {Promise<boolean>} whether to go on */
export async function settleChanges(bench) {
  if (!isDirty(bench.store.state)) return true;
  const choice = await bench.ask({
    title: "Save your changes first?",
    text: "This article has changes that are not saved yet.",
    choices: [
      { value: "save", label: "Save draft", kind: "primary" },
      { value: "discard", label: "Discard changes", kind: "alert" },
    ],
    cancelLabel: "Keep editing",
  });
  if (choice === "save") return saveArticle({ ...bench, go: () => {} });
  if (choice === "discard") discardChanges(bench);
  return choice === "discard";
}

/** The address of a new translation. @param {any} draft @param {string} language */
export function buildTranslationHash(draft, language) {
  return buildNewHash({ language, slug: draft.article.slug, from: draft.article.language });
}

/** Send the draft; gives the article as saved, null where it was not. @param {Bench} bench @param {string} work */
async function sendDraft(bench, work) {
  const { store, gateway, keeper } = bench;
  const { draft, busy } = store.state;
  if (draft === null || busy !== null) return null;
  if (!accept(bench, checkFields(draft.fields))) return null;
  store.dispatch({ type: "work_started", work });
  const sent = draft.fields;
  try {
    const content = buildContent(sent);
    const article =
      draft.article === null
        ? await gateway.createArticle({
            ...content,
            language: sent.language,
            ...(sent.slug ? { slug: sent.slug } : {}),
          })
        : await gateway.changeArticle(draft.article, { ...content, base_revision: draft.baseRevision });
    if (isOpen(bench, draft.key)) {
      store.dispatch({ type: "article_saved", article, sent });
      bench.go(buildArticleHash(article), { isReplaced: true });
    }
    keeper.drop(draft.key);
    refreshList(bench);
    return article;
  } catch (error) {
    await explainFailure(bench, error, { key: draft.key, title: sent.title });
    return null;
  }
}

/** @param {{language: string, slug: string}} article */
function keyOf({ language, slug }) {
  return `${language}/${slug}`;
}

/** Is it still this draft that is open? An answer may come when the editor has gone on to another article. */
function isOpen({ store }, key) {
  return store.state.draft?.key === key;
}

/** @param {import("./fields.js").Fields} fields */
function buildContent(fields) {
  return {
    title: fields.title.trim(),
    body: fields.body,
    tags: fields.tags,
    phrasings: fields.phrasings.map((phrasing) => phrasing.trim()).filter(Boolean),
    audience: fields.audience,
  };
}

/** Show what must be mended. @param {Bench} bench @param {Record<string, string>} errors */
function accept({ store, tell }, errors) {
  const messages = Object.values(errors);
  if (messages.length === 0) return true;
  store.dispatch({ type: "work_failed", errors });
  tell(messages[0], "alert");
  return false;
}

/** @param {Bench} bench @param {any} error @param {{key: string, title: string}} failed  the draft that it is about */
async function explainFailure(bench, error, { key, title }) {
  const { store, gateway, tell } = bench;
  if (!isOpen(bench, key)) {
    tell(`${title}: ${error.message}`, "alert");
    return;
  }
  if (error.code === "revision_conflict") {
    try {
      const theirs = await gateway.readArticle(store.state.draft.article);
      if (isOpen(bench, key)) store.dispatch({ type: "conflict_found", theirs });
    } catch (second) {
      if (isOpen(bench, key)) store.dispatch({ type: "work_failed", message: second.message });
    }
    return;
  }
  if (error.status === 401) {
    const message = "You are signed out. Your text is kept in this browser; sign in again to save it.";
    store.dispatch({ type: "work_failed", message, isSignedOut: true });
    return;
  }
  const field = error.field ?? (error.code === "slug_taken" ? "slug" : null);
  const isShown = ["title", "body", "tags", "phrasings", "audience", "slug", "language"].includes(field);
  store.dispatch({ type: "work_failed", message: error.message, field: isShown ? field : null });
  if (isShown) tell(error.message, "alert"); // the field may be far below what is in sight
}

/** @param {import("./store.js").Store} store @param {string} phrasing */
function addPhrasing(store, phrasing) {
  const { phrasings } = store.state.draft.fields;
  if (phrasings.includes(phrasing)) return;
  store.dispatch({ type: "draft_edited", change: { phrasings: [...phrasings, phrasing] } });
}
