/**
 * What changed between two texts, line by line. Pure.
 *
 * @typedef {{kind: 'same'|'removed'|'added', text: string}} DiffLine
 */

/** Longer texts are compared only outside their common head and tail (the table below grows with the product). */
const MAX_TABLE_CELLS = 1_000_000;

/**
 * Compare two texts.
 * @param {string} before
 * @param {string} after
 * @returns {DiffLine[]} in reading order; a removed line stands before the one that replaces it
 */
export function compareLines(before, after) {
  const old = before.split("\n");
  const fresh = after.split("\n");
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head += 1;
  let tail = 0;
  const room = Math.min(old.length, fresh.length) - head;
  while (tail < room && old.at(-1 - tail) === fresh.at(-1 - tail)) tail += 1;
  return [
    ...old.slice(0, head).map(same),
    ...compareMiddle(old.slice(head, old.length - tail), fresh.slice(head, fresh.length - tail)),
    ...old.slice(old.length - tail).map(same),
  ];
}

/**
 * Leave out the middle of long unchanged stretches.
 * @param {DiffLine[]} lines
 * @param {number} [around]  unchanged lines kept on each side of a change
 * @returns {(DiffLine|{kind: 'gap', text: string})[]}
 */
export function foldSame(lines, around = 2) {
  const isNear = lines.map((_, index) =>
    lines.slice(Math.max(0, index - around), index + around + 1).some((line) => line.kind !== "same"),
  );
  /** @type {(DiffLine|{kind: 'gap', text: string})[]} */
  const folded = [];
  lines.forEach((line, index) => {
    if (isNear[index]) folded.push(line);
    else if (folded.at(-1)?.kind !== "gap") folded.push({ kind: "gap", text: "…" });
  });
  return folded;
}

/** @param {string} text @returns {DiffLine} */
function same(text) {
  return { kind: "same", text };
}

/** @param {string[]} old @param {string[]} fresh @returns {DiffLine[]} */
function compareMiddle(old, fresh) {
  if (old.length * fresh.length > MAX_TABLE_CELLS) return replaceAll(old, fresh);
  const longest = buildTable(old, fresh);
  /** @type {DiffLine[]} */
  const lines = [];
  let i = 0;
  let j = 0;
  while (i < old.length && j < fresh.length) {
    if (old[i] === fresh[j]) {
      lines.push(same(old[i]));
      i += 1;
      j += 1;
    } else if (longest[i + 1][j] >= longest[i][j + 1]) {
      lines.push({ kind: "removed", text: old[i++] });
    } else {
      lines.push({ kind: "added", text: fresh[j++] });
    }
  }
  return [...lines, ...replaceAll(old.slice(i), fresh.slice(j))];
}

/** @param {string[]} old @param {string[]} fresh @returns {DiffLine[]} */
function replaceAll(old, fresh) {
  return [
    ...old.map((text) => ({ kind: /** @type {const} */ ("removed"), text })),
    ...fresh.map((text) => ({ kind: /** @type {const} */ ("added"), text })),
  ];
}

/** Lengths of the longest common sequence of every pair of endings. @param {string[]} old @param {string[]} fresh */
function buildTable(old, fresh) {
  const longest = Array.from({ length: old.length + 1 }, () => new Uint32Array(fresh.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = fresh.length - 1; j >= 0; j -= 1) {
      longest[i][j] = old[i] === fresh[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  return longest;
}
