/** Words that several parts of the editor show. */
import { languageName } from "../shared/time.js";

/** Where an article stands: label and colour. */
export const STANDINGS = Object.freeze({
  new: { label: "New", kind: "wait" },
  draft: { label: "Draft", kind: "wait" },
  published: { label: "Published", kind: "good" },
  changed: { label: "Unpublished changes", kind: "wait" },
  archived: { label: "Archived", kind: "soft" },
});

/** Languages offered for new articles and translations; the list of articles may know more. */
export const LANGUAGES = Object.freeze(["en", "es", "fr", "de", "zh"]);

/** Who may read an article. */
export const AUDIENCES = Object.freeze({ everyone: "Everyone", staff: "Staff only" });

/** What the bot would do, in one sentence each. */
export const VERDICTS = Object.freeze({
  answer: { label: "Answers", text: "The bot answers with this article.", kind: "good" },
  clarify: { label: "Asks back", text: "The bot asks which of these was meant.", kind: "wait" },
  unsure: { label: "Not sure", text: "The bot says that it is not sure and offers a person.", kind: "alert" },
});

/** @param {number} probability 0..1 @returns {string} never "100 %" or "0 %" by rounding */
export function formatProbability(probability) {
  const percent = Math.round(probability * 100);
  if (percent >= 100 && probability < 1) return "99 %";
  if (percent <= 0 && probability > 0) return "1 %";
  return `${percent} %`;
}

/** "español": a language in its own words, for switches. @param {string} code */
export function ownLanguageName(code) {
  const name = languageName(code, code);
  return name.charAt(0).toLocaleUpperCase(code) + name.slice(1);
}
