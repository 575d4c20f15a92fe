/** Copies an article's HTML, which the server has already cleaned, through a second, smaller allow-list. */

const ALLOWED = new Set(
  "A B BLOCKQUOTE BR CODE DD DEL DL DT EM H2 H3 H4 H5 H6 HR I KBD LI OL P PRE S STRONG SUB SUP TABLE TBODY TD TH THEAD TR UL".split(" "),
);
/** Dropped with everything inside; other unknown elements lose only their own tag. */
const DROPPED = new Set("SCRIPT STYLE TEMPLATE IFRAME OBJECT EMBED SVG MATH FORM SELECT TEXTAREA NOSCRIPT TITLE".split(" "));
const LINK_SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);
/** Deeper markup than any article has; stops a hostile nest from exhausting the stack. */
const DEPTH_MAX = 40;

/** @returns {string | null} the absolute address, or null if a visitor should not be sent there */
export function safeAddress(address, base = location.href) {
  try {
    const url = new URL(address, base);
    return LINK_SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Point `node` at an address in a new tab that cannot reach back. */
export function setLink(node, address, base) {
  const href = safeAddress(address, base);
  if (!href) return node;
  node.setAttribute("href", href);
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener");
  return node;
}

/** @param {string} html @param {string} base what relative links start from @returns {DocumentFragment} */
export function safeFragment(html, base) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const fragment = document.createDocumentFragment();
  copyChildren(parsed.body, fragment, 0, base);
  return fragment;
}

function copyChildren(from, to, depth, base) {
  for (const child of from.childNodes) {
    if (child.nodeType === 3) to.append(child.textContent);
    else if (child.nodeType === 1 && !DROPPED.has(child.nodeName.toUpperCase())) copyElement(child, to, depth, base);
  }
}

function copyElement(element, to, depth, base) {
  if (depth > DEPTH_MAX) return;
  if (element.nodeName === "IMG") {
    to.append(element.getAttribute("alt") ?? "");
    return;
  }
  if (!ALLOWED.has(element.nodeName)) {
    copyChildren(element, to, depth + 1, base);
    return;
  }
  const copy = document.createElement(element.nodeName);
  if (element.nodeName === "A") setLink(copy, element.getAttribute("href") ?? "", base);
  if (element.nodeName === "OL" && element.start > 1) copy.start = element.start;
  copyChildren(element, copy, depth + 1, base);
  to.append(copy);
}
