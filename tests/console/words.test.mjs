import assert from "node:assert/strict";
import { test } from "node:test";

import { explainError, explainReason, findSearchWords, formatShare, namePage, nameReason, nameVisitor, previewLast, shortenUrl } from "../../handoff/web/static/console/words.js";
import { ALAN, GRACE, buildSummary } from "./cast.mjs";

const REASONS = ["asked_for_person", "unsure_twice", "unhelpful_twice", "guarded_topic", "bot_failed", "frustrated"];

test("every reason has words, and a new one stays readable", () => {
  for (const reason of REASONS) assert.notEqual(nameReason(reason), nameReason(reason).toLowerCase().replaceAll(" ", "_"));
  assert.equal(nameReason("moon_phase"), "Moon phase");
  assert.equal(explainReason("moon_phase"), "Moon phase.");
});

test("a visitor always has a name", () => {
  assert.equal(nameVisitor(buildSummary()), "Ada");
  assert.equal(nameVisitor({ number: 7, visitor: { name: null, email: "a@b.example" } }), "a@b.example");
  assert.equal(nameVisitor({ number: 7, visitor: { name: "", email: null } }), "Visitor 7");
});

test("shares are whole percents within bounds", () => {
  assert.deepEqual([0, 0.624, 1, 1.2, -1, NaN, null].map(formatShare), ["0 %", "62 %", "100 %", "100 %", "0 %", "", ""]);
});

test("addresses are short, and what is none stays itself", () => {
  assert.equal(shortenUrl("https://www.shop.example/a/b?x=1"), "shop.example/a/b");
  assert.equal(shortenUrl("not an address"), "not an address");
  assert.equal(namePage({ title: "", url: "https://shop.example/" }), "shop.example");
  assert.equal(namePage(null), "");
});

test("search words are read from the referrer where it still tells", () => {
  assert.equal(findSearchWords("https://search.example/?q=charged+twice"), "charged twice");
  assert.equal(findSearchWords("https://search.example/"), "");
  assert.equal(findSearchWords(""), "");
});

test("the last words name who said them", () => {
  const said = (author_kind, holder) => previewLast(buildSummary({ holder, last: { author_kind, text: "a\n b" } }), GRACE);
  assert.deepEqual([said("visitor", null), said("bot", null), said("operator", GRACE), said("operator", ALAN)], ["a b", "Bot: a b", "You: a b", "Alan: a b"]);
  assert.equal(previewLast(buildSummary({ last: null }), GRACE), "");
});

test("a refusal always has words", () => {
  assert.equal(explainError({ code: "x", message: "Said so." }), "Said so.");
  assert.match(explainError({ code: "no_answer" }), /connection was lost/);
  assert.match(explainError({ code: "x" }), /Not done \(x\)/);
});
