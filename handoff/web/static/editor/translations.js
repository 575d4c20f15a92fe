/** The switch between the languages of an article, and the way to a new translation. */
import { el, fill } from "../shared/dom.js";
import { editorIcon } from "./icons.js";
import { buildArticleHash } from "./route.js";
import { LANGUAGES, ownLanguageName } from "./words.js";
import { buildTranslationHash } from "./writing.js";

/**
 * @param {import("./lists.js").Bench} bench
 * @param {(change: {language: string}) => void} edit
 */
export function mountTranslations(bench, edit) {
  const choice = el("select", {
    class: "ed-select",
    id: "field-language",
    on: { change: () => edit({ language: choice.value }) },
  });
  const choiceField = el("label", { class: "ed-language-choice" }, el("span", { text: "Language" }), choice);
  const links = el("ul", { class: "ed-languages", "aria-label": "Languages of this article" });
  const add = el("select", { class: "ed-select ed-languages__add", "aria-label": "Add a translation" });
  add.addEventListener("change", () => {
    const language = add.value;
    add.value = "";
    if (language) bench.go(buildTranslationHash(bench.store.state.draft, language));
  });
  const element = el(
    "nav",
    { class: "ed-translations", "aria-label": "Translations" },
    editorIcon("globe"),
    choiceField,
    links,
    add,
  );
  let look = "";

  return {
    element,
    render(state, isReadOnly) {
      const { draft, list } = state;
      const known = [...new Set([...LANGUAGES, ...list.languages, draft.fields.language])];
      const isChoosing = draft.article === null && !draft.isLanguageFixed;
      choiceField.hidden = !isChoosing;
      links.hidden = isChoosing;
      const next = JSON.stringify([
        known,
        draft.fields.language,
        draft.fields.slug,
        draft.translations,
        draft.article?.status,
        isReadOnly,
      ]);
      if (next === look) return;
      look = next;
      fill(
        choice,
        known.map((code) => el("option", { value: code, text: ownLanguageName(code) })),
      );
      choice.value = draft.fields.language;
      fill(
        links,
        collectSiblings(draft).map((sibling) => buildLink(sibling, draft)),
      );
      renderAdd(add, draft, known, isReadOnly);
    },
  };
}

function collectSiblings({ fields, translations, article }) {
  const here = { language: fields.language, title: fields.title, status: article?.status ?? "new" };
  return [here, ...translations.filter(({ language }) => language !== fields.language)].sort((one, other) =>
    one.language.localeCompare(other.language),
  );
}

function buildLink({ language, title, status }, { fields }) {
  const isHere = language === fields.language;
  const name = ownLanguageName(language);
  const note = { draft: "draft", archived: "archived", new: "new" }[status];
  return el(
    "li",
    null,
    el(
      "a",
      {
        class: "ed-languages__link",
        href: buildArticleHash({ language, slug: fields.slug }),
        lang: language,
        title,
        "aria-current": isHere ? "true" : null,
      },
      name,
      note && el("span", { class: "ed-languages__note", text: note }),
    ),
  );
}

function renderAdd(add, draft, known, isReadOnly) {
  const taken = new Set([draft.fields.language, ...draft.translations.map(({ language }) => language)]);
  const free = known.filter((code) => !taken.has(code));
  add.hidden = isReadOnly || draft.article === null || free.length === 0;
  fill(
    add,
    el("option", { value: "", text: "+ Add translation" }),
    free.map((code) => el("option", { value: code, text: ownLanguageName(code) })),
  );
}
