/** The list of articles: search, filters, rows. */
import { el, fill, reconcile } from "../shared/dom.js";
import { formatAgo, formatMoment, languageName } from "../shared/time.js";
import { editorIcon } from "./icons.js";
import { loadList, loadMore } from "./lists.js";
import { buildArticleHash } from "./route.js";
import { EMPTY_FILTERS } from "./state.js";
import { STANDINGS } from "./words.js";

const SEARCH_DELAY_MS = 200; // a pause in typing
const STATUSES = [
  { value: "", label: "All" },
  { value: "draft", label: "Drafts" },
  { value: "published", label: "Published" },
  { value: "archived", label: "Archived" },
];

/** @param {HTMLElement} root @param {import("./lists.js").Bench} bench */
export function mountArticlesPane(root, bench) {
  const { store } = bench;
  let timer = 0;
  const change = (filters, delay_ms = 0) => {
    store.dispatch({ type: "filters_changed", change: filters });
    clearTimeout(timer);
    timer = setTimeout(() => loadList(bench), delay_ms);
  };
  const parts = buildParts(change);
  const known = new Map();
  fill(root, parts.filters, parts.body);
  parts.more.addEventListener("click", () => loadMore(bench));
  parts.retry.addEventListener("click", () => loadList(bench));
  parts.clear.addEventListener("click", () => change({ ...EMPTY_FILTERS }));

  return {
    focusSearch: () => parts.search.focus(),
    render(state) {
      const { list, filters } = state;
      if (parts.search.value !== filters.q) parts.search.value = filters.q;
      for (const button of parts.statuses.children)
        button.setAttribute("aria-pressed", String(button.value === filters.status));
      fillSelect(parts.language, "Any language", list.languages, filters.language, languageName);
      const tags = list.tags.toSorted((one, other) => one.localeCompare(other));
      fillSelect(parts.tag, "Any tag", tags, filters.tag, (tag) => tag);
      const now = bench.now();
      reconcile(parts.rows, list.articles, {
        key: (article) => `${article.language}/${article.slug}`,
        build: (article) => buildRow(article, state, now),
        update: (row, article) =>
          row.dataset.look === chooseLook(article, state, now) ? row : replaceRow(row, buildRow(article, state, now)),
        known,
      });
      renderAround(parts, state);
    },
    close: () => clearTimeout(timer),
  };
}

function buildParts(change) {
  const search = el("input", {
    class: "bt-input ed-search__input",
    type: "search",
    placeholder: "Search articles",
    "aria-label": "Search articles",
    "aria-keyshortcuts": "/",
    autocomplete: "off",
    spellcheck: "false",
    on: { input: () => change({ q: search.value }, SEARCH_DELAY_MS) },
  });
  const statuses = el(
    "div",
    { class: "ed-segments", role: "group", "aria-label": "Status" },
    STATUSES.map(({ value, label }) =>
      el("button", {
        type: "button",
        class: "ed-segments__item",
        value,
        text: label,
        on: { click: () => change({ status: value }) },
      }),
    ),
  );
  const language = el("select", {
    class: "ed-select",
    "aria-label": "Filter by language",
    on: { change: () => change({ language: language.value }) },
  });
  const tag = el("select", {
    class: "ed-select",
    "aria-label": "Filter by tag",
    on: { change: () => change({ tag: tag.value }) },
  });
  const count = el("p", { class: "ed-list__count", role: "status" });
  const rows = el("ul", { class: "ed-rows", "aria-label": "Articles" });
  const more = el("button", { type: "button", class: "bt-button bt-button--quiet ed-list__more", text: "Show more" });
  const retry = el("button", { type: "button", class: "bt-button", text: "Try again" });
  const clear = el("button", { type: "button", class: "bt-button", text: "Clear the filters" });
  const notice = el("div", { class: "ed-empty", hidden: true });
  const filters = el(
    "div",
    { class: "ed-filters" },
    el(
      "div",
      { class: "ed-search" },
      editorIcon("search"),
      search,
      el("kbd", { class: "ed-key", "aria-hidden": "true", text: "/" }),
    ),
    statuses,
    el("div", { class: "ed-filters__row" }, language, tag),
    count,
  );
  return {
    filters,
    body: [notice, rows, more],
    search,
    statuses,
    language,
    tag,
    count,
    rows,
    more,
    retry,
    clear,
    notice,
  };
}

