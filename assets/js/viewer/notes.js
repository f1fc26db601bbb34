// @ts-check
/** A sentence over the image about what was just tried, for a moment: nothing in the page moves. */

import { byId } from "../frame/dom.js";

const SHOWN_MS = 5000;
let timer = 0;

/** @param {string} words */
export function note(words) {
  const place = byId("stage-note");
  place.textContent = words;
  place.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => (place.hidden = true), SHOWN_MS);
}
