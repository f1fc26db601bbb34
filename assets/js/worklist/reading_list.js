// @ts-check
/**
 * The studies that the reader steps through, in the worklist's order: as it was sorted and filtered
 * when the reader left it. The server finds a study's place; no list of ids is held here.
 */

import { ask } from "../frame/server.js";
import * as listView from "./list_view.js";

/**
 * @typedef {object} Place
 * @property {number} at From 0, -1 where the worklist lacks the study.
 * @property {number} count How many studies the list has.
 * @property {string | null} previous
 * @property {string | null} next
 * @property {string | null} to_read The unsigned study to open after it; null if none is left.
 * @property {boolean} filtered Whether the worklist hid other studies.
 */

/**
 * Where a study is in the list as the worklist shows it; in the whole list where that hides it.
 * What is to be read next comes from the list as the worklist shows it either way.
 *
 * @param {string} id
 * @returns {Promise<Place>} Rejects while the server is not responding.
 */
export async function around(id) {
  const view = listView.read();
  const filtered = listView.isFiltered(view);
  const found = await placeOf(id, view);
  if (found.at >= 0 || !filtered) return { ...found, filtered };
  const all = await placeOf(id, listView.whole(view));
  return { ...all, to_read: found.to_read, filtered: false };
}

/**
 * @param {string} id
 * @param {listView.View} view
 */
export async function placeOf(id, view) {
  const query = listView.queryOf(view, { study: id });
  const { ok, status, body } = await ask(`/api/worklist/place?${query}`);
  if (!ok) throw new Error(`status ${status}`);
  return body;
}
