// @ts-check
/**
 * A server response that follows changes in the browser. The request is sent shortly after the last
 * change, outdated requests are cancelled, and the previous answer stays available until the new
 * one arrives.
 */

import { pauseOf, RequestError } from "./server.js";

const SETTLE_MS = 120;
const PATIENCE_MS = 60000;

/**
 * Identifies an answer: a list of parts, compared by identity.
 *
 * @typedef {readonly unknown[]} Key
 */

/**
 * @param {Key | null} a
 * @param {Key | null} b
 */
const same = (a, b) => Boolean(a && b?.every((part, i) => part === a[i]));

/** @template Answer */
export class LatestAnswer {
  /** @type {Key | null} */
  #wanted = null;
  /** @type {Key | null} */
  #answered = null;
  /** @type {Answer | null} */
  #answer = null;
  #sentence = "";
  #timer = 0;
  #tries = 0;
  /** @type {AbortController | null} */
  #abort = null;
  #onChange;

  /** @param {() => void} onChange Called asynchronously after any change. */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** The last answer, which may belong to an earlier key (`isLate`). */
  get answer() {
    return this.#answer;
  }

  get isLate() {
    return this.#wanted !== null && !same(this.#wanted, this.#answered) && !this.#sentence;
  }

  /** Why the request failed, in a sentence; "" if it did not. */
  get sentence() {
    return this.#sentence;
  }

  /**
   * Requests a new answer if the key has changed.
   *
   * @param {Key} key
   * @param {(signal: AbortSignal) => Promise<Answer>} request
   */
  follow(key, request) {
    if (same(key, this.#wanted)) return;
    this.#cancel();
    this.#wanted = key;
    this.#sentence = "";
    this.#tries = 0;
    const run = () => void this.#run(key, request);
    if (!same(key, this.#answered)) this.#timer = setTimeout(run, SETTLE_MS);
    queueMicrotask(this.#onChange);
  }

  /** Cancels requests and clears the answer. */
  stop() {
    this.#cancel();
    this.#wanted = this.#answered = this.#answer = null;
    this.#sentence = "";
  }

  #cancel() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
  }

  /**
   * @param {Key} key
   * @param {(signal: AbortSignal) => Promise<Answer>} request
   */
  async #run(key, request) {
    const own = new AbortController();
    this.#abort = own;
    try {
      const signal = AbortSignal.any([own.signal, AbortSignal.timeout(PATIENCE_MS)]);
      const found = await request(signal);
      if (own.signal.aborted) return;
      this.#answer = found;
      this.#answered = key;
      this.#sentence = "";
    } catch (error) {
      if (own.signal.aborted) return;
      const { message } = /** @type {Error} */ (error);
      const isFinal = error instanceof RequestError && error.isFinal;
      this.#sentence = isFinal ? message : `${message} Retrying.`;
      const again = () => void this.#run(key, request);
      if (!isFinal) this.#timer = setTimeout(again, pauseOf(this.#tries++));
    }
    this.#onChange();
  }
}
