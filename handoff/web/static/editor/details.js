/** Below the body: how visitors ask, tags, readers, address and origin, archive. */
import { el } from "../shared/dom.js";
import { buildFieldError } from "./field_error.js";
import { editorIcon } from "./icons.js";
import { buildPhrasingList } from "./phrasing_list.js";
import { buildTagInput } from "./tag_input.js";
import { AUDIENCES } from "./words.js";

/**
 * @param {(change: object) => void} edit
 * @param {() => void} archive
 */
export function mountDetails(edit, archive) {
  const phrasings = buildPhrasingList({ onChange: (next) => edit({ phrasings: next }) });
  const tags = buildTagInput({ onChange: (next) => edit({ tags: next }) });
  const audience = el(
    "select",
    {
      class: "ed-select",
      "aria-label": "Readers",
      "aria-describedby": "error-audience",
      on: { change: () => edit({ audience: audience.value }) },
    },
    Object.entries(AUDIENCES).map(([value, text]) => el("option", { value, text })),
  );
  const errors = {
    phrasings: buildFieldError("phrasings"),
    tags: buildFieldError("tags"),
    audience: buildFieldError("audience"),
    slug: buildFieldError("slug"),
    language: buildFieldError("language"),
  };
  const address = buildAddress(edit);
  const source = el("p", { class: "ed-soft-line" });
  const archiveButton = el("button", {
    type: "button",
    class: "bt-button bt-button--alert",
    text: "Archive this article",
    on: { click: archive },
  });
  const element = el(
    "div",
    { class: "ed-details" },
    buildSection(
      "phrasings",
      "How visitors ask",
      "Each line is one way to ask for this article. The bot finds it by these, too.",
      phrasings.element,
      errors.phrasings.element,
    ),
    buildSection("tags", "Tags", null, tags.element, errors.tags.element),
    buildSection(
      "audience",
      "Readers",
      "What is for staff only is never answered to a visitor, and not on the help pages.",
      audience,
      errors.audience.element,
    ),
    buildSection("address", "Address", null, address.element, errors.slug.element, errors.language.element, source),
    el("div", { class: "ed-section ed-section--end" }, archiveButton),
  );

  return {
    element,
    render(state, isReadOnly) {
      const { draft } = state;
      phrasings.render(draft.fields.phrasings, { isReadOnly });
      tags.render(draft.fields.tags, { isReadOnly, known: state.list.tags });
      audience.value = draft.fields.audience;
      audience.disabled = isReadOnly;
      for (const [name, error] of Object.entries(errors)) error.render(draft.errors[name]);
      address.render(draft, isReadOnly);
      source.hidden = !draft.article?.source;
      source.textContent = draft.article?.source ? `Imported from ${draft.article.source}` : "";
      archiveButton.hidden = isReadOnly || draft.article === null || draft.article.status === "archived";
      archiveButton.disabled = state.busy !== null;
    },
  };
}

function buildSection(name, heading, hint, ...content) {
  return el(
    "section",
    { class: "ed-section", "aria-labelledby": `heading-${name}` },
    el("h2", { class: "ed-section__title", id: `heading-${name}`, text: heading }),
    hint && el("p", { class: "ed-section__hint", text: hint }),
    content,
  );
}

function buildAddress(edit) {
  const prefix = el("span", { class: "ed-address__prefix" });
  const slug = el("input", {
    class: "bt-input",
    type: "text",
    "aria-label": "Last part of the address",
    "aria-describedby": "error-slug",
    placeholder: "made from the title",
    spellcheck: "false",
    maxlength: "80",
    on: { input: () => edit({ slug: slug.value.toLowerCase().replace(/[\s_]+/g, "-") }) },
  });
  const choice = el("div", { class: "ed-address__choice" }, prefix, slug);
  const link = el("a", { class: "ed-address__link", target: "_blank", rel: "noopener" });
  const path = el("span", { class: "ed-soft-line" });
  return {
    element: el("div", { class: "ed-address" }, choice, link, path),
    render({ fields, article, isLanguageFixed }, isReadOnly) {
      const isChoosing = article === null && !isLanguageFixed && !isReadOnly;
      const isPublic = article?.status === "published";
      const address = `/help/${fields.language}/${fields.slug}`;
      choice.hidden = !isChoosing;
      link.hidden = isChoosing || !isPublic;
      path.hidden = isChoosing || isPublic;
      prefix.textContent = `/help/${fields.language}/`;
      if (slug.value !== fields.slug) slug.value = fields.slug;
      if (link.textContent !== address) link.replaceChildren(address, editorIcon("outside", 14));
      link.href = address;
      path.textContent = `${address} (visible once it is published)`;
    },
  };
}
