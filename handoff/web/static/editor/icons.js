/** Icons that only the editor needs, on the same 16 unit grid as the shared ones. Always decorative. */
import { icon } from "../shared/icon.js";

const PATHS = {
  bold: "M4.6 2.8h4a2.5 2.5 0 0 1 0 5h-4zM4.6 7.8h4.7a2.7 2.7 0 0 1 0 5.4H4.6z",
  italic: "M6.6 2.8h5M4.4 13.2h5M9.4 2.8 6.6 13.2",
  heading: "M3.4 2.8v10.4M12.6 2.8v10.4M3.4 8h9.2",
  numbered: "M6.4 4h7.4M6.4 8h7.4M6.4 12h7.4M2.2 3l1-.6v3.4M2 9.2c.3-.6 1.9-.8 1.9.3 0 .8-1.8 1.2-1.9 2.1h2",
  table: "M2 3h12v10H2zM2 6.4h12M2 9.7h12M6.6 3v10",
  code: "M5.4 4.4 1.8 8l3.6 3.6M10.6 4.4 14.2 8l-3.6 3.6",
  plus: "M8 3v10M3 8h10",
  up: "M8 13V3M3.8 7.2 8 3l4.2 4.2",
  outside: "M6.4 3.4H3v9.6h9.6V9.6M9.4 2.6h4v4M13.2 2.8 7.6 8.4",
  globe:
    "M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4zM1.8 8h12.4M8 1.8c3.4 3.4 3.4 9 0 12.4M8 1.8c-3.4 3.4-3.4 9 0 12.4",
};

/** @param {string} name  one of ours or of the shared ones @param {number} [size_px] */
export function editorIcon(name, size_px = 16) {
  if (!(name in PATHS)) return icon(/** @type {any} */ (name), size_px);
  const svg = icon("check", size_px);
  svg.querySelector("path")?.setAttribute("d", PATHS[name]);
  return svg;
}
