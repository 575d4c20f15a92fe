/** Tags as chips: Enter or a comma adds, Backspace on an empty line takes the last one away. */
import { el, fill } from "../shared/dom.js";
import { editorIcon } from "./icons.js";

const MAX_TAG_CHARS = 40;

/** A tag as it is stored: trimmed, lower case, single spaces. @param {string} text */
export function normaliseTag(text) {
  return text.trim().toLowerCase().replace(/^#/, "").replace(/\s+/g, " ").slice(0, MAX_TAG_CHARS);
}

/**
 * @param {{onChange: (tags: string[]) => void}} options
 * @returns {{element: HTMLElement, render: (tags: string[], options: {isReadOnly: boolean, known: string[]}) => void}}
 */
export function buildTagInput({ onChange }) {
  let tags = [];
  const chips = el("ul", { class: "ed-chips__list", "aria-label": "Tags" });
  const known = el("datalist", { id: "known-tags" });
  const input = el("input", {
    class: "ed-chips__input",
    type: "text",
    list: "known-tags",
    "aria-label": "Add a tag",
    placeholder: "Add a tag",
    autocomplete: "off",
    maxlength: MAX_TAG_CHARS,
  });
  const element = el("div", { class: "ed-chips" }, chips, input, known);

  const take = () => {
    const fresh = input.value
      .split(",")
      .map(normaliseTag)
      .filter((tag) => tag && !tags.includes(tag));
    input.value = "";
    if (fresh.length) onChange([...tags, ...new Set(fresh)]);
  };
  const drop = (tag) => {
    onChange(tags.filter((other) => other !== tag));
    input.focus();
  };
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" || event.key === ",") {
      event.preventDefault();
      take();
    } else if (event.key === "Backspace" && input.value === "" && tags.length) {
      onChange(tags.slice(0, -1));
    }
  });
  input.addEventListener("blur", take);

  return {
    element,
    render(next, { isReadOnly, known: suggestions }) {
      tags = next;
      input.hidden = isReadOnly;
      fill(
        chips,
        next.map((tag) =>
          el(
            "li",
            { class: "ed-chip" },
            tag,
            !isReadOnly &&
              el(
                "button",
                {
                  type: "button",
                  class: "ed-chip__remove",
                  "aria-label": `Remove the tag ${tag}`,
                  on: { click: () => drop(tag) },
                },
                editorIcon("close", 12),
              ),
          ),
        ),
      );
      fill(
        known,
        suggestions.filter((tag) => !next.includes(tag)).map((tag) => el("option", { value: tag })),
      );
    },
  };
}
