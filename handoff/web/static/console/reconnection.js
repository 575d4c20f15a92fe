/** What a close code of the server asks for, and how long to wait. Pure: chance is an argument. */

export const RETRY_FIRST_MS = 500;
export const RETRY_MAX_MS = 30_000;
export const TOO_MANY_FRAMES_MS = 10_000;

const STOPS = {
  4001: "This page and the server do not understand each other. Reload the page.",
  4003: "This console was blocked. Ask your administrator.",
  4010: "The console was opened elsewhere and this one was put to rest. Reload to use it here.",
};
const SIGN_IN = new Set([4401, 4002]);
const AT_ONCE = new Set([4008, 1009]);
const NAMED_WAIT = new Set([1012, 4012]);

/**
 * Decide what follows a close.
 * @param {{code: number, reason: string, attempts: number, was_welcomed: boolean, random: number}} close
 *   `attempts`: failed tries in a row; `random`: 0..1
 * @returns {{act: "retry", delay_ms: number} | {act: "sign_in"} | {act: "stop", problem: string}}
 */
export function decideReconnection({ code, reason, attempts, was_welcomed, random }) {
  if (code in STOPS) return { act: "stop", problem: STOPS[code] };
  if (SIGN_IN.has(code)) return { act: "sign_in" };
  if (AT_ONCE.has(code) && was_welcomed) return { act: "retry", delay_ms: 0 };
  if (code === 4009) return { act: "retry", delay_ms: TOO_MANY_FRAMES_MS };
  if (NAMED_WAIT.has(code)) {
    const named_ms = readWait(reason);
    if (named_ms !== null) return { act: "retry", delay_ms: named_ms };
  }
  return { act: "retry", delay_ms: backOff(attempts, random) };
}

/** Half fixed, half chance: consoles that lost one server must not come back in one moment. */
function backOff(attempts, random) {
  const full_ms = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(attempts, 10));
  return Math.round(full_ms / 2 + (full_ms / 2) * random);
}

function readWait(reason) {
  if (!/^\d+$/.test(reason ?? "")) return null;
  return Math.min(RETRY_MAX_MS, Number(reason));
}
