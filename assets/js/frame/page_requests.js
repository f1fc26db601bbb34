// @ts-check
/**
 * Requests for a page's content are sent again while the server is down: a link that was clicked
 * meanwhile works once it is back. Dash would change the address and leave the page as it was.
 *
 * Dash looks `fetch` up when it sends a request, and has no other place to retry one.
 */

import { find } from "./dom.js";
import { pauseOf } from "./server.js";

const CALLBACKS = "_dash-update-component";
const CONTENT = "_pages_content.children"; // the component that Dash puts pages in
const AWAY = new Set([502, 503, 504]); // what a proxy answers for a server that is down
const LONGEST_MS = 4000; // a reader is waiting
let latest = 0;

/**
 * Whether a request is for a page's content.
 *
 * @param {unknown} url
 * @param {unknown} body
 */
export const asksForPage = (url, body) =>
  String(url).includes(CALLBACKS) && typeof body === "string" && body.includes(CONTENT);

/** @param {boolean} shown */
const showWaiting = (shown) => find("page-waiting")?.toggleAttribute("hidden", !shown);

/**
 * Sends a request until the server answers, or until another page is asked for.
 *
 * @param {() => Promise<Response>} send
 * @param {(milliseconds: number) => Promise<void>} pause
 * @param {() => boolean} isWanted
 * @param {(isWaiting: boolean) => void} report
 * @returns {Promise<Response>} The last response. Rejects with the last error where the page is no
 *   longer wanted.
 */
export async function persist(send, pause, isWanted, report) {
  for (let tries = 0; ; tries++) {
    /** @type {unknown} */
    let failure = null;
    const response = await send().catch((error) => {
      failure = error;
      return null;
    });
    const isAnswered = response !== null && !AWAY.has(response.status);
    if (isAnswered || !isWanted()) {
      if (isWanted()) report(false);
      if (response) return response;
      throw failure;
    }
    report(true);
    await pause(Math.min(pauseOf(tries), LONGEST_MS));
  }
}

/** @param {number} milliseconds */
const sleep = (milliseconds) =>
  /** @type {Promise<void>} */ (new Promise((resolve) => setTimeout(resolve, milliseconds)));

export function start() {
  const send = window.fetch.bind(window);
  window.fetch = (resource, options) => {
    if (!asksForPage(resource, options?.body)) return send(resource, options);
    const mine = ++latest;
    return persist(
      () => send(resource, options),
      sleep,
      () => mine === latest,
      showWaiting,
    );
  };
}
