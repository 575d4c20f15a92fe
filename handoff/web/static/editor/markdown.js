/**
 * Edits of Markdown text for the toolbar and the keyboard. Pure: text and selection in, text and selection out.
 * Nothing here touches the page.
 *
 * @typedef {{text: string, start: number, end: number}} Selection  a text and what is selected in it
 * @typedef {'bold'|'italic'|'code'|'heading'|'list'|'numbered'|'note'|'link'|'table'} Format
 */

const WRAPPERS = { bold: "**", italic: "_", code: "`" };
const PLACEHOLDERS = { bold: "bold text", italic: "emphasised text", code: "code", link: "link text" };
const LIST_ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;
const LINE_STARTS = {
  heading: { mark: () => "## ", pattern: /^#{1,6}\s+/ },
  list: { mark: () => "- ", pattern: /^[-*+]\s+/ },
  numbered: { mark: (/** @type {number} */ index) => `${index + 1}. `, pattern: /^\d+[.)]\s+/ },
};
const NOTE_MARK = "> **Note:** ";
const TABLE = "| Column | Column |\n| --- | --- |\n| Cell | Cell |\n| Cell | Cell |";

/**
 * Apply one button of the toolbar. Pressing bold, italic, code, heading or a list again takes it away.
 * @param {Format} format
 * @param {Selection} selection
 * @returns {Selection}
 */
export function applyFormat(format, selection) {
  switch (format) {
    case "bold":
    case "italic":
      return toggleWrap(selection, WRAPPERS[format], PLACEHOLDERS[format]);
    case "code":
      return selectedText(selection).includes("\n")
        ? wrapBlock(selection)
        : toggleWrap(selection, "`", PLACEHOLDERS.code);
    case "heading":
    case "list":
    case "numbered":
      return toggleLines(selection, LINE_STARTS[format]);
    case "note":
      return toggleNote(selection);
    case "link":
      return insertLink(selection);
    case "table":
      return insertBlock(selection, TABLE, { from: 2, to: 8 });
    default:
      return selection;
  }
}

/**
 * Continue a list when Enter is pressed inside it; an empty item ends the list.
 * @param {Selection} selection
 * @returns {Selection|null} null where Enter should do its ordinary work
 */
export function continueList({ text, start, end }) {
  if (start !== end) return null;
  const lineStart = findLineStart(text, start);
  const match = LIST_ITEM.exec(text.slice(lineStart, start));
  if (!match) return null;
  const [, indent, mark, rest] = match;
  if (rest.trim() === "") return splice(text, lineStart, start, "", lineStart, lineStart);
  const next = /^\d/.test(mark) ? `${Number.parseInt(mark, 10) + 1}${mark.at(-1)}` : mark;
  const inserted = `\n${indent}${next} `;
  return splice(text, start, end, inserted, start + inserted.length, start + inserted.length);
}

/**
 * Find the smallest replacement that turns one text into another (so that the browser's own undo keeps working).
 * @param {string} before
 * @param {string} after
 * @returns {{from: number, to: number, inserted: string}}
 */
