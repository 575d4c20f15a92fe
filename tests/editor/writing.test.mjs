import assert from "node:assert/strict";
import { test } from "node:test";

import { buildState, isDirty, reduce } from "../../handoff/web/static/editor/state.js";
import { Store } from "../../handoff/web/static/editor/store.js";
import { archiveArticle, publishArticle, restoreRevision, saveArticle } from "../../handoff/web/static/editor/writing.js";

const GRACE = { id: "o1", name: "Grace", role: "editor" };
const REFUNDS = buildArticle("refunds", "Money back.");
const BACKUPS = buildArticle("backups", "Every night.");

function buildArticle(slug, body, changes = {}) {
  return {
    slug,
    language: "en",
    title: slug,
    body,
    tags: [],
    phrasings: [],
    audience: "everyone",
    status: "draft",
    revision: 3,
    published_revision: null,
    updated_at: 100,
    author: "Alan",
    html: "",
    source: null,
    translations: [],
    ...changes,
  };
}

/** A bench with an article open, whose server answers each call as `answers` says, once `goesOn` was called. */
function setUp(answers) {
  const store = new Store(buildState(), reduce);
  store.dispatch({ type: "signed_in", operator: GRACE });
  store.dispatch({ type: "article_opened", article: REFUNDS });
  const waiting = [];
  const gateway = {
    listArticles: async () => ({ articles: [], total: 0, languages: [] }),
    readArticle: async () => REFUNDS,
  };
  for (const [name, answer] of Object.entries(answers)) {
    gateway[name] = async () => {
      await new Promise((resolve) => waiting.push(resolve));
      if (answer instanceof Error) throw answer;
      return answer;
    };
  }
  const told = [];
  const places = [];
  return {
    store,
    gateway,
    told,
    places,
    keeper: { drop() {} },
    now: () => 0,
    go: (hash) => places.push(hash),
    ask: async ({ choices }) => choices[0].value,
    tell: (text) => told.push(text),
    /** Let the next call that was begun be answered. */
    async goesOn() {
      while (waiting.length === 0) await new Promise(setImmediate);
      waiting.shift()();
    },
  };
}

const type = (bench, body) => bench.store.dispatch({ type: "draft_edited", change: { body } });
const refused = () => Object.assign(new Error("Others are changing articles."), { code: "changes_under_way", status: 409 });

const VERBS = {
  saving: { verb: saveArticle, answers: { changeArticle: { ...REFUNDS, revision: 4 } } },
  publishing: { verb: publishArticle, answers: { publishArticle: { ...REFUNDS, status: "published" } } },
  archiving: { verb: archiveArticle, answers: { archiveArticle: { ...REFUNDS, status: "archived" } } },
  restoring: {
    verb: (bench) => restoreRevision(bench, { ...REFUNDS, revision: 1 }),
    answers: { changeArticle: { ...REFUNDS, revision: 4 } },
  },
};

for (const [name, { verb, answers }] of Object.entries(VERBS)) {
  for (const isRefused of [false, true]) {
    const outcome = isRefused ? "is refused" : "ends";
    test(`${name} that ${outcome} when another article is open leaves that one alone`, async () => {
      const bench = setUp(isRefused ? { [Object.keys(answers)[0]]: refused() } : answers);
      const done = verb(bench);
      await new Promise(setImmediate);
      bench.store.dispatch({ type: "article_opened", article: BACKUPS });
      const { draft } = bench.store.state;
      await bench.goesOn();
      await done;
      assert.deepEqual(bench.store.state.draft, draft);
      assert.equal(bench.store.state.problem, null);
      assert.deepEqual(bench.places, []);
      if (isRefused) assert.deepEqual(bench.told, ["refunds: Others are changing articles."]);
    });
  }
}

test("archiving keeps what is not saved", async () => {
  const bench = setUp(VERBS.archiving.answers);
  type(bench, "Money back in 30 days.");
  const done = archiveArticle(bench);
  await bench.goesOn();
  await done;
  assert.equal(bench.store.state.draft.article.status, "archived");
  assert.equal(bench.store.state.draft.fields.body, "Money back in 30 days.");
  assert.ok(isDirty(bench.store.state));
});

test("what is typed while a publication saves is kept when it is published", async () => {
  const saved = { ...REFUNDS, body: "Money back in 30 days.", revision: 4 };
  const bench = setUp({ changeArticle: saved, publishArticle: { ...saved, status: "published" } });
  type(bench, "Money back in 30 days.");
  const done = publishArticle(bench);
  type(bench, "Money back in 30 days. Or less.");
  await bench.goesOn();
  await bench.goesOn();
  await done;
  assert.equal(bench.store.state.draft.article.status, "published");
  assert.equal(bench.store.state.draft.fields.body, "Money back in 30 days. Or less.");
});
