// @ts-check
/**
 * Several images at once: each is sent, queued and listed with its answer. Answers are asked for
 * together, since a job per image would be followed one by one.
 */

/** @import { Named } from "../frame/chosen_files.js" */

import { megabytes } from "../frame/chosen_files.js";
import { csvOf } from "../frame/csv.js";
import { ENDED } from "../frame/job_channel.js";
import { ask, HEADERS, NO_ANSWER } from "../frame/server.js";

/**
 * One image of the batch.
 *
 * @typedef {object} Entry
 * @property {string} name Its path relative to what the reader chose.
 * @property {string} image Its id at the server, "" before it has been received.
 * @property {"waiting" | "sending" | "queued" | "running" | "done" | "failed" | "cancelled"} state
 * @property {string} answer Title of the most probable class, "" before the answer.
 * @property {number} probability Of that class.
 * @property {string} message Why it failed, "" otherwise.
 */

/** @typedef {Omit<Entry, "name">} Outcome */

const PARALLEL = 3;
const ASK_MS = 500;
const MOST_ASKED = 200; // images in one request
const OPEN = new Set(["queued", "running"]);

/** @param {readonly Entry[]} entries */
export const count = (entries) => ({
  done: entries.filter(({ state }) => state === "done").length,
  failed: entries.filter(({ state }) => state === "failed").length,
  ended: entries.filter(({ state }) => ENDED.has(state)).length,
  total: entries.length,
});

/**
 * Answers as CSV, one line per image.
 *
 * @param {readonly Entry[]} entries
 */
export function csv(entries) {
  const rows = entries.map(({ name, answer, probability, message }) => [
    name,
    answer,
    answer ? probability.toFixed(4) : null,
    message,
  ]);
  return csvOf([["file", "prediction", "probability", "note"], ...rows]);
}

export class ImageBatch {
  #task;
  #limit;
  #files;
  #onChange;
  #timer = 0;
  #isStopped = false;
  /** @type {Entry[]} */
  entries;

  /**
   * @param {string} task
   * @param {readonly Named[]} files
   * @param {{ maxBytes: number, onChange: () => void }} options
   */
  constructor(task, files, { maxBytes, onChange }) {
    this.#task = task;
    this.#files = files;
    this.#limit = maxBytes;
    this.#onChange = onChange;
    const fresh = { image: "", state: /** @type {const} */ ("waiting"), answer: "" };
    this.entries = files.map(({ name }) => ({ ...fresh, name, probability: 0, message: "" }));
  }

  /** The name of the task that answers. */
  get task() {
    return this.#task;
  }

  /** Sends all images and follows their answers. */
  start() {
    for (let k = 0; k < PARALLEL; k++) void this.#sendNext();
    this.#askLater();
  }

  /** Sends no more images and cancels those that have no answer yet. */
  cancel() {
    this.#isStopped = true;
    const images = this.#open().map(({ image }) => image);
    for (const entry of this.entries) if (!ENDED.has(entry.state)) entry.state = "cancelled";
    this.close();
    for (let from = 0; from < images.length; from += MOST_ASKED)
      void this.#post("cancel", images.slice(from, from + MOST_ASKED));
    this.#onChange();
  }

  /** Ends without a request: other images were chosen. */
  close() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #open() {
    return this.entries.filter(({ image, state }) => image && OPEN.has(state));
  }

  /** @returns {Promise<void>} */
  async #sendNext() {
    const at = this.entries.findIndex(({ state }) => state === "waiting");
    if (at < 0 || this.#isStopped) return;
    const entry = this.entries[at];
    entry.state = "sending";
    const { file } = this.#files[at];
    if (file.size > this.#limit) {
      const message = `It is larger than ${megabytes(this.#limit)}.`;
      Object.assign(entry, { state: "failed", message });
    } else {
      const name = encodeURIComponent(entry.name);
      const { ok, body } = await ask(`/api/comparisons/images?name=${name}`, {
        method: "PUT",
        headers: { ...HEADERS, "Content-Type": "application/octet-stream" },
        body: file,
      });
      if (this.#isStopped) return;
      const message = body.error || NO_ANSWER;
      Object.assign(
        entry,
        ok && body.image ? { image: body.image, state: "queued" } : { state: "failed", message },
      );
    }
    this.#onChange();
    return this.#sendNext();
  }

  #askLater() {
    this.#timer = setTimeout(() => void this.#ask(), ASK_MS);
  }

  async #ask() {
    const images = this.#open().map(({ image }) => image);
    if (images.length) {
      const { ok, body } = await this.#post("answers", images.slice(0, MOST_ASKED));
      if (this.#isStopped) return;
      if (ok) this.#take(body.outcomes);
    }
    if (count(this.entries).ended < this.entries.length) this.#askLater();
  }

  /** @param {readonly Outcome[]} outcomes */
  #take(outcomes) {
    const found = new Map(outcomes.map((outcome) => [outcome.image, outcome]));
    for (const entry of this.#open()) Object.assign(entry, found.get(entry.image));
    this.#onChange();
  }

  /**
   * @param {"answers" | "cancel"} what
   * @param {readonly string[]} images
   */
  #post(what, images) {
    const body = JSON.stringify({ images });
    return ask(`/api/comparisons/${this.#task}/${what}`, { method: "POST", body });
  }
}
