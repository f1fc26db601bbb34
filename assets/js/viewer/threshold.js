// @ts-check
/**
 * The mask threshold. Mask, areas, volume and Dice follow the slider in the browser, computed from
 * the loaded probability maps and the tables in the measures. null stands for the default
 * threshold.
 */

/** @import { Session } from "./session.js" */
/** @import { Measures } from "./study.js" */

import { byId } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as amounts from "./amounts.js";
import * as operatingPoint from "./operating_point.js";
import * as viewer from "./viewer.js";

export const LOWEST = 0.05;
export const HIGHEST = 0.95;
const STEP = 0.05;
export const BAND = [0.3, 0.7]; // as in pipeline/analysis/outline_facts.py
const NAME = "Mask threshold";
const POINT_NAME = "Operating point";

/**
 * The smallest stored value, 1 to 255, that belongs to the mask at a threshold; the same rule as in
 * pipeline/measurement/mask_levels.py.
 *
 * @param {number} threshold
 */
export const toLevel = (threshold) => Math.max(1, Math.ceil(threshold * 255));

/** @param {Session} now */
export const defaultValue = (now) => operatingPoint.resultOf(now).mask_threshold;

/** @param {Session} now */
export const isDefault = (now) => now.threshold === null;

/**
 * The threshold in effect.
 *
 * @param {Session} now
 */
export const value = (now) => now.threshold ?? defaultValue(now);

/** @param {Session} now */
export const level = (now) => toLevel(value(now));

/**
 * Whether mask threshold and operating point are the defaults; then the result's own numbers are
 * shown.
 *
 * @param {Session} now
 */
export const isUnchanged = (now) => isDefault(now) && operatingPoint.isDefault(now);

/**
 * The measures of the study in view.
 *
 * @param {Session} now
 * @returns {Measures}
 * @throws {Error} While they are not loaded.
 */
function measuresOf(now) {
  if (!now.measures) throw new Error("The measures are not loaded yet.");
  return now.measures;
}

/**
 * Pixels at or above the threshold on one slice, whether or not it has a mask.
 *
 * @param {Session} now
 * @param {number} k
 */
export const covered = (now, k) => now.measures?.areas[k]?.[level(now)] ?? 0;

/**
 * Pixels of the mask on one slice: 0 below the operating point.
 *
 * @param {Session} now
 * @param {number} k
 */
export function area(now, k) {
  if (isUnchanged(now)) return operatingPoint.resultOf(now).slices[k].mask_area_px;
  return operatingPoint.isAbove(now, k) ? covered(now, k) : 0;
}

/**
 * Sum over the slices above the operating point.
 *
 * @param {Session} now
 * @param {readonly (readonly number[] | null)[]} rows By slice, then by level.
 * @param {number} at The level.
 */
const sum = (now, rows, at) =>
  rows.reduce((total, row, k) => total + (row && operatingPoint.isAbove(now, k) ? row[at] : 0), 0);

/**
 * Dice with the reference on one slice; null where both are empty.
 *
 * @param {Session} now
 * @param {number} k
 */
export function dice(now, k) {
  if (isUnchanged(now)) return operatingPoint.resultOf(now).slices[k].dice ?? null;
  const { overlap, reference_px: reference } = measuresOf(now);
  const both = operatingPoint.isAbove(now, k) ? (overlap?.[k]?.[level(now)] ?? 0) : 0;
  return amounts.dice(both, area(now, k), reference?.[k] ?? 0);
}

/**
 * Dice with the reference over the whole volume; null without a reference or where both are empty.
 *
 * @param {Session} now
 * @param {number} at The level.
 */
function volumeDice(now, at) {
  const { areas, overlap, reference_px: reference } = measuresOf(now);
  if (!overlap || !reference) return null;
  const wanted = reference.reduce((total, pixels) => total + pixels, 0);
  return amounts.dice(sum(now, overlap, at), sum(now, areas, at), wanted);
}

/**
 * An address of something that depends on the AI mask in view.
 *
 * @param {Session} now
 * @param {string} template With {mask}, which becomes the mask's level and, unless the operating
 *   point is the default, 100 x the operating point.
 */
export function address(now, template) {
  const point = now.operatingPoint === null ? "" : `/${Math.round(100 * now.operatingPoint)}`;
  return template.replace("{mask}", `${level(now)}${point}`);
}

/**
 * Pixels of the mask on each slice at a threshold.
 *
 * @param {Session} now
 * @param {number} threshold
 */
const areasAt = (now, threshold) =>
  measuresOf(now).areas.map((row, k) =>
    row && operatingPoint.isAbove(now, k) ? row[toLevel(threshold)] : 0,
  );

