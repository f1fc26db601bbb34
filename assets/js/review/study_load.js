// @ts-check
/**
 * Loads the description of a study: while its page is still on its way, ahead for the next one, and
 * with retries and a message while the server is not responding.
 */

/** @import { Values, Wish } from "../viewer/pixels.js" */
/** @import { Study } from "../viewer/study.js" */

import { onAddress } from "../frame/dash.js";
import { targetOf } from "../frame/dom.js";
import { ask as askServer, isFinal, NO_ANSWER, pauseOf, RequestError } from "../frame/server.js";
import * as drawing from "../viewer/drawing.js";
import { firstSlice } from "../viewer/slices.js";
import { address, fetchValues } from "../viewer/pixels.js";

const STUDY_ID = /^[0-9a-f]{16}$/;
const FRESH_MS = 120000; // a study fetched ahead is not used after that
const ASKED_MS = 10000; // nor is one that was asked for with its page, which a reader waits for
/** @type {{ id: string, study: Study, at: number } | null} */
let ahead = null;
/** @type {{ id: string, study: Promise<Study>, at: number } | null} asked for with its page */
let asked = null;
/** @type {WeakMap<Study, Map<string, Values>>} */
const loaded = new WeakMap();
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
 * Fetches what the first frame of a study shows.
 *
 * @param {Study} study
 * @param {number | null} wanted Number of the slice in the file.
 * @param {RequestPriority} priority
 */
async function fetchFirst(study, wanted, priority) {
  const { result, reference_url: reference } = study;
  const k = firstSlice(study, wanted);
  const length = study.width * study.height;
  const channel = Math.max(
    0,
    study.channels.findIndex(({ start: isFirst }) => isFirst),
  );
  /** @type {Wish[]} */
  const wishes = [{ url: address(study.pixels_url, k, channel), type: study.pixel_type, length }];
  if (result?.slices[k].tumor)
    wishes.push({ url: address(result.probability_url, k), type: "uint8", length });
  if (reference) wishes.push({ url: address(reference, k), type: "uint8", length });
  /** @type {Map<string, Values>} */
  const values = new Map();
  loaded.set(study, values);
  const load = (/** @type {Wish} */ one) =>
    fetchValues(one, { priority })
      .then((found) => values.set(one.url, found))
      .catch(() => null); // the viewer asks for it again
  await Promise.all(wishes.map(load));
}

/**
 * What has been loaded of a study before it is opened, by address.
 *
 * @param {Study} study
 */
export const loadedOf = (study) => loaded.get(study);

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
  await fetchFirst(study, null, "low");
  return study;
}

/**
 * The study of the page's address, null where it has none.
 *
 * @returns {{ study_id: string, slice: number | null } | null} slice: its number in the file.
 */
export function inAddress() {
  const query = new URLSearchParams(location.search);
  const id = query.get("study") ?? "";
  if (!location.pathname.endsWith("/review") || !STUDY_ID.test(id)) return null;
  const slice = query.get("slice") ?? "";
  return { study_id: id, slice: /^[0-9]{1,6}$/.test(slice) ? Number(slice) : null };
}

/** Asks for the study of the page's address, while Dash fetches and draws the page. */
function begin() {
  const wanted = inAddress();
  if (!wanted || freshly(wanted.study_id)) return;
  const study = ask(wanted.study_id);
  asked = { id: wanted.study_id, study, at: performance.now() };
  study.then((found) => fetchFirst(found, wanted.slice, "high")).catch(() => null); // `get` reports
}

/** @param {string} id */
function takeAsked(id) {
  const found = asked;
  asked = null; // the viewer modifies it
  return found?.id === id && performance.now() - found.at < ASKED_MS ? found.study : null;
}

/** Forgets the study that was fetched ahead, after a change of the study in view. */
export function forget() {
  ahead = null;
  asked = null;
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
      const study = takeAhead(id) ?? (await (takeAsked(id) ?? ask(id)));
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
  begin();
  onAddress(begin);
  window.addEventListener("online", () => wake());
  document.addEventListener("click", (event) => {
    if (targetOf(event).closest("#viewer-retry")) wake();
  });
}
