// @ts-check
/** Messages that appear over the image for a few seconds, so that nothing in the page moves. */

import { byId, find } from "../frame/dom.js";

const SHOWN_MS = 5000;
let timer = 0;

/**
 * Shows a message.
 *
 * @param {string} text
 * @param {string} [code] Identifies the message in the document (`data-code`), for tests.
 * @returns {null} So that a function without a result can end with it.
 */
export function note(text, code = "") {
  const place = byId("stage-note");
  clearTimeout(timer);
  place.textContent = text;
  place.dataset.code = code;
  timer = setTimeout(clear, SHOWN_MS);
  return null;
}

function clear() {
  clearTimeout(timer);
  const place = find("stage-note");
  place?.replaceChildren();
  delete place?.dataset.code;
}

export const mount = () => clear;
