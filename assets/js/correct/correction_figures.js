// @ts-check
/**
 * Area, volume and Dice (with AI mask and reference) of the reader's mask. They are counted slice
 * by slice on packed masks, which are never modified.
 */

/** @import { Base, State } from "./correction.js" */
/** @import { Source } from "./mask_sources.js" */

import * as amounts from "../viewer/amounts.js";
import * as threshold from "../viewer/threshold.js";
import * as correction from "./correction.js";
import * as correctionLayer from "./correction_layer.js";
import * as maskBits from "./mask_bits.js";

/** @typedef {"ai" | "reference"} OtherName */

/** @typedef {{ other: number, both: number }} Overlap Pixels of another mask; in common. */

/**
 * @typedef {object} Figures Numbers are null while they are unknown.
 * @property {number | null} area Pixels.
 * @property {readonly number[]} [areas] If the area of a study is known: pixels by slice.
 * @property {number | "empty" | null} ai Dice with the AI mask, "empty" if both are.
 * @property {number | "empty" | null} reference Likewise.
 */

const AGAIN_MS = 3000;
/** @type {WeakMap<Uint8Array, number>} */
const areas = new WeakMap();
/** @type {WeakMap<Uint8Array, { source: Source, k: number, overlap: Overlap }[]>} */
const overlaps = new WeakMap();
/** @type {WeakMap<Base, Map<string, number>>} pixels in common on untouched slices */
const untouched = new WeakMap();
/** @type {WeakMap<Uint8Array, { ai: Source, k: number, is: boolean }>} equality with the AI mask */
const same = new WeakMap();
/** @type {Set<string>} maps being fetched, as "name k" */
const waiting = new Set();

/** @param {Uint8Array} bits */
function areaOf(bits) {
  const area = areas.get(bits) ?? maskBits.count(bits);
  areas.set(bits, area);
  return area;
}

/**
 * Overlap of two masks on a slice; null while the other mask is loading.
 *
 * @param {Uint8Array} bits
 * @param {Source} source
 * @param {number} k
 * @returns {Overlap | null}
 */
function overlap(bits, source, k) {
  const other = source.bits(k);
  return other && { other: maskBits.count(other), both: maskBits.both(bits, other) };
}

/**
 * @param {State} state
 * @param {OtherName} name
 * @param {Source} source
 * @param {number} k
 */
function fetchFor(state, name, source, k) {
  const key = `${name} ${k}`;
  if (waiting.has(key)) return;
  waiting.add(key);
  const done = () => {
    waiting.delete(key);
    if (correction.state === state) correction.refresh();
  };
  source.load(k).then(done, () => setTimeout(done, AGAIN_MS)); // then it is requested again
}

/**
 * Overlap on a touched slice.
 *
 * @param {State} state
 * @param {OtherName} name
 * @param {Source} source
 * @param {number} k
 * @param {Uint8Array} bits
 */
function touchedOverlap(state, name, source, k, bits) {
  const known = overlaps.get(bits) ?? [];
  const found = known.find((one) => one.source === source && one.k === k)?.overlap;
  if (found) return found;
  const made = overlap(bits, source, k);
  if (made) overlaps.set(bits, [...known, { source, k, overlap: made }]);
  else fetchFor(state, name, source, k);
  return made;
}

/**
 * Pixels that the base has in common with another mask on an untouched slice.
 *
 * @param {State} state
 * @param {Base} base
 * @param {OtherName} name
 * @param {Source} source
 * @param {number} k
 */
function untouchedOverlap(state, base, name, source, k) {
  const area = base.under.area(k);
  if (area === 0 || source.area(k) === 0) return 0;
  if (base.under === source) return area;
  if (base.under === base.ai && name === "reference" && base.spec.threshold !== null) {
    const level = threshold.toLevel(base.spec.threshold);
    return state.now.measures?.overlap?.[k]?.[level] ?? null;
  }
  const cached = untouched.get(base) ?? new Map();
  untouched.set(base, cached);
  const key = `${name} ${k}`;
  const known = cached.get(key);
  if (known !== undefined) return known;
  const bits = base.under.bits(k);
  const found = bits && overlap(bits, source, k);
  if (found) cached.set(key, found.both);
  else fetchFor(state, name, source, k);
  return found && found.both;
}

