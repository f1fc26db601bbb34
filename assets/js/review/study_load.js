// @ts-check
/**
 * Loads the description of a study: ahead for the next one, and with retries and a message while
 * the server is not responding.
 */

/** @import { Study } from "../viewer/study.js" */

import { targetOf } from "../frame/dom.js";
import { ask as askServer, isFinal, NO_ANSWER, pauseOf, RequestError } from "../frame/server.js";
import * as drawing from "../viewer/drawing.js";
import { firstSlice } from "../viewer/first_slice.js";
import { address } from "../viewer/pixels.js";

const FRESH_MS = 120000; // a study fetched ahead is not used after that
/** @type {{ id: string, study: Study, at: number } | null} */
let ahead = null;
let wake = () => {};

/**
 * Whether the server has no such study or rejected the request.
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
  if (isFinal(status))
    throw new RequestError(body.error || "The server could not open this study.", true);
  throw new RequestError(body.error || NO_ANSWER, false);
}

/** @param {string} id */
const freshly = (id) =>
  ahead?.id === id && performance.now() - ahead.at < FRESH_MS ? ahead.study : null;

/**
 * Fetches a study and the slice on which it opens, so that it opens at once.
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

/** Forgets the study that was fetched ahead, after a change of the study in view. */
export function forget() {
  ahead = null;
}

/** @param {string} id */
function takeAhead(id) {
  const study = freshly(id);
  if (!study?.result) return null; // a running analysis would be out of date
  ahead = null; // the viewer modifies it
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
 * Loads a study, retrying while the server is not responding.
 *
 * @param {string} id
 * @param {() => boolean} isWanted
 * @returns {Promise<Study | null>} Null once it is no longer wanted.
 * @throws {RequestError} If there is no such study.
 */
export async function get(id, isWanted) {
  for (let tries = 0; isWanted(); tries++) {
    try {
      const study = takeAhead(id) ?? (await ask(id));
      if (tries) drawing.clearMessage();
      return isWanted() ? study : null;
    } catch (error) {
      if (isGone(error)) throw error;
      if (!isWanted()) return null;
      const why = error instanceof Error ? error.message : NO_ANSWER;
      drawing.say("study-failed", `${why} Retrying.`);
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
