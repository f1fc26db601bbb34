// @ts-check
/**
 * Where whole masks come from, slice by slice: the AI's answer at a threshold, the reference, a
 * mask that was saved, none at all.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Result, Study } from "../viewer/study.js" */

import * as calls from "../viewer/calls.js";
import { address } from "../viewer/pixels.js";
import * as threshold from "../viewer/threshold.js";
import * as maskBits from "./mask_bits.js";

/**
 * @typedef {object} Source
 * @property {(k: number) => number | null} area In pixels, null while it is not known.
 * @property {(k: number) => Uint8Array | null} bits Packed, null while its map is on its way.
 * @property {(k: number) => Promise<Uint8Array>} load
 * @property {{ has: (k: number) => boolean, level: number }} [map] Where they are maps of a result:
 *   on which slices, and the smallest value inside.
 */

const KEPT = 8; // slices of each source that stay packed; the viewer's loader has the maps

/** @param {Study} study */
export const zeros = ({ width, height }) => new Uint8Array(Math.ceil((width * height) / 8));

/**
 * @param {Session} now
 * @param {string} url
 */
async function fetchMap(now, url) {
  const known = now.loader.get(url);
  if (known) return known;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * From maps of uint8.
 *
 * @param {Session} now
 * @param {(k: number) => string | null} url Null where the mask is empty.
 * @param {number} level The smallest value inside.
 * @param {(k: number) => number | null} area
 * @returns {Source}
 */
function fromMaps(now, url, level, area) {
  const empty = zeros(now.study);
  /** @type {Map<number, Uint8Array>} the oldest first */
  const kept = new Map();
  /**
   * @param {number} k
   * @param {ArrayLike<number>} map
   */
  const keep = (k, map) => {
    const mask = new Uint8Array(map.length);
    for (let i = 0; i < map.length; i++) mask[i] = map[i] >= level ? 1 : 0;
    const packed = maskBits.pack(mask);
    kept.delete(k);
    kept.set(k, packed);
    for (const old of kept.keys()) if (kept.size > KEPT) kept.delete(old);
    return packed;
  };
  const bits = (/** @type {number} */ k) => {
    const from = url(k);
    if (!from) return empty;
    const known = kept.get(k);
    if (known) return known;
    const map = now.loader.get(from);
    return map ? keep(k, map) : null;
  };
  return {
    area,
    bits,
    load: async (k) => bits(k) ?? keep(k, await fetchMap(now, url(k) ?? "")),
  };
}

/**
 * The AI's mask of a result as it stands.
 *
 * @param {Session} now
 * @param {Result} result
 * @param {number} value The mask threshold.
 * @param {number | null} point The operating point, null for the shipped one.
 * @returns {Source}
 */
export function ofAi(now, result, value, point) {
  const level = threshold.toLevel(value);
  const has = (/** @type {number} */ k) =>
    calls.reaches(result.slices[k], point) && result.slices[k].outline_evidence !== null;
  const isShipped = point === null && level === threshold.toLevel(result.mask_threshold);
  const area = (/** @type {number} */ k) => {
    if (!has(k)) return 0;
    return isShipped ? result.slices[k].mask_area_px : (now.measures?.areas[k]?.[level] ?? null);
  };
  const url = (/** @type {number} */ k) => (has(k) ? address(result.probability_url, k) : null);
  return { ...fromMaps(now, url, level, area), map: { has, level } };
}

/**
 * The reference, null without one.
 *
 * @param {Session} now
 */
export function ofReference(now) {
  const { reference_url: template } = now.study;
  if (!template) return null;
  return fromMaps(
    now,
    (k) => address(template, k),
    128,
    (k) => now.referenceAreas[k],
  );
}

/**
 * A saved mask.
 *
 * @param {Study} study
 * @param {ReadonlyMap<number, Uint8Array>} slices Packed masks by position; the others are empty.
 * @returns {Source}
 */
export function ofSlices(study, slices) {
  const empty = zeros(study);
  const bits = (/** @type {number} */ k) => slices.get(k) ?? empty;
  const areas = new Map([...slices].map(([k, mask]) => [k, maskBits.count(mask)]));
  return { area: (k) => areas.get(k) ?? 0, bits, load: async (k) => bits(k) };
}

/**
 * An empty mask.
 *
 * @param {Study} study
 */
export const ofNothing = (study) => ofSlices(study, new Map());
