/** Chooses the language of the chat window and fills its words in. Each language is one file; all have the same keys. */

export const LANGUAGES = ["en", "es", "fr", "de"];

/** The first wanted language that there is, else English. @param {string[]} wanted */
export function chooseLanguage(wanted) {
  const subtags = wanted.map((tag) => tag.toLowerCase().split("-")[0]);
  return subtags.find((subtag) => LANGUAGES.includes(subtag)) ?? "en";
}

/** @param {string} text @param {Record<string, string | number | null>} [values] */
export function fill(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (mark, key) => String(values[key] ?? mark));
}

/** @param {string} language one of LANGUAGES @returns {Promise<Record<string, string>>} */
export const loadTexts = async (language) => (await import(`./texts_${language}.js`)).default;