function renderAround(parts, { list, filters }) {
  const isFiltered = Object.values(filters).some(Boolean);
  const shown = list.articles.length;
  parts.rows.classList.toggle("ed-rows--stale", list.phase === "loading" && shown > 0);
  parts.more.hidden = filters.tag !== "" || shown === 0 || shown >= list.total;
  parts.count.textContent = chooseCount(list, filters);
  parts.notice.hidden = list.phase === "ready" && shown > 0;
  if (list.phase === "failed") {
    parts.rows.hidden = true;
    parts.notice.hidden = false;
    fill(
      parts.notice,
      el("p", { class: "ed-empty__title", text: "The articles could not be loaded" }),
      el("p", { text: list.message }),
      parts.retry,
    );
    return;
  }
  parts.rows.hidden = false;
  if (shown > 0) parts.notice.hidden = true;
  else if (list.phase === "loading") fill(parts.notice, buildSkeleton());
  else if (isFiltered) fill(parts.notice, el("p", { class: "ed-empty__title", text: "Nothing matches" }), parts.clear);
  else
    fill(
      parts.notice,
      el("p", { class: "ed-empty__title", text: "No articles yet" }),
      el("p", { text: "Write the first one: a question that visitors ask often." }),
    );
}

function chooseCount(list, filters) {
  if (list.phase !== "ready" || list.articles.length === 0) return "";
  const total = filters.tag ? list.articles.length : list.total;
  return total === 1 ? "1 article" : `${total} articles`;
}

function buildSkeleton() {
  return el(
    "div",
    { class: "ed-skeleton", "aria-hidden": "true" },
    Array.from({ length: 6 }, () => el("div", { class: "ed-skeleton__row" }, el("span"), el("span"))),
  );
}

/** What a row depends on, as one string: rows are rebuilt only when it changes. */
function chooseLook(article, state, now) {
  const isCurrent =
    state.draft?.key === `${article.language}/${article.slug}` ||
    state.opening.key === `${article.language}/${article.slug}`;
  const ago = formatAgo(article.updated_at, now);
  return JSON.stringify([
    article.title,
    article.status,
    article.revision,
    article.published_revision,
    article.has_draft,
    article.tags,
    article.author,
    ago,
    isCurrent,
  ]);
}

function replaceRow(row, fresh) {
  if (row.contains(document.activeElement)) requestAnimationFrame(() => fresh.querySelector("a")?.focus());
  return fresh;
}

function buildRow(article, state, now) {
  const standing = article.status === "published" && article.has_draft ? "changed" : article.status;
  const key = `${article.language}/${article.slug}`;
  const isCurrent = state.draft?.key === key || state.opening.key === key;
  const { label, kind } = STANDINGS[standing];
  return el(
    "li",
    { class: ["ed-row", `ed-row--${standing}`], dataset: { look: chooseLook(article, state, now) } },
    el(
      "a",
      { class: "ed-row__link", href: buildArticleHash(article), "aria-current": isCurrent ? "true" : null },
      el("span", { class: "ed-row__title", text: article.title }),
      el(
        "span",
        { class: "ed-row__meta" },
        el("span", { class: ["ed-standing", `ed-standing--${kind}`], text: label }),
        el("span", {
          class: "ed-row__language",
          title: languageName(article.language),
          text: article.language.toUpperCase(),
        }),
        el("span", {
          class: "ed-row__when",
          title: formatMoment(article.updated_at),
          text: `${formatAgo(article.updated_at, now)}, ${article.author}`,
        }),
      ),
      article.tags.length > 0 &&
        el("span", { class: "ed-row__tags", text: article.tags.map((tag) => `#${tag}`).join("  ") }),
    ),
  );
}

function fillSelect(select, anyLabel, values, chosen, name) {
  const wanted = chosen && !values.includes(chosen) ? [...values, chosen] : values;
  const look = JSON.stringify(wanted);
  if (select.dataset.look !== look) {
    select.dataset.look = look;
    fill(
      select,
      el("option", { value: "", text: anyLabel }),
      wanted.map((value) => el("option", { value, text: name(value) })),
    );
  }
  select.value = chosen;
}