export function findChange(before, after) {
  const shortest = Math.min(before.length, after.length);
  let head = 0;
  while (head < shortest && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shortest - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  return { from: head, to: before.length - tail, inserted: after.slice(head, after.length - tail) };
}

/** Count the words of a text the way a reader would. @param {string} text @returns {number} */
export function countWords(text) {
  return text.match(/[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu)?.length ?? 0;
}

/** @param {Selection} selection */
function selectedText({ text, start, end }) {
  return text.slice(start, end);
}

/** @param {string} text @param {number} at */
function findLineStart(text, at) {
  return at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1; // lastIndexOf takes -1 for 0
}

/** @param {string} text @param {number} at */
function findLineEnd(text, at) {
  const end = text.indexOf("\n", at);
  return end === -1 ? text.length : end;
}

/**
 * @param {string} text @param {number} from @param {number} to @param {string} inserted
 * @param {number} start @param {number} end
 * @returns {Selection}
 */
function splice(text, from, to, inserted, start, end) {
  return { text: text.slice(0, from) + inserted + text.slice(to), start, end };
}

/** @param {Selection} selection @param {string} mark @param {string} placeholder @returns {Selection} */
function toggleWrap({ text, start, end }, mark, placeholder) {
  const size = mark.length;
  const inner = text.slice(start, end);
  if (text.slice(start - size, start) === mark && text.slice(end, end + size) === mark) {
    return splice(text, start - size, end + size, inner, start - size, end - size);
  }
  if (inner.length > 2 * size && inner.startsWith(mark) && inner.endsWith(mark)) {
    return splice(text, start, end, inner.slice(size, -size), start, end - 2 * size);
  }
  const lead = inner.length - inner.trimStart().length;
  const core = inner.trim() || placeholder;
  const trail = inner.trim() ? inner.length - inner.trimEnd().length : 0;
  const inserted = " ".repeat(lead) + mark + core + mark + " ".repeat(trail);
  const coreStart = start + lead + size;
  return splice(text, start, end, inserted, coreStart, coreStart + core.length);
}

/** @param {Selection} selection @returns {Selection} */
function wrapBlock({ text, start, end }) {
  const inner = text.slice(start, end).replace(/\n$/, "");
  return insertBlock({ text, start, end }, `\`\`\`\n${inner}\n\`\`\``, { from: 4, to: 4 + inner.length });
}

/**
 * @param {Selection} selection
 * @param {{mark: (index: number) => string, pattern: RegExp}} kind
 * @returns {Selection}
 */
function toggleLines({ text, start, end }, kind) {
  const from = findLineStart(text, start);
  const to = findLineEnd(text, end > start && text[end - 1] === "\n" ? end - 1 : end);
  const lines = text.slice(from, to).split("\n");
  const filled = lines.filter((line) => line.trim() !== "");
  const isOn = filled.length > 0 && filled.every((line) => kind.pattern.test(line));
  let index = 0;
  const changed = lines.map((line) => {
    if (line.trim() === "" && lines.length > 1) return line;
    const bare = Object.values(LINE_STARTS).reduce((rest, { pattern }) => rest.replace(pattern, ""), line);
    return isOn ? bare : kind.mark(index++) + bare;
  });
  const inserted = changed.join("\n");
  if (start === end) {
    const caret = Math.max(from, start + inserted.length - (to - from));
    return splice(text, from, to, inserted, caret, caret);
  }
  return splice(text, from, to, inserted, from, from + inserted.length);
}

/** @param {Selection} selection @returns {Selection} */
function toggleNote({ text, start, end }) {
  const from = findLineStart(text, start);
  const to = findLineEnd(text, end);
  const block = text.slice(from, to);
  if (block.startsWith(NOTE_MARK)) {
    const bare = block.slice(NOTE_MARK.length).replace(/^> ?/gm, "");
    return splice(text, from, to, bare, from, from + bare.length);
  }
  const core = block.trim() || "Something worth knowing.";
  const quoted = NOTE_MARK + core.split("\n").join("\n> ");
  return insertBlock({ text, start: from, end: to }, quoted, { from: NOTE_MARK.length, to: quoted.length });
}

/** @param {Selection} selection @returns {Selection} */
function insertLink({ text, start, end }) {
  const inner = text.slice(start, end);
  if (/^https?:\/\/\S+$/.test(inner)) {
    return splice(
      text,
      start,
      end,
      `[${PLACEHOLDERS.link}](${inner})`,
      start + 1,
      start + 1 + PLACEHOLDERS.link.length,
    );
  }
  const label = inner || PLACEHOLDERS.link;
  const address = "https://";
  const at = start + label.length + 3;
  return splice(text, start, end, `[${label}](${address})`, at, at + address.length);
}

/**
 * Put a block on lines of its own, with an empty line on both sides.
 * @param {Selection} selection @param {string} block @param {{from: number, to: number}} select  inside the block
 * @returns {Selection}
 */
function insertBlock({ text, start, end }, block, select) {
  const before = text.slice(0, start);
  const after = text.slice(end);
  const lead = before === "" || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  const trail = after === "" ? "\n" : after.startsWith("\n\n") ? "" : after.startsWith("\n") ? "\n" : "\n\n";
  const at = start + lead.length;
  return splice(text, start, end, lead + block + trail, at + select.from, at + select.to);
}
