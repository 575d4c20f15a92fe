/** Finding articles in a list by what is typed. Pure. */

/** Lower case, without accents: "Café" is found by "cafe". @param {string} text */
export function foldText(text) {
  return text
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase();
}

/** Does a text hold every word of the query, anywhere? @param {string} text @param {string} query */
export function isMatch(text, query) {
  const haystack = foldText(text);
  return foldText(query)
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => haystack.includes(word));
}
