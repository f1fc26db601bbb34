// @ts-check
/**
 * The words of volumes, their ranges and their changes, on every page. Reports have the same rule
 * (pipeline/reports/volume_words.py); both are run on tests/cases/amounts.json.
 */

import { MINUS } from "./number_words.js";

/** Above it a percentage says no more than that nearly everything is new. */
const MOST_PERCENT = 999;

/**
 * To the digit that is shown; halves go up, as in Python.
 *
 * @param {number} ml
 */
const roundMl = (ml) => Math.floor(ml * 10 + 0.5) / 10;

/**
 * A volume without its unit; what is there is never 0.
 *
 * @param {number} ml
 */
export function mlWords(ml) {
  if (!ml) return "0";
  const shown = roundMl(ml);
  return shown ? shown.toFixed(1) : "<0.1";
}

/**
 * A range of volumes, with its unit.
 *
 * @param {number} low
 * @param {number} high
 */
export const rangeWords = (low, high) => `${mlWords(low)} to ${mlWords(high)} mL`;

/**
 * Whether two volumes differ by less than is shown; none and some always differ.
 *
 * @param {number} now
 * @param {number} before
 */
const isUnchanged = (now, before) => !roundMl(Math.abs(now - before)) && !now === !before;

/**
 * @param {number} now
 * @param {number} before
 */
const signOf = (now, before) => (now > before ? "+" : MINUS);

/**
 * The size of a change in whole per cent, without its sign; "" where there was nothing.
 *
 * @param {number} now
 * @param {number} before
 */
export function shareWords(now, before) {
  if (!before) return "";
  const share = (100 * Math.abs(now - before)) / before;
  return share > MOST_PERCENT ? `>${MOST_PERCENT}%` : `${Math.floor(share + 0.5)}%`;
}

/**
 * How a volume has changed: "+14.1 mL" or "unchanged".
 *
 * @param {number} now
 * @param {number} before
 */
export const differenceWords = (now, before) =>
  isUnchanged(now, before)
    ? "unchanged"
    : `${signOf(now, before)}${mlWords(Math.abs(now - before))} mL`;

/**
 * The same with the percentage of the volume before: "+14.1 mL (23%)".
 *
 * @param {number} now
 * @param {number} before
 */
export function changeWords(now, before) {
  const share = isUnchanged(now, before) ? "" : shareWords(now, before);
  return [differenceWords(now, before), share && `(${share})`].filter(Boolean).join(" ");
}

/**
 * A change in per cent alone: "+23%", "0%", or "new" where there was nothing before.
 *
 * @param {number} now
 * @param {number} before
 */
export function percentWords(now, before) {
  if (isUnchanged(now, before)) return "0%";
  const share = shareWords(now, before);
  if (!share) return "new";
  return /^[1-9]/.test(share) ? `${signOf(now, before)}${share}` : share;
}
