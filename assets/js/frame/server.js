// @ts-check
/** Requests to the app's server, and the pauses between retries. */

/**
 * Headers that the server requires for changes; only this app's own scripts can send them.
 * X-Overread is the version of the HTTP interface (docs/http.md).
 */
export const HEADERS = {
  "X-Overread": "1",
  "Content-Type": "application/json",
  Accept: "application/json",
};

/**
 * @typedef {object} Answer
 * @property {number} status HTTP status, 0 if there was no response.
 * @property {boolean} ok Whether the request succeeded.
 * @property {any} body JSON of the response, else an empty object; `error` is a sentence.
 */

/**
 * Sends a request and reads the JSON response. Never throws.
 *
 * @param {string} url
 * @param {RequestInit} [options]
 * @returns {Promise<Answer>}
 */
export async function ask(url, options = {}) {
  const response = await fetch(url, { headers: HEADERS, ...options }).catch(() => null);
  const body = await response?.json().catch(() => null);
  return { status: response?.status ?? 0, ok: Boolean(response?.ok && body), body: body ?? {} };
}

/** Why a request failed, in a sentence. */
export class RequestError extends Error {
  /**
   * @param {string} sentence
   * @param {boolean} isFinal Whether a retry would fail as well.
   */
  constructor(sentence, isFinal) {
    super(sentence);
    this.isFinal = isFinal;
  }
}

/** Browsers refuse larger requests while a page closes. */
export const KEEPALIVE_BYTES = 60000;

export const NO_ANSWER = "The server is not responding.";
/** Shown while a request is retried. */
export const RETRYING = `${NO_ANSWER} Retrying.`;

/**
 * Requests JSON: by GET, or with a body by POST.
 *
 * @param {string} url
 * @param {{ signal?: AbortSignal, body?: unknown }} [options]
 * @returns {Promise<any>}
 * @throws {RequestError | DOMException} The latter if the request was aborted.
 */
export async function requestJson(url, { signal, body } = {}) {
  const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const options = { headers: HEADERS, signal, ...sent };
  const response = await fetch(url, options).catch((error) => {
    throw error.name === "AbortError" ? error : new RequestError(NO_ANSWER, false);
  });
  const found = await response.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    return null;
  });
  if (response.ok && found) return found;
  throw new RequestError(found?.error || NO_ANSWER, !response.ok && isFinal(response.status));
}

/** Status of a request that came too soon after others. */
const TOO_MANY = 429;

/**
 * Whether a response is final, a success or a rejection: a retry would get the same response.
 *
 * @param {number} status
 */
export const isFinal = (status) => status > 0 && status < 500 && status !== TOO_MANY;

/** Pauses before each retry in milliseconds; the last one repeats. */
const RETRY_MS = [1000, 2000, 4000, 8000, 15000];

/**
 * The pause before the next retry in milliseconds, the same for all requests.
 *
 * @param {number} tries Number of retries so far.
 */
export const pauseOf = (tries) => RETRY_MS[Math.min(tries, RETRY_MS.length - 1)];
