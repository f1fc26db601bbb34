// @ts-check
/** The data of a figure as a table of the page, and the name of its files. */

/** @import { Cell } from "../frame/csv.js" */

import { make } from "../frame/dom.js";
import { withMinus } from "../frame/number_words.js";

/** @typedef {{ columns: string[], rows: Cell[][] }} ChartData */

const MISSING = "–";

/**
 * A cell as a table shows it: whole numbers whole, others with three decimals.
 *
 * @param {Cell} cell
 */
export function cellWords(cell) {
  if (cell === null) return MISSING;
  if (typeof cell !== "number") return String(cell);
  const digits = Number.isInteger(cell) ? 0 : 3;
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return withMinus(cell.toLocaleString("en-US", format));
}

/**
 * @param {ChartData} data
 */
export function tableOf({ columns, rows }) {
  const numbers = columns.map((_, k) => rows.some((row) => typeof row[k] === "number"));
  /** @param {number} k */
  const look = (k) => (numbers[k] ? { className: "number-cell" } : {});
  const heads = columns.map((name, k) =>
    make("th", { textContent: name, scope: "col", ...look(k) }),
  );
  const lines = rows.map((row) =>
    make(
      "tr",
      {},
      ...row.map((cell, k) => make("td", { textContent: cellWords(cell), ...look(k) })),
    ),
  );
  const head = make("thead", {}, make("tr", {}, ...heads));
  return make("table", { className: "data-table" }, head, make("tbody", {}, ...lines));
}

/**
 * A title as a file name: `Dice per patient` becomes `dice-per-patient`.
 *
 * @param {string} title
 */
export const fileNameOf = (title) =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "") || "chart";
