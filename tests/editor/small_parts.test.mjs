import assert from "node:assert/strict";
import { test } from "node:test";

import { chooseOutcome } from "../../handoff/web/static/editor/checking.js";
import { DraftKeeper } from "../../handoff/web/static/editor/draft_keeper.js";
import { compareLines, foldSame } from "../../handoff/web/static/editor/line_diff.js";
import { buildArticleHash, buildNewHash, chooseDraftKey, parseRoute } from "../../handoff/web/static/editor/route.js";
import { normaliseTag } from "../../handoff/web/static/editor/tag_input.js";
import { formatProbability } from "../../handoff/web/static/editor/words.js";
import { isMatch } from "../../handoff/web/static/help/filter.js";
import { checkInvitation } from "../../handoff/web/static/people/invite.js";
import { chooseInitials, describeActivity } from "../../handoff/web/static/people/row.js";
import { checkPassword, chooseNext } from "../../handoff/web/static/sign_in/form.js";

const HERE = "https://desk.example";

test("addresses lead to articles and drafts and back", () => {
  assert.deepEqual(parseRoute("#/en/refunds"), { name: "article", language: "en", slug: "refunds", phrasing: "" });
  assert.deepEqual(parseRoute(buildArticleHash({ language: "zh", slug: "退款" }, { phrasing: "50%?" })), {
    name: "article",
    language: "zh",
    slug: "退款",
    phrasing: "50%?",
  });
  assert.deepEqual(parseRoute(buildNewHash({ question: "can I & may I?", language: "de" })), {
    name: "new",
    language: "de",
    question: "can I & may I?",
    slug: "",
    from: "",
  });
  assert.deepEqual(parseRoute("#/questions"), { name: "questions" });
  for (const hash of ["", "#", "#/", "#/nowhere", "#/EN/x/y", "#/%/x"])
    assert.equal(parseRoute(hash).name, "home", hash);
});

test("every unsaved draft has a place of its own", () => {
  const keys = ["#/new", "#/new?question=a", "#/new?question=b", "#/new?language=fr&slug=x&from=en", "#/fr/x"].map(
    (hash) => chooseDraftKey(parseRoute(hash)),
  );
  assert.equal(new Set(keys).size, keys.length);
});

test("a comparison of lines keeps the order and loses nothing", () => {
  const lines = compareLines("a\nb\nc\nd", "a\nc\nx\nd");
  assert.deepEqual(
    lines.map(({ kind, text }) => `${kind} ${text}`),
    ["same a", "removed b", "same c", "added x", "same d"],
  );
});

test("both sides of a comparison can be read back", () => {
  const before = "1\n2\n3\n4\n2\n1";
  const after = "2\n4\n5\n2\n2\n6";
  const lines = compareLines(before, after);
  assert.equal(
    lines
      .filter(({ kind }) => kind !== "added")
      .map(({ text }) => text)
      .join("\n"),
    before,
  );
  assert.equal(
    lines
      .filter(({ kind }) => kind !== "removed")
      .map(({ text }) => text)
      .join("\n"),
    after,
  );
});

test("two long texts that share nothing are compared at once", () => {
  const before = Array.from({ length: 3000 }, (_, index) => `a${index}`).join("\n");
  assert.equal(compareLines(before, before.replaceAll("a", "b")).length, 6000);
});

test("long unchanged stretches are folded", () => {
  const folded = foldSame(compareLines("1\n2\n3\n4\n5\n6\n7\n8", "1\n2\n3\n4\n5\n6\n7\nx"), 2);
  assert.deepEqual(
    folded.map(({ kind }) => kind),
    ["gap", "same", "same", "removed", "added"],
  );
});

function buildStorage() {
  const items = {};
  Object.defineProperties(items, {
    getItem: { value: (key) => items[key] ?? null },
    setItem: { value: (key, text) => (items[key] = text) },
    removeItem: { value: (key) => delete items[key] },
  });
  return items;
}

const FIELDS = { title: "T", body: "B", tags: [], phrasings: [], audience: "everyone", language: "en", slug: "t" };

