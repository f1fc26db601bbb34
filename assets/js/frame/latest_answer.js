// @ts-check
/**
 * An answer of the server that follows what changes in the browser. It is asked for a moment after
 * the last change, and a request that a change has overtaken is cancelled. The former answer stays
 * until the new one is there.
 */

import { pauseOf, RequestError } from "./server.js";

const SETTLE_MS = 120;
const PATIENCE_MS = 60000;

/**
 * A list of parts, each of them the same as long as the answer is.
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

  /** @param {() => void} onChange Called, never at once, when anything of it has changed. */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /** The last answer, which may be that to an earlier key: then it is late. */
  get answer() {
    return this.#answer;
  }

  get isLate() {
    return this.#wanted !== null && !same(this.#wanted, this.#answered) && !this.#sentence;
  }

  /** Why there is no answer, where asking failed. */
  get sentence() {
    return this.#sentence;
  }

  /**
   * Asks for another answer, where the key has changed.
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

  /** Nothing is asked for any more, and the answer is forgotten. */
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
      this.#sentence = isFinal ? message : `${message} Trying again.`;
      const again = () => void this.#run(key, request);
      if (!isFinal) this.#timer = setTimeout(again, pauseOf(this.#tries++));
    }
    this.#onChange();
  }
}
