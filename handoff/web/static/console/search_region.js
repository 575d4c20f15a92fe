/** Search of the help articles beside the reply, with ways to put what was found into it. */
import { copyHtml, el, fill } from "../shared/dom.js";
import { icon } from "../shared/icon.js";
import { canReply } from "./selectors.js";
import { buildProbability } from "./transcript_view.js";

const SEARCH_AFTER_MS = 250;
const VERDICTS = {
  answer: "The first one is likely the answer.",
  clarify: "Several fit. Ask which one is meant.",
  unsure: "None is a sure answer.",
};

/**
 * @param {{field: HTMLElement, results: HTMLElement}} roots
 * @param {{commands: object, store: object, composer: object}} desk
 */
export function mountSearch({ field, results }, { commands, store, composer }) {
  const input = el("input", { class: "bt-input side__input", type: "search", placeholder: "Find an article for the reply", "aria-label": "Find an article", "aria-keyshortcuts": "f", autocomplete: "off" });
  field.append(input);
  let timer = null;
  let shown = null;

  const language = () => store.state.conversations.get(store.state.selected_id)?.visitor?.language ?? null;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    const question = input.value.trim();
    if (!question) commands.clearSearch();
    else timer = setTimeout(() => commands.search(question, language()), SEARCH_AFTER_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    clearTimeout(timer);
    input.value = "";
    commands.clearSearch();
  });
  results.addEventListener("click", (event) => {
    const { act, index } = event.target.closest("[data-act]")?.dataset ?? {};
    if (!act) return;
    const { search } = store.state;
    if (act === "leave") {
      input.value = "";
      commands.clearSearch();
      return void input.focus();
    }
    if (act === "back") return void store.dispatch({ type: "article_shown", article: null });
    runAction(act, index === "article" ? search.article : search.results[Number(index)], { commands, composer, store });
  });

  return {
    focus() {
      input.focus();
      input.select();
    },
    render(state) {
      const summary = state.conversations.get(state.selected_id);
      const canInsert = Boolean(summary) && canReply(state, summary).is_allowed;
      if (shown && shown.search === state.search && shown.canInsert === canInsert) return;
      if (shown?.search.question !== state.search.question && document.activeElement !== input) input.value = state.search.question;
      shown = { search: state.search, canInsert };
      const isActive = state.search.status !== "idle";
      results.hidden = !isActive;
      if (!isActive) clearTimeout(timer);
      fill(results, isActive && [!state.search.article && buildLeave(state.search), buildResults(state.search, canInsert)]);
    },
  };
}

function runAction(act, found, { commands, composer, store }) {
  if (act === "read") return void commands.openArticle(found);
  const url = new URL(found.url ?? `/help/${found.language}/${found.slug}`, location.origin).href;
  const text = act === "link" ? `${found.title}: ${url}` : (found.passage?.text ?? "");
  if (!composer.insert(text)) return void commands.toast("Claim the chat first, then insert.", "info");
  if (store.state.pane === "brief") store.dispatch({ type: "pane_shown", pane: "chat" });
}

function buildResults(search, canInsert) {
  if (search.article) return buildArticle(search.article, canInsert);
  if (search.status === "failed") return el("p", { class: "bt-error", role: "alert", text: search.problem });
  if (search.status === "loading" && !search.results.length) return el("p", { class: "side__none", text: "Searching…" });
  if (!search.results.length) return el("p", { class: "side__none", text: "No article comes near this question." });
  return el("ol", { class: "found" }, search.results.map((result, index) => buildResult(result, index, canInsert)));
}

function buildLeave(search) {
  const verdict = search.status === "done" && search.results.length ? VERDICTS[search.verdict] : "";
  return el("div", { class: "side__leave" },
    el("button", { class: "link-button", type: "button", dataset: { act: "leave" } }, icon("back", 13), "Brief"),
    el("span", { class: "side__verdict bt-soft", role: "status", text: verdict ?? "" }));
}

function buildResult(result, index, canInsert) {
  return el("li", { class: "found__item" },
    el("div", { class: "found__head" },
      el("button", { class: "found__title", type: "button", text: result.title, dataset: { act: "read", index } }),
      buildProbability(result.probability)),
    result.passage.heading && el("p", { class: "found__where bt-soft", text: result.passage.heading }),
    el("p", { class: "found__text", text: result.passage.text }),
    el("div", { class: "found__acts" }, buildInserts(index, canInsert, true)));
}

function buildInserts(index, canInsert, hasText) {
  const why = canInsert ? null : "Claim the chat to insert";
  return [
    el("button", { class: "bt-button action action--small", type: "button", disabled: !canInsert, title: why, dataset: { act: "link", index } }, icon("link", 13), "Insert link"),
    hasText && el("button", { class: "bt-button action action--small", type: "button", disabled: !canInsert, title: why, dataset: { act: "text", index } }, icon("article", 13), "Insert text"),
  ];
}

function buildArticle(article, canInsert) {
  return el("article", { class: "reading" },
    el("div", { class: "reading__acts" },
      el("button", { class: "link-button", type: "button", dataset: { act: "back" } }, icon("back", 13), "Results"), buildInserts("article", canInsert, false)),
    el("h3", { class: "reading__title", text: article.title }),
    el("div", { class: "prose", lang: article.language }, copyHtml(article.html)));
}
