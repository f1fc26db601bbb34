// @ts-check
/** The words of counts, on every page: "1 slice", "1,234 slices". */

/** @param {number} count */
export const digits = (count) => count.toLocaleString("en-US");

/**
 * A noun in the number that a count asks for: "slice", "slices".
 *
 * @param {number} count
 * @param {string} word In the singular.
 * @param {string} [words] In the plural.
 */
export const plural = (count, word, words = `${word}s`) => (count === 1 ? word : words);

/**
 * "1 slice", "1,234 slices", "2 studies"
 *
 * @param {number} count
 * @param {string} word In the singular.
 * @param {string} [words] In the plural.
 */
export const counted = (count, word, words) => `${digits(count)} ${plural(count, word, words)}`;
