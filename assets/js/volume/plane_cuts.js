// @ts-check
/**
 * Values along a cut across all slices, one row per slice. If all slices are loaded, the cut is
 * assembled here; otherwise it is requested from the server, which cuts studies that are too large
 * for a browser.
 */

/** @import { Drawn } from "../correct/correction_layer.js" */
/** @import { Session } from "../viewer/session.js" */
/** @import { Values, Wish } from "../viewer/pixels.js" */
/** @import { Fixed } from "./plane_views.js" */

import * as operatingPoint from "../viewer/operating_point.js";
import { address, createLoader } from "../viewer/pixels.js";

/** @typedef {"pixels" | "ai" | "reference" | "under"} Kind under: base of a correction. */

/** @typedef {{ key: string, values: Values }} Cut The key changes when the values do. */

/**
 * Source of one kind of values.
 *
 * @typedef {object} Origin
 * @property {(k: number) => string} slice Address of a slice.
 * @property {() => string} plane Address of a cut, with {axis} and {place}.
 * @property {(k: number) => boolean} has Whether a slice has values; the others are empty.
 */

/** @typedef {{ n: number, width: number, height: number }} Volume */

const BUDGET_BYTES = 48 * 1024 * 1024;
const AHEAD = 4; // planes on either side that are requested ahead

/**
 * @param {string} template
 * @param {Fixed} axis
 * @param {number} place
 * @param {number} channel
 */
const fill = (template, axis, place, channel) =>
  template
    .replace("{axis}", axis)
    .replace("{place}", String(place))
    .replace("{channel}", String(channel));

/**
 * Number of values that one slice contributes to a cut.
 *
 * @param {Fixed} axis
 * @param {Volume} study
 */
const lengthOf = (axis, { width, height }) => (axis === "row" ? width : height);

/**
 * One row or column of every slice, like cut_plane in dashboard/api/space.py.
 *
 * @template {Values} Into
 * @param {Fixed} axis
 * @param {number} place
 * @param {Volume} study
 * @param {(k: number) => Values | null | undefined} sliceOf Values of a slice; null for an empty
 *   one, undefined for a missing one.
 * @param {Into} values Receives them.
 * @returns {Into | null} Null if a slice is missing.
 */
export function along(axis, place, study, sliceOf, values) {
  const { n, width } = study;
  const across = lengthOf(axis, study);
  for (let k = 0; k < n; k++) {
    const from = sliceOf(k);
    if (from === undefined) return null;
    if (from === null) continue;
    if (axis === "row") values.set(from.subarray(place * width, (place + 1) * width), k * across);
    else for (let y = 0; y < across; y++) values[k * across + y] = from[y * width + place];
  }
  return values;
}

/**
 * @param {Session} now
 * @param {() => void} onChange Called when a plane has loaded or failed.
 */
