/** Fetching the two lists on the left: articles, and questions that the bot could not answer. */

/**
 * What the verbs of the editor work with.
 * @typedef {{store: import("./store.js").Store, gateway: typeof import("./gateway.js").gateway,
 *   keeper: import("./draft_keeper.js").DraftKeeper, now: () => number, go: (hash: string, options?: {isReplaced?: boolean}) => void,
 *   ask: typeof import("./dialogs.js").askChoice, tell: (text: string, kind?: "good"|"alert") => void}} Bench
 */

let latestList = 0; // answers may overtake each other; only the newest request counts
let dismissals = 0; // a list of questions that was asked for before one of these is out of date

/** Load the list again after a change, as far as it is shown. @param {Bench} bench */
export function refreshList(bench) {
  return loadList(bench, bench.store.state.list.articles.length);
}

/** Load the first page of articles for the filters in force. @param {Bench} bench @param {number} [limit] */
export async function loadList({ store, gateway }, limit) {
  const request = ++latestList;
  store.dispatch({ type: "list_requested" });
  try {
    const page = narrow(await gateway.listArticles(store.state.filters, 0, limit), store.state.filters.tag);
    if (request === latestList) store.dispatch({ type: "list_loaded", page, isMore: false });
  } catch (error) {
    if (request === latestList) store.dispatch({ type: "list_failed", message: error.message });
  }
}

/** Load the page after those that are shown. @param {Bench} bench */
export async function loadMore({ store, gateway, tell }) {
  const request = ++latestList;
  try {
    const { filters, list } = store.state;
    const page = narrow(await gateway.listArticles(filters, list.articles.length), filters.tag);
    if (request === latestList) store.dispatch({ type: "list_loaded", page, isMore: true });
  } catch (error) {
    tell(error.message, "alert");
  }
}

/** @param {Bench} bench */
export async function loadQuestions(bench) {
  const { store, gateway } = bench;
  const before = dismissals;
  store.dispatch({ type: "questions_requested" });
  try {
    const items = await gateway.listQuestions();
    if (before === dismissals) store.dispatch({ type: "questions_loaded", items });
    else await loadQuestions(bench);
  } catch (error) {
    store.dispatch({ type: "questions_failed", message: error.message });
  }
}

/** Take a question off the list. @param {Bench} bench @param {string} question */
export async function dismissQuestion({ store, gateway, tell }, question) {
  try {
    await gateway.dismissQuestion(question);
    dismissals += 1;
    store.dispatch({ type: "question_dismissed", question });
    tell("Dismissed.", "good");
  } catch (error) {
    tell(error.message, "alert");
  }
}

/** Say whether the nearest article answers a question. @param {Bench} bench @param {any} item @param {boolean} isRight */
export async function labelQuestion({ store, gateway, tell }, { question, best }, isRight) {
  try {
    await gateway.label({ question, language: best.language, slug: best.slug, right: isRight });
    store.dispatch({ type: "question_labelled", question, isRight });
  } catch (error) {
    tell(error.message, "alert");
  }
}

/** The server searches words; a tag must match as a whole. */
function narrow(page, tag) {
  return tag ? { ...page, articles: page.articles.filter((article) => article.tags.includes(tag)) } : page;
}
