/** Showing what differs between two texts or two lists. Signs as well as colours tell the sides apart. */
import { el } from "../shared/dom.js";
import { compareLines, foldSame } from "./line_diff.js";

const SIGNS = { same: " ", removed: "−", added: "+", gap: "" };
const SPOKEN = { removed: "removed: ", added: "added: " };

/** @param {string} label @param {string} before @param {string} after */
export function buildDiff(label, before, after) {
  return el(
    "figure",
    { class: "ed-diff" },
    el("figcaption", { class: "ed-diff__label", text: label }),
    el("div", { class: "ed-diff__lines" }, foldSame(compareLines(before, after)).map(buildLine)),
  );
}

/** @param {string} label @param {string[]} before @param {string[]} after  null where the lists are the same */
export function buildListChanges(label, before, after) {
  return before.join("\n") === after.join("\n") ? null : buildDiff(label, before.join("\n"), after.join("\n"));
}

function buildLine({ kind, text }) {
  return el(
    "p",
    { class: ["ed-diff__line", `ed-diff__line--${kind}`] },
    el("span", { class: "ed-diff__sign", "aria-hidden": "true", text: SIGNS[kind] }),
    SPOKEN[kind] && el("span", { class: "bt-visually-hidden", text: SPOKEN[kind] }),
    el("span", { text: text || " " }),
  );
}
