// @ts-check
/**
 * A sentence about what was just tried, for a moment over the image: the edit row has no room for
 * it, and nothing may move.
 */

import { byId, find, make } from "../frame/dom.js";

const SAID_MS = 5000;
let timer = 0;

/**
 * @param {string} words
 * @returns {null} So that what cannot be done can end with it.
 */
export function say(words) {
  const place = byId("edit-said");
  clearTimeout(timer);
  place.textContent = words;
  timer = setTimeout(() => place.replaceChildren(), SAID_MS);
  return null;
}

export function mount() {
  const place = make("div", { id: "edit-said", className: "edit-said", role: "status" });
  byId("viewer-stage").append(place);
  return () => {
    clearTimeout(timer);
    find("edit-said")?.remove();
  };
}
