// @ts-check
/** Dates and times of day in words, in the time zone of the browser: "2026-11-30 14:05". */

/** @param {number} value */
const two = (value) => String(value).padStart(2, "0");

/** @param {string} iso A time in ISO 8601. */
export function dateOf(iso) {
  const at = new Date(iso);
  return [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
}

/** @param {string} iso */
function timeOf(iso) {
  const at = new Date(iso);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** @param {string} iso A time in ISO 8601. */
export const dateAndTime = (iso) => `${dateOf(iso)} ${timeOf(iso)}`;

/**
 * A time as "14:05", with its date if it is not today's.
 *
 * @param {string} iso A time in ISO 8601.
 */
export const timeSinceToday = (iso) =>
  dateOf(iso) === dateOf(new Date().toISOString()) ? timeOf(iso) : dateAndTime(iso);
