/** The example phrasings: one line each, Enter for the next, Alt and arrows to move. */
import { el } from "../shared/dom.js";
import { editorIcon } from "./icons.js";

/**
 * @param {{onChange: (phrasings: string[]) => void}} options
 * @returns {{element: HTMLElement, render: (phrasings: string[], options: {isReadOnly: boolean}) => void}}
 */
export function buildPhrasingList({ onChange }) {
  let phrasings = [];
  const rows = el("ol", { class: "ed-phrasings", "aria-label": "Example phrasings" });
  const add = el(
    "button",
    { type: "button", class: "bt-button bt-button--quiet ed-add", on: { click: () => insert(phrasings.length, [""]) } },
    editorIcon("plus"),
    "Add a phrasing",
  );
  const element = el("div", { class: "ed-phrasing-list" }, rows, add);

  const focus = (index) => /** @type {HTMLInputElement|undefined} */ (rows.querySelectorAll("input")[index])?.focus();
  const change = (next, focused) => {
    onChange(next);
    if (focused !== undefined) focus(Math.max(0, Math.min(focused, next.length - 1)));
  };
  const insert = (index, lines) => change(phrasings.toSpliced(index, 0, ...lines), index + lines.length - 1);
  const remove = (index) => {
    change(phrasings.toSpliced(index, 1), index);
    if (phrasings.length === 0) add.focus();
  };
  const move = (index, step) => {
    const to = index + step;
    if (to < 0 || to >= phrasings.length) return;
    change(phrasings.toSpliced(index, 1).toSpliced(to, 0, phrasings[index]), to);
  };
  const verbs = {
    insert,
    remove,
    move,
    change: (index, text) => onChange(phrasings.with(index, text)),
    split: (index, lines) => change(phrasings.toSpliced(index, 1, ...lines), index + lines.length - 1),
  };

  return {
    element,
    render(next, { isReadOnly }) {
      phrasings = next;
      add.hidden = isReadOnly;
      while (rows.children.length > next.length) rows.lastElementChild?.remove();
      while (rows.children.length < next.length) rows.append(buildRow(rows.children.length, verbs));
      next.forEach((phrasing, index) =>
        renderRow(rows.children[index], phrasing, { index, count: next.length, isReadOnly }),
      );
    },
  };
}

function buildRow(index, verbs) {
  const input = el("input", {
    class: "bt-input",
    type: "text",
    dir: "auto",
    maxlength: "300",
    "aria-label": `Phrasing ${index + 1}`,
    placeholder: "As a visitor would type it",
  });
  input.addEventListener("input", () => verbs.change(index, input.value));
  input.addEventListener("keydown", (event) => handleKey(event, index, input, verbs));
  input.addEventListener("paste", (event) => handlePaste(event, index, input, verbs));
  const button = (name, label, press) =>
    el(
      "button",
      {
        type: "button",
        class: "ed-tool",
        title: label,
        "aria-label": `${label}: phrasing ${index + 1}`,
        on: { click: press },
      },
      editorIcon(name, 14),
    );
  return el(
    "li",
    { class: "ed-phrasing" },
    input,
    el(
      "span",
      { class: "ed-phrasing__tools" },
      button("up", "Move up", () => verbs.move(index, -1)),
      button("down", "Move down", () => verbs.move(index, 1)),
      button("close", "Remove", () => verbs.remove(index)),
    ),
  );
}

function renderRow(row, phrasing, { index, count, isReadOnly }) {
  const input = row.querySelector("input");
  if (input.value !== phrasing) input.value = phrasing;
  input.readOnly = isReadOnly;
  const [up, down] = row.querySelectorAll("button");
  up.disabled = index === 0;
  down.disabled = index === count - 1;
  row.querySelector(".ed-phrasing__tools").hidden = isReadOnly;
}

function handleKey(event, index, input, verbs) {
  if (input.readOnly || event.isComposing) return;
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (event.key === "Enter" && isPlain) verbs.insert(index + 1, [""]);
  else if (event.key === "Backspace" && input.value === "") verbs.remove(index);
  else if (step && event.altKey) verbs.move(index, step);
  else return;
  event.preventDefault();
}

/** Several lines at once become several phrasings. */
function handlePaste(event, index, input, verbs) {
  const lines = (event.clipboardData?.getData("text/plain") ?? "")
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter(Boolean);
  if (input.readOnly || lines.length < 2) return;
  event.preventDefault();
  verbs.split(index, input.value.trim() ? [input.value, ...lines] : lines);
}
