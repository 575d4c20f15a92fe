/** Tabs by the book: one stop for Tab, arrows between them, panels named by their tabs. */
import { el, fill } from "../shared/dom.js";

/**
 * @param {HTMLElement} root
 * @param {{label: string, tabs: {name: string, label: string, panel: HTMLElement}[], onChoose: (name: string) => void}} options
 */
export function buildTabs(root, { label, tabs, onChoose }) {
  root.setAttribute("role", "tablist");
  root.setAttribute("aria-label", label);
  const buttons = tabs.map(({ name, label: text, panel }) => {
    panel.id ||= `panel-${name}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", `tab-${name}`);
    return el(
      "button",
      {
        type: "button",
        role: "tab",
        class: "ed-tab",
        id: `tab-${name}`,
        "aria-controls": panel.id,
        value: name,
        on: { click: () => onChoose(name) },
      },
      el("span", { text }),
      el("span", { class: "ed-tab__count", hidden: true }),
    );
  });
  fill(root, buttons);
  root.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (!step || at === -1) return;
    event.preventDefault();
    const next = buttons[(at + step + buttons.length) % buttons.length];
    onChoose(next.value);
    next.focus();
  });
  return {
    /** @param {string} chosen @param {Record<string, number|null>} counts */
    render(chosen, counts) {
      tabs.forEach(({ name, panel }, index) => {
        const isChosen = name === chosen;
        buttons[index].setAttribute("aria-selected", String(isChosen));
        buttons[index].tabIndex = isChosen ? 0 : -1;
        panel.hidden = !isChosen;
        const count = buttons[index].lastElementChild;
        count.hidden = !counts[name];
        count.textContent = counts[name] ? String(counts[name]) : "";
      });
    },
  };
}
