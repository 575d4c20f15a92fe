/**
 * Building page content without ever parsing a string as HTML in the page: text goes through textContent, addresses
 * through a check, and HTML made by the server through a parser without scripts and an allow-list of elements.
 */

const SAFE_PROTOCOLS = new Set(["http:", "https:", "mailto:", "tel:"]);
const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "indeterminate", "selected", "open"]);
const ADDRESSES = new Set(["href", "src", "action", "formaction"]);

/**
 * Create an element.
 * `class` takes a string or a list (falsy entries are left out), `text` becomes textContent, `dataset` an object,
 * `on` an object of listeners; null, undefined and false attributes are left out, true becomes an empty attribute.
 * @param {string} tag
 * @param {object|null} [attributes]
 * @param {...(Node|string|number|null|undefined|false|Array)} children  strings become text nodes
 * @returns {HTMLElement}
 */
export function el(tag, attributes = null, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) setAttribute(element, name, value);
  append(element, children);
  return element;
}

/** `href` where it is safe to follow, else null (javascript: and its kin). Relative addresses are safe. */
export function checkUrl(href) {
  try {
    const url = new URL(String(href), document.baseURI);
    return SAFE_PROTOCOLS.has(url.protocol) ? String(href) : null;
  } catch {
    return null; // not an address
  }
}

/** Replace what `parent` shows. */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
  return parent;
}

/**
 * Make the children of `parent` match `items` with as few changes as possible: kept elements keep focus and scroll.
 * @template T
 * @param {Element} parent
 * @param {T[]} items
 * @param {{key: (item: T) => string, build: (item: T) => Element, update?: (element: Element, item: T) => Element|void,
 *   known?: Map<string, Element>}} how  `update` may return a replacement; `known` is the caller's map, kept up to date
 */
export function reconcile(parent, items, { key, build, update, known = new Map() }) {
  const ids = items.map(key);
  const wanted = new Set(ids);
  for (const [id, element] of known) {
    if (wanted.has(id)) continue;
    known.delete(id);
    if (element.parentElement === parent) element.remove();
  }
  let place = parent.firstElementChild;
  items.forEach((item, index) => {
    const kept = known.get(ids[index]);
    const element = kept ? (update?.(kept, item) ?? kept) : build(item);
    if (kept && element !== kept) {
      if (place === kept) place = kept.nextElementSibling;
      kept.remove();
    }
    known.set(ids[index], element);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  });
}

const ALLOWED = new Map(
  Object.entries({
    a: ["href", "title"], abbr: ["title"], b: [], blockquote: ["class"], br: [], code: ["class"], dd: [], del: [], div: [], dl: [],
    dt: [], em: [], h1: ["id"], h2: ["id"], h3: ["id"], h4: ["id"], h5: ["id"], h6: ["id"], hr: [], i: [], img: ["src", "alt", "title", "width", "height"],
    kbd: [], li: [], ol: ["start"], p: ["class"], pre: [], s: [], span: [], strong: [], sub: [], sup: [], table: [], tbody: [],
    td: ["colspan", "rowspan"], th: ["colspan", "rowspan", "scope"], thead: [], tr: [], ul: [], mark: [], small: [],
  }),
);
/** Note boxes and code: what an article says about itself must not look like a part of the page around it. */
const OWN_CLASSES = /^(callout|language-)[\w -]*$/;
const DROPPED = new Set(["script", "style", "iframe", "object", "embed", "template", "svg", "math", "form", "noscript", "title", "textarea", "select"]);

/**
 * Copy sanitised HTML of the server into a fragment: a second lock behind the server's own. Unknown elements give
 * way to their content, dangerous ones go with it; links open in a new tab and tell the other side nothing.
 * @param {string} html
 * @returns {DocumentFragment}
 */
export function copyHtml(html) {
  const parsed = new DOMParser().parseFromString(String(html ?? ""), "text/html"); // scripts do not run in there
  const fragment = document.createDocumentFragment();
  for (const child of parsed.body.childNodes) copyNode(child, fragment);
  return fragment;
}

function copyNode(node, target) {
  if (node.nodeType === Node.TEXT_NODE) {
    target.append(node.data);
    return;
  }
  if (node.nodeType !== Node.ELEMENT_NODE) return;
  const tag = node.localName;
  if (DROPPED.has(tag)) return;
  const names = ALLOWED.get(tag);
  const copy = names ? target.appendChild(document.createElement(tag)) : target;
  for (const name of names ?? []) copyAttribute(node, copy, name);
  if (tag === "a") setOutside(copy);
  for (const child of node.childNodes) copyNode(child, copy);
}

function copyAttribute(from, to, name) {
  const value = from.getAttribute(name);
  if (value === null) return;
  if (ADDRESSES.has(name) && checkUrl(value) === null) return;
  if (name === "class" && !OWN_CLASSES.test(value)) return;
  to.setAttribute(name, value);
}

function setOutside(link) {
  link.setAttribute("target", "_blank");
  link.setAttribute("rel", "noopener noreferrer");
}

function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "class") element.className = Array.isArray(value) ? value.filter(Boolean).join(" ") : value;
  else if (name === "text") element.textContent = value;
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
  else if (PROPERTIES.has(name)) element[name] = value;
  else if (name === "style" || name.startsWith("on") || name === "srcdoc") throw new TypeError(`el() does not set ${name}`);
  else if (ADDRESSES.has(name)) setAddress(element, name, value);
  else element.setAttribute(name, value === true ? "" : String(value));
}

function setAddress(element, name, value) {
  const safe = checkUrl(value);
  if (safe !== null) element.setAttribute(name, safe);
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(typeof child === "number" ? String(child) : child);
  }
}
