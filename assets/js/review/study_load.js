// @ts-check
/**
 * A study's JSON: fetched ahead for the next one, and asked for again, with words, while the server
 * is away.
 */

/** @import { Study } from "../viewer/study.js" */

import { byId, find, targetOf } from "../frame/dom.js";
import { ask as askServer, isFinal, pauseOf, RequestError } from "../frame/server.js";
import { address } from "../viewer/pixels.js";

const FRESH_MS = 120000; // what was fetched ahead is not shown after that
const AWAY = "The server does not answer.";
/** @type {{ id: string, study: Study, at: number } | null} */
let ahead = null;
let wake = () => {};

/**
 * Whether the server says that there is no such study, or refuses it.
 *
 * @param {unknown} error
 */
export const isGone = (error) => error instanceof RequestError && error.isFinal;

/**
 * @param {string} id
 * @returns {Promise<Study>}
 */
async function ask(id) {
  const { ok, status, body } = await askServer(`/api/studies/${id}`);
  if (ok) return body;
  if (isFinal(status)) throw new RequestError(body.error || "The server could not open it.", true);
  throw new RequestError(body.error || AWAY, false);
}

/** @param {string} id */
const freshly = (id) =>
  ahead?.id === id && performance.now() - ahead.at < FRESH_MS ? ahead.study : null;

/**
 * The slice on which a study opens: that of a number, else where the mask is largest, else the one
 * in the middle.
 *
 * @param {Study} study
 * @param {number | null} wanted The file's own number.
 */
export function firstSlice(study, wanted) {
  const named = wanted === null ? -1 : study.indices.indexOf(wanted);
  if (named >= 0) return named;
  const areas = study.result?.slices.map((slice) => slice.mask_area_px) ?? [];
  const largest = Math.max(0, ...areas);
  return largest > 0 ? areas.indexOf(largest) : Math.floor(study.n / 2);
}

/**
 * Fetches a study and the slice on which it opens, so that both are at hand when it is asked for.
 *
 * @param {string} id
 */
export async function prepare(id) {
  const known = freshly(id);
  if (known) return known;
  const study = await ask(id);
  ahead = { id, study, at: performance.now() };
  const { result, reference_url: reference } = study;
  const k = firstSlice(study, null);
  const channel = Math.max(
    0,
    study.channels.findIndex(({ start: isFirst }) => isFirst),
  );
  const addresses = [address(study.pixels_url, k, channel)];
  if (result?.slices[k].tumor) addresses.push(address(result.probability_url, k));
  if (reference) addresses.push(address(reference, k));
  const fetchLater = (/** @type {string} */ url) =>
    fetch(url, { priority: "low" })
      .then((response) => response.arrayBuffer())
      .catch(() => null);
  await Promise.all(addresses.map(fetchLater));
  return study;
}

/** @param {string} id */
function takeAhead(id) {
  const study = freshly(id);
  if (!study?.result) return null; // an analysis that runs has news every second
  ahead = null; // the viewer writes into it
  return study;
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve(undefined);
    };
  });
}

/**
 * In the place where the image will be.
 *
 * @param {string} words
 */
function say(words) {
  const box = find("viewer-message");
  if (!box) return;
  box.hidden = !words;
  byId("viewer-message-text").textContent = words;
  byId("viewer-retry").hidden = !words;
}

/**
 * A study. While it is waited for, the page says why.
 *
 * @param {string} id
 * @param {() => boolean} isWanted
 * @returns {Promise<Study | null>} Null once nobody wants it any more; fails where there is no such
 *   study.
 */
export async function get(id, isWanted) {
  for (let tries = 0; isWanted(); tries++) {
    try {
      const study = takeAhead(id) ?? (await ask(id));
      if (tries) say("");
      return isWanted() ? study : null;
    } catch (error) {
      if (isGone(error)) throw error;
      if (!isWanted()) return null;
      say(`${error instanceof Error ? error.message : AWAY} Trying again.`);
    }
    await pause(pauseOf(tries));
  }
  return null;
}

export function start() {
  window.addEventListener("online", () => wake());
  document.addEventListener("click", (event) => {
    if (targetOf(event).closest("#viewer-retry")) wake();
  });
}