/** @param {readonly number[]} areas */
const total = (areas) => areas.reduce((voxels, pixels) => voxels + pixels, 0);

/** @param {Session} now */
export const areas = (now) => areasAt(now, value(now));

/** @param {number | null} wanted A threshold, null for the default. */
export function set(wanted) {
  const { now } = viewer;
  if (!operatingPoint.canMove(now)) return;
  const inside = wanted === null ? null : operatingPoint.stopAt(wanted, LOWEST, HIGHEST);
  const same = inside === null || toLevel(inside) === toLevel(defaultValue(now));
  viewer.display({ threshold: same ? null : inside });
}

/** @param {number} direction 1 or -1. */
export const move = (direction) =>
  operatingPoint.canMove(viewer.now) && set(value(viewer.now) + direction * STEP);

/**
 * How much the mask depends on the threshold, in a sentence.
 *
 * @param {Session} now
 */
function stability(now) {
  const band = BAND.map((threshold) => areasAt(now, threshold));
  const [larger, smaller] = band.map(total);
  if (!larger) return "The mask is empty even at a threshold of 0.3.";
  const [[low, unit], [high]] = band.map((found) =>
    amounts.volumeParts(total(found), amounts.volumeMl(found, now.study)),
  );
  const agree = (amounts.dice(smaller, larger, smaller) ?? 0).toFixed(2);
  return (
    `Between thresholds of 0.3 and 0.7 the volume ranges from ${low} to ${high} ${unit}` +
    ` (Dice between the two masks ${agree}).`
  );
}

/**
 * Why the default threshold of this study is not the network's, in a sentence; "" where it is.
 *
 * @param {Session} now
 */
function origin(now) {
  const network = operatingPoint.resultOf(now).network_mask_threshold;
  if (network === null || toLevel(defaultValue(now)) >= toLevel(network)) return "";
  return (
    `Lowered from ${network.toFixed(2)} to ${defaultValue(now).toFixed(2)} for this study:` +
    " the mask at this threshold has the highest expected Dice."
  );
}

/** @param {Session} now */
function show(now) {
  const isReady = Boolean(now.study.result && now.measures);
  byId("findings-threshold").hidden = !isReady;
  for (const id of ["threshold-badge", "finding-expected-default"]) byId(id).hidden = true;
  if (!isReady) return;
  const own = !isDefault(now);
  const shown = value(now).toFixed(2);
  byId("threshold-value").textContent = shown;
  const slider = byId("viewer-threshold", HTMLInputElement);
  slider.value = String(value(now));
  slider.setAttribute("aria-valuetext", own ? shown : `${shown}, default`);
  byId("viewer-threshold-default", HTMLButtonElement).disabled = !own;
  byId("threshold-band").textContent = stability(now);
  const found = volumeDice(now, level(now));
  byId("threshold-dice").textContent =
    found === null ? "" : `Dice with reference, whole volume: ${found.toFixed(2)}.`;
  byId("threshold-origin").textContent = origin(now);
  byId("threshold-origin").hidden = !origin(now);
  byId("threshold-notice").hidden = !own;
  byId("threshold-notice").textContent =
    `${moved(NAME, value(now), defaultValue(now))}. Mask, areas, diameters, volume and Dice` +
    " follow the slider; slice scores do not change.";
  warn(now);
}

/**
 * "Mask threshold changed to 0.30 (default 0.45)"
 *
 * @param {string} name
 * @param {number} here
 * @param {number} there
 */
const moved = (name, here, there) =>
  `${name} changed to ${here.toFixed(2)} (default ${there.toFixed(2)})`;

/**
 * Warns while either slider is off its default: over the image, and beside the expected Dice, which
 * applies at the defaults only.
 *
 * @param {Session} now
 */
function warn(now) {
  const { isDefault: isPointDefault, value: point, defaultValue: defaultPoint } = operatingPoint;
  /** @type {Record<string, string>} */
  const lines = {};
  if (!isDefault(now)) lines.threshold = moved(NAME, value(now), defaultValue(now));
  if (!isPointDefault(now)) lines.point = moved(POINT_NAME, point(now), defaultPoint(now));
  const badge = byId("threshold-badge");
  badge.textContent = Object.values(lines).join("\n");
  badge.dataset.changed = Object.keys(lines).join(" ");
  badge.hidden = !badge.textContent;
  byId("finding-expected-default").hidden = !badge.textContent;
}

export function mount() {
  return all([viewer.on(["open", "result", "measures", "threshold"], show)]);
}
