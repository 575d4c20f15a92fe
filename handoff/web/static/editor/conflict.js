/** Two people changed one article: show both and let the person choose. Nothing is lost either way. */
import { el } from "../shared/dom.js";
import { formatAgo } from "../shared/time.js";
import { openDialog } from "./dialogs.js";
import { buildDiff, buildListChanges } from "./diff_view.js";
import { AUDIENCES } from "./words.js";
import { keepMine, takeTheirs } from "./writing.js";

/** Ask until it is settled. @param {import("./lists.js").Bench} bench */
export async function settleConflict(bench) {
  const { store } = bench;
  const { theirs } = store.state.conflict;
  const mine = store.state.draft.fields;
  const choice = await openDialog({
    title: `${theirs.author} has changed this article meanwhile`,
    isWide: true,
    content: buildContent(theirs, mine, bench.now()),
    buttons: [
      el("button", { type: "submit", value: "", class: "bt-button bt-button--quiet", text: "Go on writing" }),
      el("button", { type: "submit", value: "theirs", class: "bt-button", text: "Use theirs" }),
      el("button", { type: "submit", value: "mine", class: "bt-button bt-button--primary", text: "Save mine over it" }),
    ],
  });
  if (choice === "mine") await keepMine(bench);
  else if (choice === "theirs") takeTheirs(bench);
  else store.dispatch({ type: "conflict_closed" });
}

function buildContent(theirs, mine, now) {
  const parts = [
    theirs.title !== mine.title && buildDiff("Title", theirs.title, mine.title),
    theirs.body !== mine.body && buildDiff("Body", theirs.body, mine.body),
    buildListChanges("Phrasings", theirs.phrasings, mine.phrasings),
    theirs.audience !== mine.audience && buildDiff("Readers", AUDIENCES[theirs.audience], AUDIENCES[mine.audience]),
    buildListChanges("Tags", theirs.tags, mine.tags),
  ].filter(Boolean);
  const ago = formatAgo(theirs.updated_at, now);
  return [
    el("p", {
      text: `Revision ${theirs.revision} was saved ${ago === "now" ? "just now" : ago}. If you save yours over it, theirs stays in the history.`,
    }),
    parts.length
      ? el(
          "p",
          { class: "ed-diff__key" },
          el("del", { text: `theirs (${theirs.author})` }),
          " ",
          el("ins", { text: "yours" }),
        )
      : el("p", { text: "Both versions say the same." }),
    ...parts.flat(),
  ];
}
