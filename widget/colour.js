/** Derives readable colours from the one accent colour that a site chooses. Pure. */

const PAPER = { light: "#ffffff", dark: "#16191f" };
const DEFAULT_ACCENT = { light: "#1d5c4f", dark: "#6cc3ad" };
/** Above the 4.5 of WCAG AA, since links are thin. */
const TEXT_CONTRAST = 5;
/** Enough to see where a bubble ends, little enough to leave a brand's colour alone. */
const FILL_CONTRAST = 1.35;

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const toHex = (parts) => `#${parts.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;

function luminance(hex) {
  const [red, green, blue] = channels(hex).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

export function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

export function mix(from, to, share) {
  const target = channels(to);
  return toHex(channels(from).map((part, index) => part + (target[index] - part) * share));
}

/** The nearest colour on the way to black or white that stands out from `ground` by `least`. */
function raised(hex, ground, least) {
  const pole = luminance(ground) > 0.18 ? "#000000" : "#ffffff";
  for (let share = 0; share < 1; share += 0.04) {
    const colour = mix(hex, pole, share);
    if (contrast(colour, ground) >= least) return colour;
  }
  return pole;
}

/** Black or white, whichever reads better on `fill`. */
export function inkOn(fill) {
  return contrast(fill, "#ffffff") >= contrast(fill, "#000000") ? "#ffffff" : "#000000";
}

/**
 * @param {string | null} hex "#rrggbb", or null for Baton's own accent
 * @param {"light" | "dark"} theme
 */
export function accentPalette(hex, theme) {
  const paper = PAPER[theme];
  const fill = raised(hex ?? DEFAULT_ACCENT[theme], paper, FILL_CONTRAST);
  const soft = mix(paper, fill, theme === "dark" ? 0.18 : 0.1);
  return { fill, ink: inkOn(fill), soft, text: raised(fill, soft, TEXT_CONTRAST) };
}
