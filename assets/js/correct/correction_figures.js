// @ts-check
/**
 * What is measured on the reader's mask: area, volume, Dice with the AI's mask and with the
 * reference outline. Counted on packed masks, which are never altered, slice by slice.
 */

/** @import { Base, State } from "./correction.js" */
/** @import { Source } from "./mask_sources.js" */

import * as amounts from "../viewer/amounts.js";
import * as threshold from "../viewer/threshold.js";
import * as correction from "./correction.js";
import * as correctionLayer from "./correction_layer.js";
import * as maskBits from "./mask_bits.js";

/** @typedef {"ai" | "reference"} OtherName */

/** @typedef {{ other: number, both: number }} Overlap Pixels of another mask, and in common. */

/**
 * @typedef {object} Figures Numbers are null while they are not known.
 * @property {number | null} area Pixels.
 * @property {readonly number[]} [areas] Of a study whose area is known: pixels of each slice.
 * @property {number | "empty" | null} ai Dice with the AI's mask, "empty" where both are.
 * @property {number | "empty" | null} reference Likewise.
 */

const AGAIN_MS = 3000;
/** @type {WeakMap<Uint8Array, number>} */
const areas = new WeakMap();
/** @type {WeakMap<Uint8Array, { source: Source, k: number, overlap: Overlap }[]>} */
const overlaps = new WeakMap();
/** @type {WeakMap<Base, Map<string, number>>} pixels in common of slices that were not touched */
const untouched = new WeakMap();
/** @type {WeakMap<Uint8Array, { ai: Source, k: number, is: boolean }>} whether it is the AI's */
const same = new WeakMap();
/** @type {Set<string>} slices whose maps are being fetched, as "name k" */
const waiting = new Set();

/** @param {Uint8Array} bits */
function areaOf(bits) {
  const area = areas.get(bits) ?? maskBits.count(bits);
  areas.set(bits, area);
  return area;
}

/**
 * Null while the other mask is on its way.
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
  source.load(k).then(done, () => setTimeout(done, AGAIN_MS)); // and asked for again
}

/**
 * Of a slice that was touched.
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
 * Pixels that the base has in common with another mask on a slice that was not touched.
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
  const kept = untouched.get(base) ?? new Map();
  untouched.set(base, kept);
  const key = `${name} ${k}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const bits = base.under.bits(k);
  const found = bits && overlap(bits, source, k);
  if (found) kept.set(key, found.both);
  else fetchFor(state, name, source, k);
  return found && found.both;
}

/**
 * Dice of two masks of known sizes.
 *
 * @param {number} both
 * @param {number} one
 * @param {number} other
 */
const diceOf = (both, one, other) => amounts.dice(both, one, other) ?? "empty";

/**
 * Of the slice in view, a stroke in progress included.
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

/** @param {readonly (number | null)[]} parts Null makes the sum unknown. */
const sum = (parts) =>
  parts.reduce((total, part) => (total === null || part === null ? null : total + part), 0);

/**
 * Of the study, without a stroke in progress.
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
 * Whether a packed mask of some pixels is the AI's; null while its map is on its way.
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
 * Pixels of a slice in the mask in view (a version that is shown, or the mask in hand) where that
 * is not the AI's mask that it began from; null where it is, or is not known to differ.
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
