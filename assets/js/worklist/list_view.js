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
 * @property {string} view "all", "to-read", "mine" or "signed-today".
 * @property {string} reason Why studies are there; "" for all.
 * @property {number} top Scroll position in pixels.
 */

const STORED = "overread.worklist";
const LAST = "overread.last"; // the address of the last study in view; the review page writes it
/** @type {View} */
const FRESH = { sort: [], search: "", origin: "", view: "all", reason: "", top: 0 };

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
      view: text(found.view) || FRESH.view,
      reason: text(found.reason),
      top,
    };
  } catch {
    return FRESH;
  }
}

/** Whether this browser tab has shown the worklist before. */
export function isStored() {
  try {
    return sessionStorage.getItem(STORED) !== null;
  } catch {
    return false;
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

/** Whether a view hides studies. @param {View} view */
export const isFiltered = ({ search, origin, view, reason }) =>
  Boolean(search || origin || reason || view !== FRESH.view);

/** Whether a view shows all studies in the order by need. @param {View} view */
export const isWhole = (view) => !isFiltered(view) && !view.sort.length;

/** A view of all studies, in the order of another. @param {View} view */
export const whole = (view) => ({ ...FRESH, sort: view.sort });

/** When the reader's day began, in seconds since 1970. */
export const dayBegan = () => Math.floor(new Date().setHours(0, 0, 0, 0) / 1000);

/**
 * What the server is asked for.
 *
 * @param {View} view
 * @param {Record<string, string>} [more]
 */
export function queryOf({ sort, search, origin, view, reason }, more = {}) {
  const query = new URLSearchParams({ view, search, since: String(dayBegan()), ...more });
  if (origin) query.set("origin", origin);
  if (reason) query.set("reason", reason);
  if (sort.length) {
    query.set("sort", sort[0].colId);
    query.set("descending", String(sort[0].sort === "desc"));
  }
  return query.toString();
}

/** The id of the study that was in view last, "" before there was one. */
export function lastStudy() {
  try {
    return new URLSearchParams(sessionStorage.getItem(LAST) ?? "").get("study") ?? "";
  } catch {
    return "";
  }
}
