import assert from "node:assert/strict";
import { test } from "node:test";

import { applyFormat, continueList, countWords, findChange } from "../../handoff/web/static/editor/markdown.js";

/** "a |b| c" is the text "a b c" with b selected; one bar is a caret. */
function read(marked) {
  const start = marked.indexOf("|");
  const end = marked.lastIndexOf("|");
  if (start === end) return { text: marked.replace("|", ""), start, end: start };
  return { text: marked.replaceAll("|", ""), start, end: end - 1 };
}

function write({ text, start, end }) {
  return start === end
    ? `${text.slice(0, start)}|${text.slice(start)}`
    : `${text.slice(0, start)}|${text.slice(start, end)}|${text.slice(end)}`;
}

const cases = [
  ["bold", "say |hello| now", "say **|hello|** now"],
  ["bold", "say **|hello|** now", "say |hello| now"],
  ["bold", "say |**hello**| now", "say |hello| now"],
  ["bold", "say | now", "say **|bold text|** now"],
  ["bold", "say |hello |now", "say **|hello|** now"],
  ["italic", "|so|", "_|so|_"],
  ["code", "run |ls|", "run `|ls|`"],
  ["code", "|a\nb|", "```\n|a\nb|\n```\n"],
  ["heading", "Re|store", "## Re|store"],
  ["heading", "## Re|store", "Re|store"],
  ["list", "|one\ntwo|", "|- one\n- two|"],
  ["list", "|- one\n- two|", "|one\ntwo|"],
  ["numbered", "|- one\n- two|", "|1. one\n2. two|"],
  ["numbered", "|one\n\ntwo|", "|1. one\n\n2. two|"],
  ["list", "|", "- |"],
  ["note", "Mind| this", "> **Note:** |Mind this|\n"],
  ["note", "> **Note:** Mind| this", "|Mind this|"],
  ["link", "see |here|", "see [here](|https://|)"],
  ["link", "see |https://example.com/a|", "see [|link text|](https://example.com/a)"],
];

for (const [format, before, after] of cases) {
  test(`${format} turns ${JSON.stringify(before)} into ${JSON.stringify(after)}`, () => {
    assert.equal(write(applyFormat(format, read(before))), after);
  });
}

test("a table stands on lines of its own", () => {
  const { text } = applyFormat("table", read("before|after"));
  assert.match(text, /^before\n\n\| Column \| Column \|\n[^]*\|\n\nafter$/);
});

test("an unknown format changes nothing", () => {
  assert.equal(write(applyFormat("shout", read("a|b"))), "a|b");
});

test("Enter goes on with a list, and an empty item ends it", () => {
  assert.equal(write(continueList(read("- one|"))), "- one\n- |");
  assert.equal(write(continueList(read("  3. three|"))), "  3. three\n  4. |");
  assert.equal(write(continueList(read("- one\n- |"))), "- one\n|");
  assert.equal(continueList(read("plain|")), null);
  assert.equal(continueList(read("- |one|")), null);
});

test("the smallest change between two texts is found", () => {
  assert.deepEqual(findChange("a b c", "a **b** c"), { from: 2, to: 3, inserted: "**b**" });
  assert.deepEqual(findChange("aaa", "aa"), { from: 2, to: 3, inserted: "" });
  assert.deepEqual(findChange("same", "same"), { from: 4, to: 4, inserted: "" });
});

test("every format can be undone by its own change", () => {
  for (const [format, before] of cases) {
    const selection = read(before);
    const { text } = applyFormat(format, selection);
    const { from, to, inserted } = findChange(selection.text, text);
    assert.equal(selection.text.slice(0, from) + inserted + selection.text.slice(to), text);
  }
});

test("words are counted in every script with spaces", () => {
  assert.equal(countWords("It's two-factor, d’accord? 42"), 4);
  assert.equal(countWords(""), 0);
});

test("a format at the very start leaves an empty first line where it is", () => {
  assert.equal(applyFormat("heading", { text: "\nabc", start: 0, end: 0 }).text, "## \nabc");
});
