// @ts-check
/**
 * A job as a page follows it, through one channel: the progress and the outcome of a background
 * callback. When the channel is silent for some seconds (its web process or the network is gone)
 * the page asks again: whichever web process answers follows the same row of the jobs table, and
 * asking twice does no harm.
 */

import * as dash from "./dash.js";

/**
 * What the server says of a job.
 *
 * @typedef {object} JobNews
 * @property {number} asked Mark of the request that is answered.
 * @property {string} state
 * @property {number} [done]
 * @property {number} [total]
 * @property {string} [message]
 * @property {boolean} [cancelling]
 */

/**
 * @typedef {Omit<JobNews, "asked" | "cancelling">} JobState What a page shows: the server's states,
 *   and "cancelling", "lost".
 */

const SILENCE_MS = 5000;
const CANCEL_MS = 3000; // after which a click on Cancel that was lost can be repeated
const ENDED = new Set(["done", "failed", "cancelled"]);

export class JobChannel {
  #store;
  #what;
  #show;
  #asked = 0; // mark of the request that is answered
  #again = false; // whether a job that failed or was cancelled begins again
  #cancelled = -Infinity;
  #timer = 0;

  /**
   * @param {string} store Id of the request's dcc.Store.
   * @param {Readonly<Record<string, unknown>>} what Names the job in it.
   * @param {(job: JobState) => void} show Called with each state.
   */
  constructor(store, what, show) {
    this.#store = store;
    this.#what = what;
    this.#show = show;
  }

  /** @param {boolean} again Whether a job that failed or was cancelled begins again. */
  ask(again) {
    this.#again = again;
    this.#cancelled = -Infinity;
    this.#send();
  }

  #send() {
    this.#asked = Date.now();
    const data = { ...this.#what, asked: this.#asked, again: this.#again };
    dash.setProps(this.#store, { data });
    this.#listen();
  }

  #listen() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#show({ state: "lost" });
      if (this.#asked) this.#send();
    }, SILENCE_MS);
  }

  /** @param {JobNews | null} [job] Progress or outcome of the callback. */
  hear(job) {
    if (!job || job.asked !== this.#asked) return; // an earlier request's last words
    this.#again = false;
    if (ENDED.has(job.state)) {
      this.close();
      return this.#show(job);
    }
    this.#listen();
    const stops = job.cancelling || performance.now() - this.#cancelled < CANCEL_MS;
    this.#show(stops ? { ...job, state: "cancelling" } : job);
  }

  /** The reader has asked for the job to be cancelled. */
  cancel() {
    this.#cancelled = performance.now();
    this.#show({ state: "cancelling" });
  }

  close() {
    clearTimeout(this.#timer);
    this.#asked = 0;
  }
}
