// @ts-check
/**
 * Follows a job through the progress and outcome of a background callback. If nothing arrives for
 * some seconds (the web process or the network is down), the request is sent again: any web process
 * can follow the same row of the jobs table, and a second request does no harm.
 */

import * as dash from "./dash.js";

/**
 * State of a job as the server reports it.
 *
 * @typedef {object} JobNews
 * @property {number} asked Id of the request that it answers.
 * @property {string} state
 * @property {number} [done]
 * @property {number} [total]
 * @property {string} [message]
 * @property {boolean} [cancelling]
 */

/**
 * @typedef {Omit<JobNews, "asked" | "cancelling">} JobState State for display: the server's states
 *   plus "cancelling" and "lost".
 */

const SILENCE_MS = 5000;
const CANCEL_MS = 3000; // after that a lost click on Cancel can be repeated
/** States of a job that does not go on. */
export const ENDED = new Set(["done", "failed", "cancelled"]);

export class JobChannel {
  #store;
  #what;
  #show;
  #asked = 0; // id of the current request
  #again = false; // whether to restart a failed or cancelled job
  #cancelled = -Infinity;
  #timer = 0;

  /**
   * @param {string} store Id of the dcc.Store for requests.
   * @param {Readonly<Record<string, unknown>>} what Identifies the job.
   * @param {(job: JobState) => void} show Called with each state.
   */
  constructor(store, what, show) {
    this.#store = store;
    this.#what = what;
    this.#show = show;
  }

  /** @param {boolean} again Whether to restart a failed or cancelled job. */
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
    if (!job || job.asked !== this.#asked) return; // of an earlier request
    this.#again = false;
    if (ENDED.has(job.state)) {
      this.close();
      return this.#show(job);
    }
    this.#listen();
    const stops = job.cancelling || performance.now() - this.#cancelled < CANCEL_MS;
    this.#show(stops ? { ...job, state: "cancelling" } : job);
  }

  /** Shows that the reader has asked to cancel the job. */
  cancel() {
    this.#cancelled = performance.now();
    this.#show({ state: "cancelling" });
  }

  close() {
    clearTimeout(this.#timer);
    this.#asked = 0;
  }
}
