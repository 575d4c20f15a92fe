import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { accentPalette, contrast } from "../../widget/colour.js";
import { chooseLanguage, fill, LANGUAGES, loadTexts } from "../../widget/texts.js";

const english = await loadTexts("en");
const marks = (text) => (text.match(/\{\w+\}/g) ?? []).sort();

for (const language of LANGUAGES) {
  test(`${language} has every text, with the same places to fill in`, async () => {
    const texts = await loadTexts(language);
    assert.deepEqual(Object.keys(texts), Object.keys(english));
    for (const [key, text] of Object.entries(texts)) {
      assert.ok(text.trim(), key);
      assert.deepEqual(marks(text), marks(english[key]), key);
    }
  });
}

test("every text is used, and every used text exists", () => {
  const sources = ["view", "items", "forms", "timeline", "frame"].map((name) => readFileSync(new URL(`../../widget/${name}.js`, import.meta.url), "utf8")).join();
  for (const key of Object.keys(english)) assert.match(sources, new RegExp(`texts\\.${key}\\b|"${key}"`), key);
  for (const [, key] of sources.matchAll(/texts\.([a-z]\w*)\b/gi)) if (key !== "js") assert.ok(key in english, key);
});

test("the first wanted language that there is wins, else English", () => {
  assert.equal(chooseLanguage(["pt-BR", "de-AT", "fr"]), "de");
  assert.equal(chooseLanguage(["PT"]), "en");
  assert.equal(chooseLanguage([]), "en");
});

test("filling in leaves marks alone that have no value", () => {
  assert.equal(fill("{name} of {count}", { name: "<b>" }), "<b> of {count}");
});

test("any accent colour gives readable text and buttons in both themes", () => {
  const paper = { light: "#ffffff", dark: "#16191f" };
  const steps = ["00", "40", "80", "c0", "ff"];
  const colours = steps.flatMap((red) => steps.flatMap((green) => steps.map((blue) => `#${red}${green}${blue}`)));
  for (const theme of ["light", "dark"]) {
    for (const colour of [null, ...colours]) {
      const { fill: ground, ink, soft, text } = accentPalette(colour, theme);
      assert.ok(contrast(ink, ground) >= 4.5, `${colour} ${theme} ink`);
      assert.ok(contrast(text, soft) >= 4.5 && contrast(text, paper[theme]) >= 4.5, `${colour} ${theme} text`);
      assert.ok(contrast(ground, paper[theme]) >= 1.3, `${colour} ${theme} fill`);
    }
  }
});
