/** The revisions of an article: who, when, what changed, and the way back. */
import { copyHtml, el, fill } from "../shared/dom.js";
import { formatAgo, formatMoment } from "../shared/time.js";
import { loadHistory, showRevision } from "./checking.js";
import { buildDiff, buildListChanges } from "./diff_view.js";
import { editorIcon } from "./icons.js";
import { canWrite } from "./state.js";
import { AUDIENCES } from "./words.js";
import { restoreRevision } from "./writing.js";

/** @param {HTMLElement} root @param {import("./lists.js").Bench} bench */
export function mountHistoryPanel(root, bench) {
  const { store } = bench;
  let shown = null;
  let view = "changes";
  const setView = (next) => {
    view = next;
    shown = null;
    draw(store.state);
  };
  const draw = (state) => {
    if (shown?.history === state.history && shown?.draft?.saved === state.draft?.saved && shown?.busy === state.busy)
      return;
    const hadFocus = root.contains(document.activeElement);
    shown = state;
    const { history, draft } = state;
    if (!draft?.article) fill(root, el("p", { class: "bt-soft", text: "The history begins with the first save." }));
    else if (history.phase === "failed")
      fill(
        root,
        el("p", { class: "bt-error", text: history.message }),
        el("button", {
          type: "button",
          class: "bt-button",
          text: "Try again",
          on: { click: () => loadHistory(bench) },
        }),
      );
    else if (history.shown) fill(root, buildRevision(state, bench, view, setView));
    else if (history.phase === "ready") fill(root, buildList(history.revisions, draft, bench));
    else fill(root, el("p", { class: "bt-soft", text: "Loading…" }));
    if (hadFocus) /** @type {HTMLElement|null} */ (root.querySelector("[data-focus], button"))?.focus();
  };
  return { render: draw };
}

function buildList(revisions, draft, bench) {
  return el(
    "ol",
    { class: "ed-revisions", reversed: true },
    revisions.map((revision) => {
      const isNewest = revision.revision === draft.article.revision;
      return el(
        "li",
        { class: "ed-revision" },
        el(
          "button",
          { type: "button", class: "ed-revision__open", on: { click: () => showRevision(bench, revision.revision) } },
          el(
            "span",
            { class: "ed-revision__head" },
            `Revision ${revision.revision}`,
            revision.is_published && el("span", { class: "ed-standing ed-standing--good", text: "Published" }),
            isNewest &&
              !revision.is_published &&
              el("span", { class: "ed-standing ed-standing--soft", text: "Newest" }),
          ),
          el("span", {
            class: "ed-revision__meta",
            title: formatMoment(revision.created_at),
            text: `${revision.author}, ${formatAgo(revision.created_at, bench.now())}`,
          }),
          revision.title !== draft.article.title && el("span", { class: "ed-revision__title", text: revision.title }),
        ),
      );
    }),
  );
}

function buildRevision(state, bench, view, setView) {
  const { history, draft, busy } = state;
  const old = history.shown;
  const isNewest = old.revision === draft.article.revision;
  const switches = ["changes", "page"].map((name) =>
    el("button", {
      type: "button",
      class: "ed-segments__item",
      "aria-pressed": String(view === name),
      text: name === "changes" ? "Against now" : "As a page",
      dataset: view === name ? { focus: "" } : {},
      on: { click: () => setView(name) },
    }),
  );
  return [
    el(
      "div",
      { class: "ed-revision__bar" },
      el(
        "button",
        {
          type: "button",
          class: "bt-button bt-button--quiet",
          on: { click: () => bench.store.dispatch({ type: "revision_shown", revision: null }) },
        },
        editorIcon("back"),
        "All revisions",
      ),
      canWrite(state) &&
        !isNewest &&
        el("button", {
          type: "button",
          class: "bt-button",
          disabled: busy !== null,
          text: "Restore",
          on: { click: () => restoreRevision(bench, old) },
        }),
    ),
    el("h2", { class: "ed-section__title", text: `Revision ${old.revision}` }),
    el("p", { class: "ed-section__hint", text: `${old.author}, ${formatMoment(old.updated_at)}` }),
    el("div", { class: "ed-segments", role: "group", "aria-label": "View" }, switches),
    view === "page"
      ? el(
          "article",
          { class: "ed-page", lang: old.language, dir: "auto" },
          el("p", { class: "ed-page__title", role: "heading", "aria-level": "3", text: old.title }),
          el("div", { class: "help-prose" }, copyHtml(old.html)),
        )
      : buildAgainstNow(old, draft.saved),
  ];
}

function buildAgainstNow(old, now) {
  const parts = [
    old.title !== now.title && buildDiff("Title", old.title, now.title),
    old.body !== now.body && buildDiff("Body", old.body, now.body),
    buildListChanges("Phrasings", old.phrasings, now.phrasings),
    buildListChanges("Tags", old.tags, now.tags),
    old.audience !== now.audience && buildDiff("Readers", AUDIENCES[old.audience], AUDIENCES[now.audience]),
  ].filter(Boolean);
  if (parts.length === 0) return el("p", { class: "bt-soft", text: "The same as now." });
  return [
    el("p", { class: "ed-diff__key" }, el("del", { text: "this revision" }), " ", el("ins", { text: "now" })),
    parts,
  ];
}
