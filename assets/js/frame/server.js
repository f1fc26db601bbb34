// @ts-check
/** Requests to the app's server, and how long to wait before another try. */

/**
 * X-Overread is the version of the HTTP interface (docs/http.md). Only this app's scripts can send
 * it, so that the server refuses changes without it.
 */
export const HEADERS = {
  "X-Overread": "1",
  "Content-Type": "application/json",
  Accept: "application/json",
};

/**
 * @typedef {object} Answer
 * @property {number} status 0 where the server did not answer.
 * @property {boolean} ok Whether it answered with what was asked for.
 * @property {any} body What it sent as JSON, an empty object without; `error` is a sentence.
 */

/**
 * Sends a request and reads the JSON of its answer; never fails.
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

/** Why a request was not answered with what was asked for, in a sentence. */
export class RequestError extends Error {
  /**
   * @param {string} sentence
   * @param {boolean} isFinal Whether asking again would not help.
   */
  constructor(sentence, isFinal) {
    super(sentence);
    this.isFinal = isFinal;
  }
}

const NO_ANSWER = "The server does not answer.";

/**
 * The JSON at an address, or what a body that is sent there is answered with.
 *
 * @param {string} url
 * @param {{ signal?: AbortSignal, body?: unknown }} [options]
 * @returns {Promise<any>} Fails with a RequestError, or with an AbortError.
 */
export async function requestJson(url, { signal, body } = {}) {
  const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const options = { headers: HEADERS, signal, ...sent };
  const response = await fetch(url, options).catch((error) => {
    throw error.name === "AbortError" ? error : new RequestError(NO_ANSWER, false);
  });
  const found = await response.json().catch(() => null);
  if (response.ok && found) return found;
  const isRefused = response.status >= 400 && response.status < 500;
  throw new RequestError(found?.error || NO_ANSWER, isRefused);
}

/**
 * Whether a request was answered for good, with what was asked for or a refusal: sent again as it
 * is, it would be answered in the same way.
 *
 * @param {number} status
 */
export const isFinal = (status) => status > 0 && status < 500;

/** Pauses before another try in milliseconds; the last one stays. */
const RETRY_MS = [1000, 2000, 4000, 8000, 15000];

/**
 * The pause before another try in milliseconds, the same for everything that is asked or sent.
 *
 * @param {number} tries How often it was tried again before.
 */
export const pauseOf = (tries) => RETRY_MS[Math.min(tries, RETRY_MS.length - 1)];
