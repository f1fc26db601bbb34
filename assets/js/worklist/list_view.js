// @ts-check
/**
 * How this browser tab shows the worklist: sort, search, tab and scroll position, so that a reader
 * who comes back from a study finds the list as it was.
 */

/**
 * @typedef {object} Sort
 * @property {string} colId
 * @property {string} sort "asc" or "desc".
 * @property {number | null} [sortIndex]
 */

/**
 * @typedef {object} View
 * @property {readonly Sort[]} sort
 * @property {string} search
 * @property {string} origin "" for all studies.
 * @property {number} top Scroll position in pixels.
 */

const STORED = "overread.worklist";
const LAST = "overread.last"; // the address of the last study in view; the review page writes it
/** @type {View} */
const FRESH = { sort: [], search: "", origin: "", top: 0 };

/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value : "");

/** @param {unknown} found */
function sortOf(found) {
  return Array.isArray(found)
    ? found
        .filter(({ colId, sort }) => text(colId) && (sort === "asc" || sort === "desc"))
        .map(({ colId, sort, sortIndex }) => ({ colId, sort, sortIndex: Number(sortIndex) || 0 }))
    : [];
}

/**
 * The view that was stored last; without one, an unsorted and unfiltered view.
 *
 * @returns {View}
 */
export function read() {
  try {
    const found = JSON.parse(sessionStorage.getItem(STORED) ?? "{}");
    const top = Math.max(Number(found.top) || 0, 0);
    return {
      sort: sortOf(found.sort),
      search: text(found.search),
      origin: text(found.origin),
      top,
    };
  } catch {
    return FRESH;
  }
}

/**
 * Stores what has changed.
 *
 * @param {Partial<View>} changed
 */
export function store(changed) {
  try {
    sessionStorage.setItem(STORED, JSON.stringify({ ...read(), ...changed }));
  } catch {
    // storage is full or blocked: the list starts unsorted again
  }
}

/** The id of the study that was in view last, "" before there was one. */
export function lastStudy() {
  try {
    return new URLSearchParams(sessionStorage.getItem(LAST) ?? "").get("study") ?? "";
  } catch {
    return "";
  }
}
