/** What the help centre gains with JavaScript: the search box of the index, and the date of an article. */
import { isMatch } from "./filter.js";

const search = /** @type {HTMLElement|null} */ (document.querySelector(".help__search"));
if (search) connectSearch(search);
showDate();

/** @param {HTMLElement} root */
function connectSearch(root) {
  const input = /** @type {HTMLInputElement} */ (root.querySelector("input"));
  const count = /** @type {HTMLElement} */ (document.querySelector(".help__count"));
  root.hidden = false;
  input.addEventListener("input", () => filter(input.value, count));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target === input) return;
    event.preventDefault();
    input.focus();
  });
  if (input.value) filter(input.value, count); // the browser keeps it on the way back
}

/** @param {string} query @param {HTMLElement} count */
function filter(query, count) {
  let found = 0;
  for (const section of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".help__topic"))) {
    const topic = section.querySelector(".help__topic-title")?.textContent ?? "";
    let shown = 0;
    for (const item of /** @type {NodeListOf<HTMLElement>} */ (section.querySelectorAll(".help__item"))) {
      item.hidden = !isMatch(`${topic} ${item.textContent}`, query);
      shown += item.hidden ? 0 : 1;
    }
    section.hidden = shown === 0;
    found += shown;
  }
  document.querySelector(".help__topics")?.toggleAttribute("hidden", query.trim() !== "");
  count.textContent =
    query.trim() === "" ? "" : found === 0 ? (count.dataset.none ?? "") : `${count.dataset.found} ${found}`;
}

function showDate() {
  const time = document.querySelector("time[data-at]");
  const at = Number(time?.getAttribute("data-at"));
  if (!time || !Number.isFinite(at) || at <= 0) return;
  const date = new Date(at * 1000);
  time.setAttribute("datetime", date.toISOString());
  time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long" }).format(date);
  time.parentElement?.removeAttribute("hidden");
}
