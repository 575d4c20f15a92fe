/** The toolbar above the body, and what the keyboard does inside it. The edits themselves are in markdown.js. */
import { el } from "../shared/dom.js";
import { editorIcon } from "./icons.js";
import { applyFormat, continueList, findChange } from "./markdown.js";

const GROUPS = [
  [
    { format: "heading", label: "Heading" },
    { format: "bold", label: "Bold", key: "b" },
    { format: "italic", label: "Italic", key: "i" },
  ],
  [
    { format: "list", label: "List" },
    { format: "numbered", label: "Numbered list" },
    { format: "table", label: "Table" },
  ],
  [
    { format: "link", label: "Link", key: "k" },
    { format: "code", label: "Code" },
    { format: "note", label: "Note" },
  ],
];
const WIDTH_KEY = "baton.editor.fixed_width";

/**
 * @param {HTMLTextAreaElement} area
 * @returns {{element: HTMLElement, setEnabled: (isEnabled: boolean) => void}}
 */
export function buildToolbar(area) {
  const press = (format) => replaceText(area, applyFormat(format, readSelection(area)));
  const groups = GROUPS.map((group) =>
    el(
      "div",
      { class: "ed-toolbar__group" },
      group.map((item) => buildButton(item, () => press(item.format))),
    ),
  );
  const element = el(
    "div",
    { class: "ed-toolbar", role: "toolbar", "aria-label": "Formatting", "aria-controls": area.id },
    groups,
    buildWidthSwitch(area),
  );
  rove(element);
  area.addEventListener("keydown", (event) => handleKey(event, area, press));
  return {
    element,
    setEnabled(isEnabled) {
      for (const button of element.querySelectorAll("button")) button.disabled = !isEnabled;
    },
  };
}

function buildButton({ format, label, key }, press) {
  const title = key ? `${label} (Ctrl+${key.toUpperCase()})` : label;
  return el(
    "button",
    {
      type: "button",
      class: "ed-tool",
      title,
      "aria-label": label,
      "aria-keyshortcuts": key ? `Control+${key.toUpperCase()}` : null,
      dataset: { format },
      on: { click: press },
    },
    editorIcon(format),
  );
}

function buildWidthSwitch(area) {
  const button = el("button", {
    type: "button",
    class: "ed-tool ed-tool--words",
    "aria-pressed": "false",
    title: "Fixed-width letters",
    text: "Mono",
  });
  const show = (isFixed) => {
    area.classList.toggle("ed-body--fixed", isFixed);
    button.setAttribute("aria-pressed", String(isFixed));
  };
  button.addEventListener("click", () => {
    const isFixed = button.getAttribute("aria-pressed") !== "true";
    show(isFixed);
    remember(isFixed);
  });
  show(recall());
  return button;
}

/** One stop for Tab, arrows inside: a toolbar of nine must not stand between title and body nine times. */
function rove(toolbar) {
  const buttons = [...toolbar.querySelectorAll("button")];
  const choose = (index) => buttons.forEach((button, at) => (button.tabIndex = at === index ? 0 : -1));
  choose(0);
  toolbar.addEventListener("focusin", (event) => choose(Math.max(0, buttons.indexOf(event.target))));
  toolbar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
  });
}

function handleKey(event, area, press) {
  if (area.readOnly) return;
  const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  const tool = isCommand && GROUPS.flat().find(({ key }) => key === event.key.toLowerCase());
  if (tool) {
    event.preventDefault();
    press(tool.format);
  } else if (event.key === "Enter" && !isCommand && !event.shiftKey && !event.isComposing) {
    const continued = continueList(readSelection(area));
    if (continued === null) return;
    event.preventDefault();
    replaceText(area, continued);
  }
}

function readSelection(area) {
  return { text: area.value, start: area.selectionStart, end: area.selectionEnd };
}

/** Change the text through the browser's own editing, so that its undo keeps working. */
function replaceText(area, { text, start, end }) {
  area.focus();
  const { from, to, inserted } = findChange(area.value, text);
  if (from !== to || inserted) {
    area.setSelectionRange(from, to);
    // execCommand is old, but the only way to edit a textarea that leaves the undo history whole
    const isDone = document.execCommand(inserted ? "insertText" : "delete", false, inserted);
    if (!isDone || area.value !== text) {
      area.value = text;
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
  area.setSelectionRange(start, end);
}

function recall() {
  try {
    return localStorage.getItem(WIDTH_KEY) === "yes";
  } catch {
    return false; // storage is switched off
  }
}

function remember(isFixed) {
  try {
    localStorage.setItem(WIDTH_KEY, isFixed ? "yes" : "no");
  } catch {
    // storage is switched off: it lasts as long as the page
  }
}
