// @ts-check
/** Turns stored values into grey levels, and finds the window in which they are shown. */

/** @import { Levels } from "./session.js" */
/** @import { Study } from "./study.js" */
/** @import { Values } from "./pixels.js" */

/**
 * Grey level of every stored value.
 *
 * @param {number} size Number of stored values.
 * @param {number} slope
 * @param {number} intercept
 * @param {Levels} levels In values = stored x slope + intercept.
 * @param {boolean} invert
 */
export function lookup(size, slope, intercept, levels, invert) {
  const table = new Uint8Array(size);
  const width = Math.max(levels.high - levels.low, 1e-9);
  for (let stored = 0; stored < size; stored++) {
    const grey = ((stored * slope + intercept - levels.low) * 255) / width;
    const clipped = grey < 0 ? 0 : grey > 255 ? 255 : grey;
    table[stored] = invert ? 255 - clipped : clipped;
  }
  return table;
}

/**
 * Grey levels of all values that the slices of a study can store.
 *
 * @param {Study} study
 * @param {Levels} levels
 * @param {boolean} invert
 */
export const greysOf = ({ pixel_type: type, slope, intercept }, levels, invert) =>
  lookup(type === "uint16" ? 65536 : 256, slope, intercept, levels, invert);

/**
 * Draws stored values into an image of their size.
 *
 * @param {ImageData} image Receives them.
 * @param {Values} stored
 * @param {Uint8Array} table Grey level of every stored value.
 */
export function paintGreys(image, stored, table) {
  const into = new Uint32Array(image.data.buffer);
  for (let i = 0; i < into.length; i++) into[i] = 0xff000000 | (table[stored[i]] * 0x010101);
}

/**
 * The maximum intensity projection of slices: the greatest value at each place.
 *
 * @param {readonly Values[]} slices At least one; a single one is returned as it is.
 * @param {number} slope Where it is negative, the greatest value is stored as the smallest number.
 * @returns {Values}
 */
export function project(slices, slope) {
  if (slices.length === 1) return slices[0];
  const found = slices[0].slice();
  for (const slice of slices.slice(1))
    for (let i = 0; i < found.length; i++)
      if (slope < 0 ? slice[i] < found[i] : slice[i] > found[i]) found[i] = slice[i];
  return found;
}

/**
 * Window from the brain in a slice, by the rule of `find_window` in dashboard/studies/display.py.
 *
 * @param {Values} stored
 * @param {number} width
 * @param {number} slope
 * @param {number} intercept
 * @returns {Levels}
 */
export function autoWindow(stored, width, slope, intercept) {
  const size = stored instanceof Uint16Array ? 65536 : 256;
  /** @param {(x: number, y: number) => boolean} holds */
  const histogram = (holds) => {
    const counts = new Uint32Array(size);
    for (let i = 0; i < stored.length; i++)
      if (holds(i % width, Math.floor(i / width))) counts[stored[i]]++;
    return counts;
  };
  /**
   * @param {Uint32Array} counts
   * @param {number} from
   * @param {number} share
   */
  const quantile = (counts, from, share) => {
    let total = 0;
    for (let v = from; v < size; v++) total += counts[v];
    let left = total * share;
    for (let v = from; v < size; v++) if (counts[v] && (left -= counts[v]) <= 0) return v;
    return from;
  };
  const value = (/** @type {number} */ v) => v * slope + intercept;
  const all = histogram(() => true);
  const least = quantile(all, 0, 0);
  const most = quantile(all, 0, 1);
  if (least === most) return { low: value(least), high: value(least) + 1 };
  const darkest = quantile(all, 0, 0.001);
  const brightest = quantile(all, 0, 0.999);
  const floor = darkest + 0.06 * (brightest - darkest);
  const above = Math.floor(floor) + 1;
  let left = width;
  let right = -1;
  let top = stored.length / width;
  let bottom = -1;
  for (let i = 0; i < stored.length; i++) {
    if (stored[i] <= floor) continue;
    const x = i % width;
    const y = (i - x) / width;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = y;
  }
  const region = histogram((x, y) => {
    const across = (2 * x - left - right) / (right - left + 1);
    const down = (2 * y - top - bottom) / (bottom - top + 1);
    return across * across + down * down <= 0.25;
  });
  if (right < 0 || !region.subarray(above).some(Boolean))
    return { low: value(least), high: value(most) };
  const third = darkest + (quantile(region, 0, 0.5) - darkest) / 3;
  const low = value(Math.max(darkest, Math.min(quantile(region, 0, 0.01), third)));
  const high = low + Math.max(1.2 * (value(quantile(region, above, 0.995)) - low), 1e-6);
  return { low, high };
}
