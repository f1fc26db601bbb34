// @ts-check
/**
 * Rows as comma-separated values (RFC 4180), for files that spreadsheets open. What these would run
 * is the rule of `spreadsheet_text` in pipeline/interchange/flat_masks.py; the tests of both run on
 * tests/cases/spreadsheet_texts.json.
 */

/** @typedef {string | number | boolean | null} Cell Null for an empty one. */

/**
 * A cell's text, with an apostrophe before what a spreadsheet would run as a formula.
 *
 * @param {string} text
 */
export const spreadsheetText = (text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

/** @param {Cell} cell Numbers are written in full. */
function field(cell) {
  if (typeof cell !== "string") return cell === null ? "" : String(cell);
  const text = spreadsheetText(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param {readonly (readonly Cell[])[]} rows With that of the columns' names. */
export const csvOf = (rows) => rows.map((row) => `${row.map(field).join(",")}\r\n`).join("");
