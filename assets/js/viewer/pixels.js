// @ts-check
/**
 * Loads raw slices from the server: each once, in the requested order, cached within a budget,
 * retried on failure. Addresses are immutable (they contain a digest), so the browser's own cache
 * answers after a reload.
 */

import { isFinal, pauseOf } from "../frame/server.js";

/**
 * A request for a slice or map.
 *
 * @typedef {object} Wish
 * @property {string} url
 * @property {"uint8" | "uint16"} type
 * @property {number} length Number of values.
 */

/** @typedef {Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>} Values */
/** @typedef {ReturnType<typeof createLoader>} Loader */

const PARALLEL = 6;

/**
 * The address of a slice.
 *
 * @param {string} template Contains {slice} and optionally {channel}.
 * @param {number} k
 * @param {number} [channel]
 */
export const address = (template, k, channel) =>
  template.replace("{channel}", String(channel)).replace("{slice}", String(k));

/** A failure that a retry would not change. */
class FinalError extends Error {}

/**
 * Fetches a slice or map.
 *
 * @param {Wish} wish
 * @param {RequestInit} options
 * @returns {Promise<Values>}
 * @throws {Error} If it does not arrive, or is not one.
 */
export async function fetchValues({ url, type, length }, options) {
  const response = await fetch(url, options);
  if (!response.ok)
    throw new (isFinal(response.status) ? FinalError : Error)(`status ${response.status}`);
  const buffer = await response.arrayBuffer();
  const values = type === "uint16" ? new Uint16Array(buffer) : new Uint8Array(buffer);
  if (values.length !== length) throw new Error("not the length of a slice");
  return values;
}

/**
 * @param {object} settings
 * @param {number} settings.budgetBytes Cache limit for slices that are not currently requested.
 * @param {ReadonlyMap<string, Values>} [settings.loaded] What has been loaded before, by address.
 * @param {(url: string) => void} settings.onChange Called when a slice has loaded or failed.
 */
export function createLoader({ budgetBytes, loaded = new Map(), onChange }) {
  /** @type {Map<string, Values>} least recently used first */
  const ready = new Map();
  /** @type {Map<string, AbortController>} */
  const running = new Map();
  /** @type {Map<string, { times: number, at: number }>} at: Infinity if final */
  const failed = new Map();
  /** @type {readonly Wish[]} */
  let wishes = [];
  let bytes = 0;
  let disposed = false;

  /**
   * A loaded slice, else undefined.
   *
   * @param {string} url
   */
  function get(url) {
    const data = ready.get(url);
    if (data) {
      ready.delete(url);
      ready.set(url, data);
    }
    return data;
  }

  /**
   * @param {string} url
   * @param {Values} data
   */
  function keep(url, data) {
    ready.set(url, data);
    bytes += data.byteLength;
    if (bytes <= budgetBytes) return;
    const wanted = new Set(wishes.map((wish) => wish.url));
    for (const [old, dropped] of ready) {
      if (bytes <= budgetBytes) break;
      if (old === url || (wanted.has(old) && bytes <= 2 * budgetBytes)) continue;
      ready.delete(old);
      bytes -= dropped.byteLength;
    }
  }

  /** @param {Wish} wish */
  async function load(wish) {
    const { url } = wish;
    const abort = new AbortController();
    running.set(url, abort);
    try {
      const data = await fetchValues(wish, { signal: abort.signal });
      failed.delete(url);
      keep(url, data);
    } catch (error) {
      if (disposed) return;
      const times = (failed.get(url)?.times ?? 0) + 1;
      const stays = error instanceof FinalError;
      failed.set(url, { times, at: stays ? Infinity : performance.now() });
      if (!stays) setTimeout(pump, pauseOf(times - 1) + 20);
    } finally {
      running.delete(url);
      if (!disposed) {
        onChange(url);
        pump();
      }
    }
  }

  /**
   * Whether a failed address is waiting for its next try.
   *
   * @param {string} url
   */
  function isResting(url) {
    const found = failed.get(url);
    return found ? performance.now() - found.at < pauseOf(found.times - 1) : false;
  }

  /** Retries everything at once when the browser is back online. */
  function again() {
    for (const found of failed.values()) if (found.at !== Infinity) found.at = -Infinity;
    pump();
  }

  window.addEventListener("online", again);
  for (const [url, values] of loaded) keep(url, values);

  function pump() {
    if (disposed) return;
    for (const wish of wishes) {
      if (running.size >= PARALLEL) return;
      if (!ready.has(wish.url) && !running.has(wish.url) && !isResting(wish.url)) void load(wish);
    }
  }

  return {
    get,
    /**
     * @param {readonly Wish[]} list Most urgent first; replaces the previous requests.
     */
    want(list) {
      wishes = list;
      pump();
    },
    /** @param {string} url */
    hasFailed: (url) => failed.has(url) && !running.has(url),
    /** @param {string} url */
    retry(url) {
      failed.delete(url);
      pump();
    },
    dispose() {
      disposed = true;
      window.removeEventListener("online", again);
      for (const abort of running.values()) abort.abort();
      ready.clear();
    },
  };
}
