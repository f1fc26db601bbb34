// @ts-check
/**
 * How numbers are written on every page: counts with their noun ("1,234 slices"), and a minus sign,
 * not a hyphen, before negative ones.
 */

export const MINUS = "−";

/**
 * A number in words with a minus sign in place of the hyphen; none before a zero. The rule of
 * pipeline/reports/volume_words.py; both are run on tests/cases/amounts.json.
 *
 * @param {string} words
 */
export const withMinus = (words) =>
  words.replace(/^-/, /[1-9]/.test(words.split("e")[0]) ? MINUS : "");

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
