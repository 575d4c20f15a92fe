import assert from "node:assert/strict";
import { test } from "node:test";

import { describeZone, formatAgo, formatClock, formatDay, formatWait, languageName, speakWait, waitLevel } from "../../handoff/web/static/shared/time.js";

const NOW = Date.UTC(2025, 5, 15, 12, 0) / 1000; // a Sunday
const DAY_S = 86_400;

test("a wait is short to read", () => {
  const cases = { "-3": "0:00", 0: "0:00", 7.9: "0:07", 60: "1:00", 754: "12:34", 3599: "59:59", 3600: "1 h 00", 3900: "1 h 05", 90_000: "1 d" };
  for (const [seconds, text] of Object.entries(cases)) assert.equal(formatWait(Number(seconds)), text);
});

test("a wait can be spoken", () => {
  assert.equal(speakWait(1), "1 second");
  assert.equal(speakWait(125), "2 minutes 5 seconds");
  assert.equal(speakWait(3660), "1 hour 1 minute");
});

test("a wait turns amber after one minute and red after three", () => {
  assert.deepEqual([0, 59.9, 60, 179.9, 180, 9999].map(waitLevel), ["calm", "calm", "amber", "amber", "red", "red"]);
});

test("how long ago fits a row", () => {
  const ago = (seconds) => formatAgo(NOW - seconds, NOW, "en-GB");
  assert.deepEqual([ago(-5), ago(59), ago(60), ago(3599), ago(3600), ago(5 * 3600)], ["now", "now", "1 min", "59 min", "1 h", "5 h"]);
  assert.equal(ago(DAY_S + 3600), "yesterday");
  assert.equal(ago(10 * DAY_S), "5 Jun");
  assert.equal(ago(400 * DAY_S), "11 May 2024");
});

test("days have names near today", () => {
  const day = (days) => formatDay(NOW - days * DAY_S, NOW, "en-GB");
  assert.deepEqual([day(0), day(1), day(2), day(10)], ["Today", "Yesterday", "Friday", "5 Jun"]);
});

test("a visitor's own time, with its distance from ours", () => {
  const zone = (timeZone) => describeZone(timeZone, NOW, "en-GB");
  assert.deepEqual(zone("UTC"), { clock: "12:00", day: "Sun", offset: "" });
  assert.deepEqual(zone("Asia/Tokyo"), { clock: "21:00", day: "Sun", offset: "9 h ahead" });
  assert.deepEqual(zone("Pacific/Kiritimati"), { clock: "02:00", day: "Mon", offset: "14 h ahead" });
  assert.deepEqual(zone("America/St_Johns"), { clock: "09:30", day: "Sun", offset: "2 h 30 min behind" });
});

test("a zone nobody knows is no error", () => {
  for (const zone of ["Mars/Olympus", "", null, undefined, "<script>"]) assert.equal(describeZone(zone, NOW), null);
  assert.equal(formatClock(NOW, { timeZone: "Mars/Olympus", locale: "en-GB" }), "12:00");
});

test("languages have names, and what is none stays itself", () => {
  assert.deepEqual([languageName("es"), languageName("not a tag"), languageName(""), languageName(null)], ["Spanish", "not a tag", "", ""]);
});
