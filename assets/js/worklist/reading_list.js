// @ts-check
/**
 * The studies that the reader steps through, in the worklist's order: as it was sorted and filtered
 * when the reader left it, stored for this browser tab; the server's order where this tab has not
 * shown the worklist yet.
 */

import { ask } from "../frame/server.js";

/**
 * @typedef {object} List
 * @property {readonly string[]} ids
 * @property {boolean} filtered Whether the worklist hid other studies.
 */

const STORED = "overread.list";
/** @type {List | null} the server's list, until the page is reloaded */
let fetched = null;

/**
 * Stores the list as the worklist shows it now.
 *
 * @param {readonly string[]} ids
 * @param {boolean} filtered Whether it hides other studies.
 */
export function store(ids, filtered) {
  try {
    sessionStorage.setItem(STORED, JSON.stringify({ ids, filtered }));
  } catch {
    // the list is too long or storage is blocked: the server's order is used
  }
}

/** @returns {List | null} */
function stored() {
  try {
    const found = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
    return Array.isArray(found?.ids) ? found : null;
  } catch {
    return null;
  }
}

/** @returns {Promise<List>} */
async function fromServer() {
  const { ok, status, body } = await ask("/api/worklist");
  if (!ok) throw new Error(`status ${status}`);
  return { ids: body.studies, filtered: false };
}

/**
 * The list that contains a study.
 *
 * @param {string} id
 * @returns {Promise<List & { at: number }>} at: the study's index, -1 where neither list contains
 *   it. Rejects while the server is not responding.
 */
export async function around(id) {
  const own = stored();
  if (own?.ids.includes(id)) return { ...own, at: own.ids.indexOf(id) };
  if (!fetched?.ids.includes(id)) fetched = await fromServer();
  return { ...fetched, at: fetched.ids.indexOf(id) };
}

/**
 * Removes a study that has been deleted from the server.
 *
 * @param {string} id
 */
export function drop(id) {
  const without = (/** @type {readonly string[]} */ ids) => ids.filter((one) => one !== id);
  const own = stored();
  if (own) store(without(own.ids), own.filtered);
  if (fetched) fetched = { ...fetched, ids: without(fetched.ids) };
}
