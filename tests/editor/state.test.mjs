import assert from "node:assert/strict";
import { test } from "node:test";

import { EMPTY_FIELDS, checkFields } from "../../handoff/web/static/editor/fields.js";
import {
  buildState,
  canPublish,
  canSave,
  chooseStanding,
  isDirty,
  reduce,
} from "../../handoff/web/static/editor/state.js";

const GRACE = { id: "o1", name: "Grace", role: "editor" };

function buildArticle(changes = {}) {
  return {
    slug: "refunds",
    language: "en",
    title: "Refunds",
    body: "Money back.",
    tags: ["billing"],
    phrasings: ["money back"],
    audience: "everyone",
    status: "published",
    revision: 3,
    published_revision: 3,
    updated_at: 100,
    author: "Alan",
    html: "<p>Money back.</p>",
    source: null,
    translations: [],
    ...changes,
  };
}

function play(...actions) {
  return actions.reduce(reduce, reduce(buildState(), { type: "signed_in", operator: GRACE }));
}

const opened = { type: "article_opened", article: buildArticle() };
const typed = { type: "draft_edited", change: { body: "Money back in 30 days." } };

test("an opened article is clean and cannot be saved or published again", () => {
  const state = play(opened);
  assert.equal(isDirty(state), false);
  assert.equal(canSave(state), false);
  assert.equal(canPublish(state), false);
  assert.equal(state.pane, "write");
});

test("typing makes it dirty, typing back makes it clean", () => {
  assert.equal(isDirty(play(opened, typed)), true);
  assert.equal(isDirty(play(opened, typed, { type: "draft_edited", change: { body: "Money back." } })), false);
});

test("an empty phrasing is no change", () => {
  assert.equal(isDirty(play(opened, { type: "draft_edited", change: { phrasings: ["money back", " "] } })), false);
});

test("what is typed during a save stays and counts as unsaved", () => {
  const before = play(opened, typed);
  const sent = before.draft.fields;
  const during = reduce(reduce(before, { type: "work_started", work: "saving" }), {
    type: "draft_edited",
    change: { title: "Refunds and returns" },
  });
  const after = reduce(during, {
    type: "article_saved",
    article: buildArticle({ body: sent.body, revision: 4 }),
    sent,
  });
  assert.equal(after.draft.fields.title, "Refunds and returns");
  assert.equal(after.draft.saved.body, sent.body);
  assert.equal(after.draft.baseRevision, 4);
  assert.equal(isDirty(after), true);
});

test("a saved article shows what the server made of it", () => {
  const before = play(opened, { type: "draft_edited", change: { title: " Refunds! " } });
  const after = reduce(before, {
    type: "article_saved",
    article: buildArticle({ title: "Refunds!", revision: 4 }),
    sent: before.draft.fields,
  });
  assert.equal(after.draft.fields.title, "Refunds!");
  assert.equal(isDirty(after), false);
  assert.equal(chooseStanding(after.draft), "changed");
  assert.equal(canPublish(after), true);
});

test("operators may only read", () => {
  const state = reduce(play(opened, typed), { type: "signed_in", operator: { ...GRACE, role: "operator" } });
  assert.equal(canSave(state), false);
  assert.equal(canPublish(state), false);
});

test("nothing can be saved twice at once", () => {
  assert.equal(canSave(play(opened, typed, { type: "work_started", work: "saving" })), false);
});

test("a draft for a question starts clean, can be saved, and remembers the question", () => {
  const state = play({
    type: "draft_started",
    key: "new:x",
    fields: { language: "de", phrasings: ["x?"] },
    question: "x?",
  });
  assert.deepEqual(state.draft.fields, { ...EMPTY_FIELDS, language: "de", phrasings: ["x?"] });
  assert.equal(isDirty(state), false);
  assert.equal(canSave(state), true);
  assert.equal(state.draft.question, "x?");
  assert.equal(chooseStanding(state.draft), "new");
});

test("a kept draft is offered only when it differs, and restored with its own base revision", () => {
  const fields = { ...buildArticle(), body: "Kept." };
  const same = play({ ...opened, kept: { fields: buildArticle(), baseRevision: 2, keptAt: 1 } });
  assert.equal(same.draft.kept, null);
  const offered = play({ ...opened, kept: { fields, baseRevision: 2, keptAt: 1 } });
  assert.equal(isDirty(offered), false);
  const restored = reduce(offered, { type: "kept_restored" });
  assert.equal(restored.draft.fields.body, "Kept.");
  assert.equal(restored.draft.baseRevision, 2);
});

test("of two versions, mine goes on top of theirs", () => {
  const theirs = buildArticle({ body: "Theirs.", revision: 4 });
  const state = play(opened, typed, { type: "conflict_found", theirs }, { type: "mine_kept" });
  assert.equal(state.draft.fields.body, "Money back in 30 days.");
  assert.equal(state.draft.baseRevision, 4);
  assert.equal(state.conflict, null);
  assert.equal(isDirty(state), true);
});

test("of two versions, theirs replaces mine", () => {
  const theirs = buildArticle({ body: "Theirs.", revision: 4 });
  const state = play(opened, typed, { type: "conflict_found", theirs }, { type: "theirs_taken" });
  assert.equal(state.draft.fields.body, "Theirs.");
  assert.equal(isDirty(state), false);
});

test("an error names its field until the field changes", () => {
  const failed = play(opened, { type: "work_failed", message: "Too long.", field: "body" });
  assert.deepEqual(failed.draft.errors, { body: "Too long." });
  assert.equal(failed.problem, null);
  assert.deepEqual(reduce(failed, typed).draft.errors, {});
  assert.equal(play(opened, { type: "work_failed", message: "No." }).problem.message, "No.");
});

test("a title and a body are needed", () => {
  assert.deepEqual(Object.keys(checkFields({ ...EMPTY_FIELDS, body: " \n" })), ["title", "body"]);
  assert.deepEqual(checkFields(buildArticle()), {});
});

test("another article has neither the trial nor the history of the last one", () => {
  const state = play(
    opened,
    { type: "trial_answered", answer: {} },
    { type: "history_loaded", revisions: [1] },
    { ...opened, article: buildArticle({ slug: "spam" }) },
  );
  assert.equal(state.trial.phase, "idle");
  assert.deepEqual(state.history.revisions, []);
});

test("an unknown action changes nothing", () => {
  const state = play(opened);
  assert.equal(reduce(state, { type: "sneezed" }), state);
});

test("what was said about a question stays when the list is loaded again", () => {
  const items = [{ question: "refund?" }, { question: "bitcoin?" }];
  const loaded = { type: "questions_loaded", items };
  const labelled = { type: "question_labelled", question: "refund?", isRight: false };
  assert.deepEqual(play(loaded, labelled, loaded).questions.items, [{ question: "refund?", isRight: false }, items[1]]);
});
