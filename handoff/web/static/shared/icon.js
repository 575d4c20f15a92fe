/** Line icons on a 16 unit grid, drawn as elements: no sprite to fetch, no markup to parse. Always decorative. */

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  alert: "M8 2.2 14.4 13.3H1.6zM8 6.4v3.2M8 11.4v.2",
  article: "M4 1.8h5.6L12.4 4.6v9.6H4zM6.2 7.4h4.2M6.2 10.2h4.2",
  back: "M9.8 3.2 5 8l4.8 4.8",
  bell: "M4.2 11V7a3.8 3.8 0 0 1 7.6 0v4l1.2 1.4H3zM6.8 14.2h2.4",
  "bell-off": "M4.2 11V7c0-.6.1-1.2.4-1.7M6 3.7A3.8 3.8 0 0 1 11.8 7v2.4M11.4 12.4H3L4.2 11M6.8 14.2h2.4M2 2l12 12",
  bot: "M3 5.8h10v7.4H3zM8 5.8V3M6 8.8v1.2M10 8.8v1.2M1.4 8.6v2M14.6 8.6v2",
  check: "M3 8.6 6.4 12 13 4.6",
  chevron: "M4.4 6.2 8 9.8l3.6-3.6",
  close: "M4 4l8 8M12 4l-8 8",
  down: "M8 3v10M3.8 8.8 8 13l4.2-4.2",
  help: "M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4zM6.2 6.2C6.3 5 7.1 4.4 8.1 4.4c1 0 1.8.7 1.8 1.6 0 1.4-1.9 1.5-1.9 3M8 11.2v.2",
  inbox: "M2 9.2 4 3h8l2 6.2V13H2zM2 9.2h3.6l1 1.8h2.8l1-1.8H14",
  link: "M6.8 9.2a2.6 2.6 0 0 0 3.8.1l2-2a2.6 2.6 0 0 0-3.7-3.7l-.9.9M9.2 6.8a2.6 2.6 0 0 0-3.8-.1l-2 2a2.6 2.6 0 0 0 3.7 3.7l.9-.9",
  leave: "M6.4 2.4H2.8v11.2h3.6M6.6 8h7M10.8 5.2 13.6 8l-2.8 2.8",
  list: "M5.4 4h8.4M5.4 8h8.4M5.4 12h8.4M2.2 4h.4M2.2 8h.4M2.2 12h.4",
  moon: "M13.4 9.6A5.8 5.8 0 0 1 6.4 2.6 5.8 5.8 0 1 0 13.4 9.6z",
  more: "M2.9 8a.5.5 0 1 0 1 0a.5.5 0 1 0-1 0M7.5 8a.5.5 0 1 0 1 0a.5.5 0 1 0-1 0M12.1 8a.5.5 0 1 0 1 0a.5.5 0 1 0-1 0",
  note: "M2.6 2.6h10.8v7L9.6 13.4h-7zM13.2 9.6H9.6v3.6",
  panel: "M2 3h12v10H2zM10 3v10",
  person: "M8 8.2a2.9 2.9 0 1 0 0-5.8 2.9 2.9 0 0 0 0 5.8zM2.6 14c.3-2.6 2.5-3.8 5.4-3.8s5.1 1.2 5.4 3.8",
  retry: "M13.4 3v3.4H10M13.2 6.4a5.6 5.6 0 1 0 .4 2.6",
  search: "M7 11.6a4.6 4.6 0 1 0 0-9.2 4.6 4.6 0 0 0 0 9.2zM10.4 10.4l3.4 3.4",
  send: "M2.4 8 13.8 2.6 10 13.6 7.8 9z",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.4v1.4M8 13.2v1.4M1.4 8h1.4M13.2 8h1.4M3.3 3.3l1 1M11.7 11.7l1 1M12.7 3.3l-1 1M4.3 11.7l-1 1",
  auto: "M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4zM8 1.8v12.4M8 5h5.2M8 8h6.2M8 11h5.2",
  transfer: "M2.4 5.4h10.4L10 2.6M13.6 10.6H3.2L6 13.4",
  "thumb-down": "M5 9.2V2.6H11.6L13.6 7.6V9.2H9.2L9.8 13.2 8.6 13.8 5 9.2zM2.4 2.6v6.6",
  "thumb-up": "M5 6.8v6.6H11.6L13.6 8.4V6.8H9.2L9.8 2.8 8.6 2.2 5 6.8zM2.4 6.8v6.6",
  clock: "M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4zM8 4.6V8l2.4 1.6",
};

/**
 * @param {keyof typeof PATHS} name
 * @param {number} [size_px]
 * @returns {SVGSVGElement}
 */
export function icon(name, size_px = 16) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = {
    viewBox: "0 0 16 16", width: size_px, height: size_px, fill: "none", stroke: "currentColor", "stroke-width": 1.4,
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true", focusable: "false", class: "icon",
  };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, String(value));
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
