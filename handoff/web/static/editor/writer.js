/** The middle of the editor: header with states and verbs, title, body, phrasings, tags, languages. */
import { el, fill } from "../shared/dom.js";
import { formatAgo, formatMoment } from "../shared/time.js";
import { buildSignInUrl } from "../shared/api.js";
import { mountDetails } from "./details.js";
import { buildFieldError, setText } from "./field_error.js";
import { editorIcon } from "./icons.js";
import { countWords } from "./markdown.js";
import { canPublish, canSave, canWrite, chooseStanding, isDirty } from "./state.js";
import { buildToolbar } from "./toolbar.js";
import { mountTranslations } from "./translations.js";
import { STANDINGS } from "./words.js";
import { archiveArticle, discardChanges, publishArticle, saveArticle } from "./writing.js";

/** @param {HTMLElement} root @param {import("./lists.js").Bench} bench */
export function mountWriter(root, bench) {
  const { store } = bench;
  const edit = (change) => store.dispatch({ type: "draft_edited", change });
  const header = buildHeader(bench);
  const notices = buildNotices(bench);
  const title = buildTitle(edit);
  const body = buildBody(edit);
  const translations = mountTranslations(bench, edit);
  const details = mountDetails(edit, () => archiveArticle(bench));
  const form = el(
    "div",
    { class: "ed-form" },
    notices.element,
    translations.element,
    title.element,
    body.element,
    details.element,
  );
  const blank = el("div", { class: "ed-blank" });
  fill(root, header.element, form, blank);

  return {
    focusTitle: () => title.focus(),
    render(state) {
      const { draft, opening } = state;
      const isOpen = draft !== null && opening.phase === "idle";
      header.element.hidden = !isOpen;
      form.hidden = !isOpen;
      blank.hidden = isOpen;
      if (!isOpen) renderBlank(blank, state);
      if (draft === null) return;
      const isReadOnly = !canWrite(state);
      header.render(state, isReadOnly);
      notices.render(state);
      translations.render(state, isReadOnly);
      title.render(draft, isReadOnly);
      body.render(draft, isReadOnly);
      details.render(state, isReadOnly);
    },
  };
}

function buildHeader(bench) {
  const standing = el("span", { class: "ed-standing" });
  const saved = el("span", { class: "ed-header__saved" });
  const discard = el("button", {
    type: "button",
    class: "bt-button bt-button--quiet ed-header__discard",
    text: "Discard changes",
    on: { click: () => discardChanges(bench) },
  });
  const save = el("button", {
    type: "button",
    class: "bt-button",
    "aria-keyshortcuts": "Control+S",
    title: "Ctrl+S",
    on: { click: () => saveArticle(bench) },
  });
  const publish = el("button", {
    type: "button",
    class: "bt-button bt-button--primary",
    on: { click: () => publishArticle(bench) },
  });
  const element = el(
    "header",
    { class: "ed-header" },
    el("div", { class: "ed-header__state", role: "status" }, standing, saved),
    el("div", { class: "ed-header__verbs" }, discard, save, publish),
  );
  return {
    element,
    render(state, isReadOnly) {
      const { draft, busy } = state;
      const { label, kind } = STANDINGS[chooseStanding(draft)];
      standing.textContent = label;
      standing.className = `ed-standing ed-standing--${kind}`;
      setText(saved, isReadOnly ? "You may read, but not change it" : chooseSavedText(state, bench.now()));
      saved.title = draft.article ? formatMoment(draft.article.updated_at) : "";
      discard.hidden = isReadOnly || !isDirty(state) || busy !== null;
      save.hidden = isReadOnly;
      publish.hidden = isReadOnly;
      save.disabled = !canSave(state);
      publish.disabled = !canPublish(state);
      setText(save, busy === "saving" ? "Saving…" : "Save draft");
      setText(publish, choosePublishText(state, isDirty(state)));
    },
  };
}

function chooseSavedText(state, now) {
  const { draft, busy } = state;
  if (busy === "saving" || busy === "publishing") return "Saving…";
  if (draft.article === null) return "Not saved yet";
  if (isDirty(state)) return "Unsaved changes";
  const ago = formatAgo(draft.article.updated_at, now);
  const when = { now: "just now", yesterday: "yesterday" }[ago] ?? (/\d (min|h)$/.test(ago) ? `${ago} ago` : ago);
  return `Saved ${when} by ${draft.article.author}`;
}

function choosePublishText({ draft, busy }, hasUnsaved) {
  if (busy === "publishing") return "Publishing…";
  const standing = chooseStanding(draft);
  if (standing === "archived") return "Publish again";
  if (standing === "published" && !hasUnsaved) return "Published";
  return standing === "changed" || standing === "published" ? "Publish changes" : "Publish";
}

