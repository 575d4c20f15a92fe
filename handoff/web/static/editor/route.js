/**
 * The address after # of the editor, as a value. Pure. `#/en/refunds` is an article, `#/new?…` a draft that was never
 * saved, `#/questions` the list of what the bot could not answer.
 *
 * @typedef {{name: 'home'} | {name: 'questions'} | {name: 'article', language: string, slug: string, phrasing: string}
 *   | {name: 'new', language: string, question: string, slug: string, from: string}} Route
 */

const LANGUAGE = /^[a-z]{2,3}$/;

/** Read an address; anything unknown is home. @param {string} hash @returns {Route} */
export function parseRoute(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const options = new URLSearchParams(query);
  const parts = path.split("/").filter(Boolean).map(decodePart);
  if (parts.length === 1 && parts[0] === "questions") return { name: "questions" };
  if (parts.length === 1 && parts[0] === "new") {
    return {
      name: "new",
      language: pickLanguage(options.get("language")),
      question: options.get("question") ?? "",
      slug: options.get("slug") ?? "",
      from: pickLanguage(options.get("from")),
    };
  }
  if (parts.length === 2 && LANGUAGE.test(parts[0])) {
    return { name: "article", language: parts[0], slug: parts[1], phrasing: options.get("phrasing") ?? "" };
  }
  return { name: "home" };
}

/** The address of an article. @param {{language: string, slug: string}} article @param {{phrasing?: string}} [options] */
export function buildArticleHash({ language, slug }, { phrasing = "" } = {}) {
  const query = phrasing ? `?${new URLSearchParams({ phrasing })}` : "";
  return `#/${encodeURIComponent(language)}/${encodeURIComponent(slug)}${query}`;
}

/** The address of a new draft. @param {{language?: string, question?: string, slug?: string, from?: string}} [options] */
export function buildNewHash(options = {}) {
  const filled = Object.entries(options).filter(([, value]) => value);
  return filled.length ? `#/new?${new URLSearchParams(filled)}` : "#/new";
}

/** The name under which this browser keeps a draft. @param {Route} route @returns {string} */
export function chooseDraftKey(route) {
  if (route.name === "article") return `${route.language}/${route.slug}`;
  if (route.name === "new") return `new:${route.slug ? `${route.language}/${route.slug}` : route.question}`;
  return "";
}

/** @param {string} part */
function decodePart(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a stray % in a link typed by hand
  }
}

/** @param {string|null} language */
function pickLanguage(language) {
  return language !== null && LANGUAGE.test(language) ? language : "";
}
