// @ts-check
/**
 * The studies that the reader goes through, in the order in which the worklist showed them: as it
 * was sorted and filtered when it was left, stored for this tab; where it was never shown, the
 * server's own order.
 */

import { ask } from "../frame/server.js";

/**
 * @typedef {object} List
 * @property {readonly string[]} ids
 * @property {boolean} filtered Whether the worklist hid others.
 */

const STORED = "overread.list";
/** @type {List | null} of the server, for as long as the page stays loaded */
let fetched = null;

/**
 * Stores the list as the worklist shows it now.
 *
 * @param {readonly string[]} ids
 * @param {boolean} filtered Whether it hides others.
 */
export function keep(ids, filtered) {
  try {
    sessionStorage.setItem(STORED, JSON.stringify({ ids, filtered }));
  } catch {
    // too long, or storage is forbidden: the server's order is used
  }
}

/** @returns {List | null} */
function kept() {
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
 * The list around a study. Fails while the server is away.
 *
 * @param {string} id
 * @returns {Promise<List & { at: number }>} at: the study's place, -1 where it is in none.
 */
export async function around(id) {
  const own = kept();
  if (own?.ids.includes(id)) return { ...own, at: own.ids.indexOf(id) };
  if (!fetched?.ids.includes(id)) fetched = await fromServer();
  return { ...fetched, at: fetched.ids.indexOf(id) };
}

/**
 * Takes out a study that the server does not have any more.
 *
 * @param {string} id
 */
export function drop(id) {
  const without = (/** @type {readonly string[]} */ ids) => ids.filter((one) => one !== id);
  const own = kept();
  if (own) keep(without(own.ids), own.filtered);
  if (fetched) fetched = { ...fetched, ids: without(fetched.ids) };
}
