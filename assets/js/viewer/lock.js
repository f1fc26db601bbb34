// @ts-check
/**
 * Whether the study in view may be changed: its mask, its measurements, what is recorded of it.
 * The reading decides that (review/reading_store.js); whatever changes something asks here first:
 *
 *     if (lock.refuse()) return;
 */

import { note } from "./notes.js";

/** Why the study may not be changed, in a sentence, or "". */
let why = "";

/** @param {string} sentence Why the study may not be changed; "" if it may. */
export function set(sentence) {
  why = sentence;
}

export const isLocked = () => why !== "";

/**
 * Shows why the study may not be changed, if so.
 *
 * @returns {boolean} Whether it may not.
 */
export function refuse() {
  if (why) note(why, "locked");
  return isLocked();
}