function buildNotices(bench) {
  const { store, keeper } = bench;
  const problem = el("div", { class: "bt-error ed-banner", role: "alert", hidden: true });
  const problemText = el("span");
  const signIn = el("a", { class: "bt-button", text: "Sign in", href: "/sign-in" });
  fill(
    problem,
    problemText,
    el(
      "span",
      { class: "ed-banner__verbs" },
      signIn,
      el("button", {
        type: "button",
        class: "bt-button bt-button--quiet",
        text: "Close",
        on: { click: () => store.dispatch({ type: "problem_closed" }) },
      }),
    ),
  );
  const keptText = el("span");
  const restore = el("button", {
    type: "button",
    class: "bt-button",
    text: "Restore",
    on: { click: () => store.dispatch({ type: "kept_restored" }) },
  });
  const drop = el("button", {
    type: "button",
    class: "bt-button bt-button--quiet",
    text: "Discard",
    on: {
      click: () => {
        keeper.drop(store.state.draft.key);
        store.dispatch({ type: "kept_dropped" });
      },
    },
  });
  const kept = el(
    "div",
    { class: "ed-banner ed-banner--wait", role: "group", "aria-label": "Unsaved changes found", hidden: true },
    keptText,
    el("span", { class: "ed-banner__verbs" }, restore, drop),
  );
  return {
    element: el("div", { class: "ed-notices" }, problem, kept),
    render(state) {
      problem.hidden = state.problem === null;
      setText(problemText, state.problem?.message ?? "");
      signIn.hidden = !state.problem?.isSignedOut;
      signIn.href = buildSignInUrl();
      kept.hidden = !state.draft.kept || isDirty(state);
      if (state.draft.kept)
        setText(
          keptText,
          `This browser kept changes that were never saved (${formatMoment(state.draft.kept.keptAt)}).`,
        );
    },
  };
}

function buildTitle(edit) {
  const input = el("textarea", {
    class: "ed-title",
    id: "field-title",
    dir: "auto",
    rows: "1",
    maxlength: "200",
    placeholder: "Title",
    "aria-label": "Title",
    "aria-describedby": "error-title",
    on: { input: () => edit({ title: input.value.replace(/\s*\n\s*/g, " ") }) },
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    document.getElementById("field-body")?.focus();
  });
  const error = buildFieldError("title");
  return {
    element: el("div", { class: "ed-title-field" }, input, error.element),
    focus: () => input.focus(),
    render(draft, isReadOnly) {
      setValue(input, draft.fields.title);
      input.readOnly = isReadOnly;
      input.lang = draft.fields.language;
      error.render(draft.errors.title, input);
    },
  };
}

function buildBody(edit) {
  const area = el("textarea", {
    class: "ed-body",
    id: "field-body",
    dir: "auto",
    placeholder: "Write the answer. Short steps work best: visitors read it in a chat window.",
    "aria-label": "Body, in Markdown",
    "aria-describedby": "error-body",
    spellcheck: "true",
    on: { input: () => edit({ body: area.value }) },
  });
  const toolbar = buildToolbar(area);
  const words = el("p", { class: "ed-words" });
  const error = buildFieldError("body");
  return {
    element: el("div", { class: "ed-body-field" }, toolbar.element, area, error.element, words),
    render(draft, isReadOnly) {
      setValue(area, draft.fields.body);
      area.readOnly = isReadOnly;
      area.lang = draft.fields.language;
      toolbar.element.hidden = isReadOnly;
      const count = countWords(draft.fields.body);
      setText(words, count === 1 ? "1 word" : `${count} words`);
      words.hidden = count === 0;
      error.render(draft.errors.body, area);
    },
  };
}

function renderBlank(blank, state) {
  const { opening } = state;
  if (opening.phase === "loading") {
    fill(blank, el("p", { class: "bt-soft", role: "status", text: "Opening…" }));
  } else if (opening.phase === "failed") {
    fill(
      blank,
      el("p", { class: "ed-empty__title", text: "This article could not be opened" }),
      el("p", { text: opening.message }),
    );
  } else {
    fill(
      blank,
      editorIcon("article", 32),
      el("p", { class: "ed-empty__title", text: "Choose an article, or write a new one" }),
      el(
        "p",
        { class: "ed-blank__keys" },
        buildKeyHint("j", "k", "move"),
        buildKeyHint("/", null, "search"),
        canWrite(state) && buildKeyHint("n", null, "new article"),
      ),
    );
  }
}

function buildKeyHint(first, second, label) {
  return el(
    "span",
    null,
    el("kbd", { class: "ed-key", text: first }),
    second && " ",
    second && el("kbd", { class: "ed-key", text: second }),
    ` ${label}`,
  );
}

/** Writing the same value again would drop the undo history; writing another one must not move the caret. */
function setValue(input, value) {
  if (input.value !== value) {
    const { selectionStart, selectionEnd } = input;
    input.value = value;
    if (document.activeElement === input) input.setSelectionRange(selectionStart, selectionEnd);
  }
  if (!CSS.supports("field-sizing", "content")) {
    input.style.blockSize = "auto";
    input.style.blockSize = `${input.scrollHeight}px`;
  }
}