test("a kept draft comes back, and is dropped for good", () => {
  const keeper = new DraftKeeper(buildStorage(), () => 100);
  keeper.keep("en/t", { fields: FIELDS, baseRevision: 2 });
  assert.deepEqual(keeper.read("en/t"), { fields: FIELDS, baseRevision: 2, keptAt: 100 });
  keeper.drop("en/t");
  assert.equal(keeper.read("en/t"), null);
});

test("only twenty drafts are kept, the oldest go; drafts of last month go, too", () => {
  let now = 0;
  const storage = buildStorage();
  const keeper = new DraftKeeper(storage, () => now);
  for (now = 1; now <= 21; now += 1) keeper.keep(`en/${now}`, { fields: FIELDS, baseRevision: 1 });
  assert.equal(Object.keys(storage).length, 20);
  assert.equal(keeper.read("en/1"), null);
  now = 40 * 24 * 3600;
  keeper.keep("en/fresh", { fields: FIELDS, baseRevision: 1 });
  assert.deepEqual(Object.keys(storage), ["baton.draft.en/fresh"]);
});

test("a browser that keeps nothing, or nonsense, does no harm", () => {
  const broken = {
    getItem: () => "{",
    setItem: () => {
      throw new Error("full");
    },
    removeItem: () => {
      throw new Error("off");
    },
  };
  const keeper = new DraftKeeper(broken, () => 1);
  keeper.keep("en/t", { fields: FIELDS, baseRevision: 1 });
  keeper.drop("en/t");
  assert.equal(keeper.read("en/t"), null);
});

test("after signing in one stays on this site", () => {
  assert.equal(chooseNext("?next=%2Feditor%23%2Fen%2Fa", "operator", HERE), "/editor#/en/a");
  for (const bad of [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "javascript:alert(1)",
    "",
    "/sign-in?next=x",
    "/join/abc",
  ]) {
    assert.equal(chooseNext(`?next=${encodeURIComponent(bad)}`, "operator", HERE), "/console", bad);
  }
  assert.equal(chooseNext("", "editor", HERE), "/editor");
});

test("a password has twelve characters, as people count them", () => {
  assert.deepEqual(checkPassword("short", ""), { isLongEnough: false, missing: 7, isSame: false });
  assert.deepEqual(checkPassword("correct horse", "correct horse"), { isLongEnough: true, missing: 0, isSame: true });
  assert.equal(checkPassword("🦉".repeat(11), "").missing, 1);
});

test("an invitation needs a name and an address", () => {
  assert.deepEqual(Object.keys(checkInvitation({ name: " ", email: "ada" })), ["name", "email"]);
  assert.deepEqual(checkInvitation({ name: "Ada", email: " ada@example.com " }), {});
});

test("a person's activity in words", () => {
  const person = { is_active: true, is_invited: false, last_seen_at: 1_000_000 };
  assert.equal(describeActivity(person, 1_000_010), "Here now");
  assert.equal(describeActivity(person, 1_000_300), "5 min ago");
  assert.equal(describeActivity({ ...person, is_active: false }, 1_000_300), "Deactivated");
  assert.equal(describeActivity({ ...person, last_seen_at: null }, 1_000_300), "Never here");
  assert.equal(chooseInitials("Grace Brewster Hopper"), "GH");
  assert.equal(chooseInitials("ada"), "A");
});

test("small words", () => {
  assert.equal(normaliseTag("  #Two  Factor "), "two factor");
  assert.equal(formatProbability(0.999), "99 %");
  assert.equal(formatProbability(0.001), "1 %");
  assert.equal(formatProbability(1), "100 %");
});

test("a phrasing is checked against the place of the article", () => {
  assert.equal(chooseOutcome("answer", 0), "answered");
  assert.equal(chooseOutcome("answer", 1), "other");
  assert.equal(chooseOutcome("answer", -1), "other");
  assert.equal(chooseOutcome("clarify", 2), "offered");
  assert.equal(chooseOutcome("clarify", 3), "missed");
  assert.equal(chooseOutcome("unsure", 0), "missed");
});

test("the help centre finds words without their accents", () => {
  assert.equal(isMatch("Café in Zürich", "cafe zuri"), true);
  assert.equal(isMatch("Café in Zürich", "cafe bern"), false);
  assert.equal(isMatch("anything", "  "), true);
});
