// @ts-check
/**
 * Sources of whole masks, slice by slice: the AI result at a threshold, the reference, a saved
 * mask, an empty mask.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Result, Study } from "../viewer/study.js" */

import * as operatingPoint from "../viewer/operating_point.js";
import { address, fetchValues } from "../viewer/pixels.js";
import * as threshold from "../viewer/threshold.js";
import * as maskBits from "./mask_bits.js";

/**
 * @typedef {object} Source
 * @property {(k: number) => number | null} area In pixels, null while it is unknown.
 * @property {(k: number) => Uint8Array | null} bits Packed mask, null while its map is loading.
 * @property {(k: number) => Promise<Uint8Array>} load
 * @property {{ has: (k: number) => boolean, level: number }} [map] Of a result's probability maps:
 *   which slices have one, and the smallest value inside the mask.
 */

const CACHED = 8; // packed slices per source; the viewer's loader caches the maps

/** @param {Study} study */
export const zeros = ({ width, height }) => new Uint8Array(Math.ceil((width * height) / 8));

/**
 * @param {Session} now
 * @param {string} url
 */
const fetchMap = async ({ study, loader }, url) =>
  loader.get(url) ?? fetchValues({ url, type: "uint8", length: study.width * study.height }, {});

/**
 * A source from maps of uint8.
 *
 * @param {Session} now
 * @param {(k: number) => string | null} url Null where the mask is empty.
 * @param {number} level The smallest value inside.
 * @param {(k: number) => number | null} area
 * @returns {Source}
 */
function fromMaps(now, url, level, area) {
  const empty = zeros(now.study);
  /** @type {Map<number, Uint8Array>} oldest first */
  const cached = new Map();
  /**
   * @param {number} k
   * @param {ArrayLike<number>} map
   */
  const pack = (k, map) => {
    const packed = maskBits.packFrom(map, level);
    cached.delete(k);
    cached.set(k, packed);
    for (const old of cached.keys()) if (cached.size > CACHED) cached.delete(old);
    return packed;
  };
  const bits = (/** @type {number} */ k) => {
    const from = url(k);
    if (!from) return empty;
    const known = cached.get(k);
    if (known) return known;
    const map = now.loader.get(from);
    return map ? pack(k, map) : null;
  };
  return {
    area,
    bits,
    load: async (k) => bits(k) ?? pack(k, await fetchMap(now, url(k) ?? "")),
  };
}

/**
 * The AI mask of a result.
 *
 * @param {Session} now
 * @param {Result} result
 * @param {number} value The mask threshold.
 * @param {number | null} point The operating point, null for the default.
 * @returns {Source}
 */
export function ofAi(now, result, value, point) {
  const level = threshold.toLevel(value);
  const has = (/** @type {number} */ k) =>
    operatingPoint.reaches(result.slices[k], point) && result.slices[k].outline_evidence !== null;
  const isDefault = point === null && level === threshold.toLevel(result.mask_threshold);
  const area = (/** @type {number} */ k) => {
    if (!has(k)) return 0;
    return isDefault ? result.slices[k].mask_area_px : (now.measures?.areas[k]?.[level] ?? null);
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
    (k) => (now.referenceAreas[k] === 0 ? null : address(template, k)),
    128,
    (k) => now.referenceAreas[k],
  );
}

/**
 * A saved mask.
 *
 * @param {Study} study
 * @param {ReadonlyMap<number, Uint8Array>} slices Packed masks by position; all others are empty.
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
