// @ts-check
/**
 * Areas, volumes and Dice from counts of pixels, as numbers and as text. The numbers agree with
 * Python (tests/cases/amounts.json): dice_from_counts of pipeline/metrics, volume_ml of
 * pipeline/data/case.py.
 */

/** @import { SpacingMm } from "./study.js" */

import { digits } from "../frame/number_words.js";
import { mlWords } from "../frame/volume_words.js";

/** @typedef {{ readonly spacing_mm: SpacingMm | null }} Spaced */

/** @typedef {Spaced & { readonly slice_weights: readonly number[] | null }} Stacked */

/** Shown in place of a Dice that is undefined because both masks are empty. */
export const NO_LESION = "no lesion in either";

/**
 * Dice of two masks from their pixel counts; null where both are empty.
 *
 * @param {number} both
 * @param {number} one
 * @param {number} other
 */
export const dice = (both, one, other) => (one + other ? (2 * both) / (one + other) : null);

/**
 * Area of a number of pixels; null without spacing.
 *
 * @param {number} pixels
 * @param {Spaced} study
 */
export const areaMm2 = (pixels, { spacing_mm: mm }) => (mm ? pixels * mm[1] * mm[2] : null);

/**
 * Volume of the pixels on each slice; null without spacing.
 *
 * @param {readonly number[]} areas
 * @param {Stacked} study
 */
export function volumeMl(areas, { spacing_mm: mm, slice_weights: weights }) {
  if (!mm) return null;
  const voxels = areas.reduce((sum, area, k) => sum + area * (weights?.[k] ?? 1), 0);
  return (voxels * mm[0] * mm[1] * mm[2]) / 1000;
}

const MOST_DIGITS = 6;

/**
 * A number and the threshold it is compared with, with as many digits (at least two) as it takes to
 * see which one is greater.
 *
 * @param {number} value
 * @param {number} threshold
 * @returns {[string, string]}
 */
export function besideThreshold(value, threshold) {
  let places = 2;
  while (
    places < MOST_DIGITS &&
    value !== threshold &&
    value.toFixed(places) === threshold.toFixed(places)
  )
    places++;
  return [value.toFixed(places), threshold.toFixed(places)];
}

/**
 * "2.56 cm²", or "256 px" without spacing.
 *
 * @param {number} pixels
 * @param {Spaced} study
 */
export function areaWords(pixels, study) {
  const mm2 = areaMm2(pixels, study);
  return mm2 === null ? `${digits(pixels)} px` : `${(mm2 / 100).toFixed(2)} cm²`;
}

/**
 * A volume as [number, unit].
 *
 * @param {number} voxels
 * @param {number | null | undefined} ml Null if unknown.
 * @returns {[string, "voxels" | "mL"]}
 */
export const volumeParts = (voxels, ml) =>
  ml === null || ml === undefined ? [digits(voxels), "voxels"] : [mlWords(ml), "mL"];

/**
 * @param {number} voxels
 * @param {number | null | undefined} ml Null if unknown.
 */
export const volumeWords = (voxels, ml) => volumeParts(voxels, ml).join(" ");
