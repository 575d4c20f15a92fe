/**
 * Times in words, for people. Pure: the present is always an argument, in UTC seconds like every time of Baton.
 * Words are English for now; clock faces and dates follow the browser's language.
 */

/** A wait is calm, then amber after one minute, then red after three: what visitors of a live chat put up with. */
export const WAIT_AMBER_S = 60;
export const WAIT_RED_S = 180;

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/**
 * A running wait: "0:07", "12:40", "1 h 05", "2 d".
 * @param {number} seconds  below zero counts as zero (clocks differ)
 */
export function formatWait(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < HOUR_S) return `${Math.floor(whole / MINUTE_S)}:${pad(whole % MINUTE_S)}`;
  if (whole < DAY_S) return `${Math.floor(whole / HOUR_S)} h ${pad(Math.floor((whole % HOUR_S) / MINUTE_S))}`;
  return `${Math.floor(whole / DAY_S)} d`;
}

/** The same wait as a screen reader should say it: "2 minutes 5 seconds". */
export function speakWait(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE_S) return count(whole, "second");
  if (whole < HOUR_S) return `${count(Math.floor(whole / MINUTE_S), "minute")} ${count(whole % MINUTE_S, "second")}`;
  if (whole < DAY_S) return `${count(Math.floor(whole / HOUR_S), "hour")} ${count(Math.floor((whole % HOUR_S) / MINUTE_S), "minute")}`;
  return count(Math.floor(whole / DAY_S), "day");
}

/** @returns {"calm"|"amber"|"red"} */
export function waitLevel(seconds) {
  if (seconds >= WAIT_RED_S) return "red";
  return seconds >= WAIT_AMBER_S ? "amber" : "calm";
}

/** How long ago, short enough for a list row: "now", "4 min", "3 h", "yesterday", "12 Nov", "12 Nov 2024". */
export function formatAgo(at, now, locale) {
  const age = now - at;
  if (age < MINUTE_S) return "now";
  if (age < HOUR_S) return `${Math.floor(age / MINUTE_S)} min`;
  const days = countDays(at, now);
  if (days <= 0 || age < 6 * HOUR_S) return `${Math.floor(age / HOUR_S)} h`;
  if (days === 1) return "yesterday";
  return formatDate(at, { locale, now });
}

/** The clock of a moment: "14:05", in the browser's zone unless another is named. */
export function formatClock(at, { timeZone, locale } = {}) {
  return dateFormat(locale, { hour: "2-digit", minute: "2-digit", timeZone: checkZone(timeZone) }).format(at * 1000);
}

/** "Today", "Yesterday", "Tuesday" within a week, else the date. */
export function formatDay(at, now, locale) {
  const days = countDays(at, now);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days > 1 && days < 7) return dateFormat(locale, { weekday: "long" }).format(at * 1000);
  return formatDate(at, { locale, now });
}

/** The full moment, for a `title`. */
export function formatMoment(at, locale) {
  return dateFormat(locale, { dateStyle: "full", timeStyle: "medium" }).format(at * 1000);
}

/**
 * A visitor's own time: {clock: "09:12", day: "Wed", offset: "8 h ahead"}; null for an unknown zone.
 * `offset` is against the browser's zone, "" where both agree.
 */
export function describeZone(timeZone, now, locale) {
  const zone = checkZone(timeZone);
  if (!zone) return null;
  const minutes = zoneOffset(zone, now) - zoneOffset(undefined, now);
  return {
    clock: formatClock(now, { timeZone: zone, locale }),
    day: dateFormat(locale, { weekday: "short", timeZone: zone }).format(now * 1000),
    offset: formatOffset(minutes),
  };
}

/** "Spanish" for "es"; the code itself where the browser knows no name. */
export function languageName(code, locale = "en") {
  if (!code) return "";
  try {
    return new Intl.DisplayNames([locale], { type: "language" }).of(code) ?? code;
  } catch {
    return code; // not a language tag
  }
}

/** Whether two moments lie on different days of the browser's zone. */
export function isOtherDay(first, second) {
  return countDays(first, second) !== 0;
}

const formats = new Map(); // building an Intl format costs far more than using it

function dateFormat(locale, options) {
  const key = `${locale ?? ""}${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, options));
  return formats.get(key);
}

function formatDate(at, { locale, now }) {
  const sameYear = new Date(at * 1000).getFullYear() === new Date(now * 1000).getFullYear();
  return dateFormat(locale, { day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }) }).format(at * 1000);
}

function countDays(at, now) {
  return Math.round((startOfDay(now) - startOfDay(at)) / (DAY_S * 1000)); // rounded: a day may have 23 or 25 hours
}

function startOfDay(at) {
  return new Date(at * 1000).setHours(0, 0, 0, 0);
}

function checkZone(timeZone) {
  if (!timeZone) return undefined;
  try {
    dateFormat("en", { timeZone });
    return timeZone;
  } catch {
    return undefined; // the visitor's browser named a zone that this one does not know
  }
}

function zoneOffset(timeZone, now) {
  const parts = dateFormat("en-GB", {
    timeZone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  }).formatToParts(now * 1000);
  const get = (type) => Number(parts.find((part) => part.type === type).value);
  return Date.UTC(get("year"), get("month") - 1, get("day"), get("hour"), get("minute")) / 60_000 - Math.floor(now / 60);
}

function formatOffset(minutes) {
  if (!minutes) return "";
  const size = Math.abs(minutes);
  const hours = Math.floor(size / 60);
  const text = [hours ? `${hours} h` : "", size % 60 ? `${size % 60} min` : ""].filter(Boolean).join(" ");
  return `${text} ${minutes > 0 ? "ahead" : "behind"}`;
}

function pad(number) {
  return String(number).padStart(2, "0");
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