export function create(now, onChange) {
  const { study } = now;
  const loader = createLoader({ budgetBytes: BUDGET_BYTES, onChange });
  /** @type {Map<string, Cut>} one per kind and axis */
  const made = new Map();
  /** @type {(Wish & { step: number })[]} */
  let wishes = [];
  /** @type {Drawn | null} */
  let corrected = null;
  /** @type {WeakMap<object, number>} ids of objects that are never modified */
  const numbers = new WeakMap();
  let numbered = 0;

  /** @param {object} object */
  function numberOf(object) {
    const number = numbers.get(object) ?? ++numbered;
    numbers.set(object, number);
    return number;
  }

  const ofResult = () => operatingPoint.resultOf(now);
  const probability = (/** @type {number} */ k) => address(ofResult().probability_url, k);
  const always = () => true;
  /** @type {Readonly<Record<Kind, Origin>>} */
  const origins = {
    pixels: {
      slice: (k) => address(study.pixels_url, k, now.channel),
      plane: () => study.plane_url,
      has: always,
    },
    ai: {
      slice: probability,
      plane: () => ofResult().plane_probability_url,
      has: (k) => operatingPoint.hasMask(now, k),
    },
    reference: {
      slice: (k) => address(study.reference_url ?? "", k),
      plane: () => study.plane_reference_url ?? "",
      has: (k) => now.referenceAreas[k] !== 0,
    },
    // the same result, on the slices that had a mask when the correction was started
    under: {
      slice: probability,
      plane: () => ofResult().plane_probability_url,
      has: (k) => Boolean(corrected?.under.map?.has(k)),
    },
  };

  /**
   * @param {Kind} kind
   * @param {Fixed} axis
   */
  function empty(kind, axis) {
    const size = study.n * lengthOf(axis, study);
    const isWide = kind === "pixels" && study.pixel_type === "uint16";
    return isWide ? new Uint16Array(size) : new Uint8Array(size);
  }

  /**
   * Assembles a cut from loaded slices; null if one of them is missing.
   *
   * @param {Kind} kind
   * @param {Fixed} axis
   * @param {number} place
   */
  function gather(kind, axis, place) {
    const { slice, has } = origins[kind];
    const sliceOf = (/** @type {number} */ k) => (has(k) ? now.loader.get(slice(k)) : null);
    return along(axis, place, study, sliceOf, empty(kind, axis));
  }

  /**
   * A cut from the server, with the rows of slices without a mask cleared.
   *
   * @param {Kind} kind
   * @param {Fixed} axis
   * @param {number} place
   */
  function fetched(kind, axis, place) {
    const { plane, has } = origins[kind];
    const found = loader.get(fill(plane(), axis, place, now.channel));
    if (!found) return null;
    const across = lengthOf(axis, study);
    const values = found.slice();
    for (let k = 0; k < study.n; k++) if (!has(k)) values.fill(0, k * across, (k + 1) * across);
    return values;
  }

  /**
   * @param {Kind} kind
   * @param {Fixed} axis
   * @param {number} place
   */
  function ask(kind, axis, place) {
    const length = study.n * lengthOf(axis, study);
    const limit = axis === "row" ? study.height : study.width;
    const type = kind === "pixels" ? study.pixel_type : "uint8";
    for (let step = 0; step <= AHEAD; step++) {
      for (const at of step ? [place + step, place - step] : [place]) {
        if (at < 0 || at >= limit) continue;
        wishes.push({
          url: fill(origins[kind].plane(), axis, at, now.channel),
          type,
          length,
          step,
        });
      }
    }
  }

  /**
   * @param {Kind | "correction"} kind
   * @param {Fixed} axis
   * @param {number} place
   * @param {string | number | null} of What else the values depend on.
   * @param {() => Values | null} make
   * @returns {Cut | null}
   */
  function cached(kind, axis, place, of, make) {
    const key = `${kind} ${axis} ${place} ${of} ${study.result?.key}`;
    const slot = `${kind} ${axis}`;
    const known = made.get(slot);
    if (known?.key === key) return known;
    const values = make();
    if (!values) return null;
    const cut = { key, values };
    made.set(slot, cut);
    return cut;
  }

  /**
   * The values along a row or column; null while they are loading.
   *
   * @param {Kind} kind
   * @param {Fixed} axis
   * @param {number} place
   */
  function get(kind, axis, place) {
    const under = corrected && numberOf(corrected.under);
    const of = kind === "pixels" ? now.channel : kind === "under" ? under : now.operatingPoint;
    const make = () => gather(kind, axis, place) ?? fetched(kind, axis, place);
    const cut = cached(kind, axis, place, of, make);
    if (!cut) ask(kind, axis, place);
    return cut;
  }

  /**
   * Likewise for the reader's mask, 0 or 255: touched slices, and the base of all others.
   *
   * @param {Drawn} mask
   * @param {Fixed} axis
   * @param {number} place
   */
  function getCorrected(mask, axis, place) {
    corrected = mask;
    const { touched, under } = mask;
    const below = under.map ? get("under", axis, place) : null;
    if (under.map && !below) return null;
    const level = under.map?.level ?? 0;
    return cached("correction", axis, place, `${numberOf(touched)} ${numberOf(under)}`, () => {
      const across = lengthOf(axis, study);
      const { width } = study;
      const values = new Uint8Array(study.n * across);
      for (let k = 0; k < study.n; k++) {
        const packed = touched.get(k) ?? (below ? null : under.bits(k));
        for (let i = 0, to = k * across; i < across; i++, to++) {
          const pixel = axis === "row" ? place * width + i : i * width + place;
          const isInside = packed
            ? (packed[pixel >> 3] >> (7 - (pixel & 7))) & 1
            : below && below.values[to] >= level;
          values[to] = isInside ? 255 : 0;
        }
      }
      return values;
    });
  }

  return {
    get,
    getCorrected,
    /** Called before the cuts of a frame are requested. */
    begin() {
      wishes = [];
    },
    /** Called after that: requests missing planes, those in view first. */
    end: () => loader.want(wishes.sort((a, b) => a.step - b.step)),
    /**
     * @param {Fixed} axis
     * @param {number} place
     */
    hasFailed: (axis, place) => loader.hasFailed(fill(study.plane_url, axis, place, now.channel)),
    dispose: loader.dispose,
  };
}