/**
 * Dice of two masks from their pixel counts.
 *
 * @param {number} both
 * @param {number} one
 * @param {number} other
 */
const diceOf = (both, one, other) => amounts.dice(both, one, other) ?? "empty";

/**
 * Figures of the slice in view, including a stroke in progress.
 *
 * @param {State} state
 * @param {number} k
 * @returns {Figures}
 */
export function slice(state, k) {
  const base = correction.baseNow();
  const bits = state.live?.k === k ? maskBits.pack(state.live.mask) : correction.bits(k);
  if (!bits) return { area: null, ai: null, reference: null };
  const area = maskBits.count(bits);
  /** @param {Source | null} source */
  const dice = (source) => {
    const found = source && overlap(bits, source, k);
    return found && diceOf(found.both, area, found.other);
  };
  return { area, ai: dice(base.ai), reference: dice(state.reference) };
}

/** @param {readonly (number | null)[]} parts With a null among them the sum is null. */
const sum = (parts) =>
  parts.reduce((total, part) => (total === null || part === null ? null : total + part), 0);

/**
 * Figures of the whole study, without a stroke in progress.
 *
 * @param {State} state
 * @returns {Figures}
 */
export function volume(state) {
  const { touched, base, now } = state;
  if (!base) return { area: null, ai: null, reference: null };
  const slices = now.study.indices.map((_, k) => ({ k, bits: touched.get(k) }));
  const each = slices.map(({ k, bits }) => (bits ? areaOf(bits) : base.under.area(k)));
  const area = sum(each);
  /**
   * @param {OtherName} name
   * @param {Source | null} source
   */
  const dice = (name, source) => {
    if (!source) return null;
    const found = slices.map(({ k, bits }) =>
      bits
        ? touchedOverlap(state, name, source, k, bits)
        : { other: source.area(k), both: untouchedOverlap(state, base, name, source, k) },
    );
    const other = sum(found.map((one) => one && one.other));
    const both = sum(found.map((one) => one && one.both));
    return area === null || other === null || both === null ? null : diceOf(both, area, other);
  };
  const known = area === null ? undefined : each.map((one) => one ?? 0);
  return {
    area,
    areas: known,
    ai: dice("ai", base.ai),
    reference: dice("reference", state.reference),
  };
}

/**
 * Whether a packed mask equals the AI mask; null while the AI mask is loading.
 *
 * @param {State} state
 * @param {Uint8Array} bits
 * @param {Source} ai
 * @param {number} k
 */
function isAi(state, bits, ai, k) {
  const known = same.get(bits);
  if (known?.ai === ai && known.k === k) return known.is;
  const other = ai.bits(k);
  if (!other) {
    fetchFor(state, "ai", ai, k);
    return null;
  }
  const is = maskBits.equal(bits, other);
  same.set(bits, { ai, k, is });
  return is;
}

/**
 * Pixels of the mask in view (a shown version or the current mask) on a slice where it differs from
 * the AI mask that it started from; null where it does not, or is not known to.
 *
 * @param {number} k
 */
export function changedArea(k) {
  const { state } = correction;
  const { version } = correctionLayer;
  const base = version ? version.base : state?.base;
  const touched = version ? undefined : state?.touched.get(k);
  if (!state || !base || (!touched && base.under === base.ai)) return null;
  const area = touched ? areaOf(touched) : base.under.area(k);
  const other = base.ai ? base.ai.area(k) : 0;
  if (area === null || other === null) return touched ? area : null;
  if (area !== other) return area;
  const bits = touched ?? base.under.bits(k);
  if (area === 0 || !bits || !base.ai) return null;
  return isAi(state, bits, base.ai, k) === false ? area : null;
}
