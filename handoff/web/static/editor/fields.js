/**
 * The content of an article as the form holds it: what is compared, checked and sent. Pure.
 *
 * @typedef {{title: string, body: string, tags: string[], phrasings: string[],
 *   audience: string, language: string, slug: string}} Fields
 */

/** @type {Fields} */
export const EMPTY_FIELDS = Object.freeze({
  title: "",
  body: "",
  tags: [],
  phrasings: [],
  audience: "everyone",
  language: "en",
  slug: "",
});

/** The content of an article as the form holds it. @param {import("./state.js").Article} article @returns {Fields} */
export function takeFields(article) {
  const { title, body, tags, phrasings, audience = "everyone", language, slug } = article;
  return { title, body, tags: [...tags], phrasings: [...phrasings], audience, language, slug };
}

/** @param {Fields} one @param {Fields} other */
export function areSame(one, other) {
  return (
    one.title === other.title &&
    one.body === other.body &&
    one.audience === other.audience &&
    one.language === other.language &&
    areSameLists(one.tags, other.tags) &&
    areSameLists(dropEmpty(one.phrasings), dropEmpty(other.phrasings))
  );
}

/** What must be mended before it can be saved; empty when nothing. @param {Fields} fields */
export function checkFields(fields) {
  /** @type {Record<string, string>} */
  const errors = {};
  if (fields.title.trim() === "") errors.title = "Give the article a title. The bot shows it to visitors.";
  if (fields.body.trim() === "") errors.body = "Write the answer: one sentence at least.";
  return errors;
}

/** @param {string[]} one @param {string[]} other */
function areSameLists(one, other) {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}

/** @param {string[]} items */
function dropEmpty(items) {
  return items.filter((item) => item.trim() !== "");
}
