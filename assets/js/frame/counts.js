// @ts-check
/** Counts as readers see them, with their noun in the singular or the plural. */

/**
 * A noun in the number that a count asks for: "slice", "slices".
 *
 * @param {number} count
 * @param {string} word In the singular.
 */
export const plural = (count, word) => (count === 1 ? word : `${word}s`);

/**
 * "1 slice", "1,234 slices"
 *
 * @param {number} count
 * @param {string} word In the singular.
 */
export const counted = (count, word) => `${count.toLocaleString("en")} ${plural(count, word)}`;
