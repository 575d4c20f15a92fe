/**
 * Calls of the staff pages to Baton's own HTTP API. Owns the one error shape and what a lost session means;
 * never shows anything: pages decide how an ApiError looks.
 */

const TIMEOUT_MS = 65_000; // longer than the server's own deadline for a publication, so that its answer wins

/** A refused or failed call. `message` is fit to be shown to the person at the screen. */
export class ApiError extends Error {
  /** @param {{status: number, code: string, message: string, field?: string|null}} parts */
  constructor({ status, code, message, field = null }) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** The address of the sign-in page that leads back to `next` (default: here). */
export function buildSignInUrl(next = location.pathname + location.search + location.hash) {
  return `/sign-in?next=${encodeURIComponent(next)}`;
}

/** Leave for the sign-in page and come back here afterwards. */
export function goToSignIn() {
  location.assign(buildSignInUrl());
}

/**
 * Send one request and return its JSON.
 * A 401 leads to the sign-in page, unless `keepsPageOn401`; the call rejects in both cases.
 * @param {string} path  same-origin path
 * @param {{method?: string, body?: object, query?: Record<string, string|number|boolean|null|undefined>,
 *   signal?: AbortSignal, keepsPageOn401?: boolean}} [options]  empty query values are left out
 * @returns {Promise<any>}
 * @throws {ApiError} code "unreachable" when no answer came, "aborted" when `signal` ended the call
 */
export async function request(path, options = {}) {
  const response = await fetchJson(path, options);
  const answer = await readJson(response);
  if (response.ok) return answer;
  const error = answer?.error ?? {};
  if (response.status === 401 && !options.keepsPageOn401) goToSignIn();
  throw new ApiError({
    status: response.status,
    code: error.code ?? "unexpected_answer",
    message: error.message ?? `The server answered with status ${response.status}. Try again in a moment.`,
    field: error.field ?? null,
  });
}

export const api = Object.freeze({
  /** @param {string} path @param {object} [query] @param {object} [options] */
  get: (path, query, options) => request(path, { ...options, query }),
  post: (path, body = {}, options) => request(path, { ...options, method: "POST", body }),
  put: (path, body = {}, options) => request(path, { ...options, method: "PUT", body }),
  patch: (path, body = {}, options) => request(path, { ...options, method: "PATCH", body }),
});

async function fetchJson(path, { method = "GET", body, query, signal }) {
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  try {
    return await fetch(buildPath(path, query), {
      method,
      credentials: "same-origin",
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
  } catch (cause) {
    if (signal?.aborted) throw new ApiError({ status: 0, code: "aborted", message: "The request was stopped." });
    const message = "Baton cannot be reached. Check your connection and try again.";
    throw Object.assign(new ApiError({ status: 0, code: "unreachable", message }), { cause });
  }
}

function buildPath(path, query) {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== "");
  if (!pairs.length) return path;
  return `${path}?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}

async function readJson(response) {
  try {
    return await response.json();
  } catch {
    return null; // an error page of a proxy: the status is all that can be told
  }
}
