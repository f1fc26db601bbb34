// @ts-check
/**
 * The mask's threshold: mask, areas, volume and Dice follow the slider here in the browser, from
 * the probability maps that it has and from the tables of the measures. null stands for the shipped
 * threshold.
 */

/** @import { Session } from "./session.js" */
/** @import { Measures } from "./study.js" */

import { byId } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as amounts from "./amounts.js";
import * as calls from "./calls.js";
import * as viewer from "./viewer.js";

export const LOWEST = 0.05;
export const HIGHEST = 0.95;
const STEP = 0.05;
export const BAND = [0.3, 0.7]; // as in pipeline/analysis/outline_facts.py

/**
 * Smallest stored value in 1..255 that belongs to the mask; the same rule as in
 * pipeline/measurement/mask_levels.py.
 *
 * @param {number} threshold
 */
export const toLevel = (threshold) => Math.max(1, Math.ceil(threshold * 255));

/** @param {Session} now */
export const shipped = (now) => calls.resultOf(now).mask_threshold;

/** @param {Session} now */
export const isShipped = (now) => now.threshold === null;

/**
 * The threshold in view.
 *
 * @param {Session} now
 */
export const value = (now) => now.threshold ?? shipped(now);

/** @param {Session} now */
export const level = (now) => toLevel(value(now));

/**
 * Whether mask and calls are as they were shipped; then the result's own numbers are shown.
 *
 * @param {Session} now
 */
export const isUnchanged = (now) => isShipped(now) && calls.isShipped(now);

/**
 * The measures of the study in view; fails where they are not there yet.
 *
 * @param {Session} now
 * @returns {Measures}
 */
function measuresOf(now) {
  if (!now.measures) throw new Error("The measures are not there yet.");
  return now.measures;
}

/**
 * Pixels that reach the threshold on one slice.
 *
 * @param {Session} now
 * @param {number} k
 */
export const covered = (now, k) => now.measures?.areas[k]?.[level(now)] ?? 0;

/**
 * Pixels of the mask on one slice, which is empty where the slice is not called.
 *
 * @param {Session} now
 * @param {number} k
 */
export function area(now, k) {
  if (isUnchanged(now)) return calls.resultOf(now).slices[k].mask_area_px;
  return calls.isCalled(now, k) ? covered(now, k) : 0;
}

/**
 * Sum over the slices that are called.
 *
 * @param {Session} now
 * @param {readonly (readonly number[] | null)[]} rows By slice, then by level.
 * @param {number} at The level.
 */
const sum = (now, rows, at) =>
  rows.reduce((total, row, k) => total + (row && calls.isCalled(now, k) ? row[at] : 0), 0);

/**
 * Dice against the reference on one slice; null where both are empty.
 *
 * @param {Session} now
 * @param {number} k
 */
export function dice(now, k) {
  if (isUnchanged(now)) return calls.resultOf(now).slices[k].dice ?? null;
  const { overlap, reference_px: reference } = measuresOf(now);
  const both = calls.isCalled(now, k) ? (overlap?.[k]?.[level(now)] ?? 0) : 0;
  return amounts.dice(both, area(now, k), reference?.[k] ?? 0);
}

/**
 * Dice against the reference of the whole volume; null without a reference or where both are empty.
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
 * An address of what belongs to the AI's mask in view, as the server answers it.
 *
 * @param {Session} now
 * @param {string} template With {mask}: its level, and where slices are called from another
 *   operating point, 100 x that.
 */
export function address(now, template) {
  const point = now.calls === null ? "" : `/${Math.round(100 * now.calls)}`;
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
    row && calls.isCalled(now, k) ? row[toLevel(threshold)] : 0,
  );

/** @param {readonly number[]} areas */
const total = (areas) => areas.reduce((voxels, pixels) => voxels + pixels, 0);

/** @param {Session} now */
export const areas = (now) => areasAt(now, value(now));

/** @param {number | null} wanted A threshold, null for the shipped one. */
export function set(wanted) {
  const { now } = viewer;
  if (!now?.study.result || !now.measures) return;
  const inside = wanted === null ? null : calls.stopAt(wanted, LOWEST, HIGHEST);
  const same = inside === null || toLevel(inside) === toLevel(shipped(now));
  viewer.display({ threshold: same ? null : inside });
}

/** @param {number} direction 1 or -1. */
export const move = (direction) =>
  viewer.now?.study.result && set(value(viewer.now) + direction * STEP);

/** @param {Session} now */
function stability(now) {
  const band = BAND.map((threshold) => areasAt(now, threshold));
  const [larger, smaller] = band.map(total);
  if (!larger) return "Even at 0.3 the mask is empty.";
  const [[low, unit], [high]] = band.map((found) =>
    amounts.volumeParts(total(found), amounts.volumeMl(found, now.study)),
  );
  const agree = (amounts.dice(smaller, larger, smaller) ?? 0).toFixed(2);
  return (
    `From 0.3 to 0.7 the volume goes from ${low} to ${high} ${unit};` +
    ` the two masks have a Dice of ${agree} with each other.`
  );
}

/**
 * Where the shipped threshold comes from, "" where it is the network's.
 *
 * @param {Session} now
 */
function origin(now) {
  const network = calls.resultOf(now).network_mask_threshold;
  if (network === null || toLevel(shipped(now)) >= toLevel(network)) return "";
  return (
    `${shipped(now).toFixed(2)} was chosen for this study: lowered from ${network.toFixed(2)},` +
    " as its outline is unsure."
  );
}

/** @param {Session} now */
function show(now) {
  const isReady = Boolean(now.study.result && now.measures);
  byId("findings-threshold").hidden = !isReady;
  for (const id of ["threshold-badge", "finding-expected-shipped"]) byId(id).hidden = true;
  if (!isReady) return;
  const own = !isShipped(now);
  const shown = value(now).toFixed(2);
  byId("threshold-value").textContent = shown;
  const slider = byId("viewer-threshold", HTMLInputElement);
  slider.value = String(value(now));
  const which = own ? "not the shipped threshold" : "the shipped threshold";
  slider.setAttribute("aria-valuetext", `${shown}, ${which}`);
  byId("viewer-threshold-shipped", HTMLButtonElement).disabled = !own;
  byId("threshold-band").textContent = stability(now);
  const found = volumeDice(now, level(now));
  byId("threshold-dice").textContent =
    found === null ? "" : `Dice with the reference outline, whole volume: ${found.toFixed(2)}.`;
  byId("threshold-origin").textContent = origin(now);
  byId("threshold-origin").hidden = !origin(now);
  byId("threshold-notice").hidden = !own;
  byId("threshold-notice").textContent =
    `${moved("threshold", value(now), shipped(now))}. Mask, areas, diameters, volume and Dice` +
    " follow the slider; slice scores do not.";
  warn(now);
}

/**
 * "Not the shipped threshold: 0.30 instead of 0.45"
 *
 * @param {string} what
 * @param {number} here
 * @param {number} there
 */
const moved = (what, here, there) =>
  `Not the shipped ${what}: ${here.toFixed(2)} instead of ${there.toFixed(2)}`;

/**
 * What does not hold while either slider is moved: over the image, and by the Dice that was learned
 * at the shipped ones.
 *
 * @param {Session} now
 */
function warn(now) {
  const lines = [];
  if (!isShipped(now)) lines.push(moved("threshold", value(now), shipped(now)));
  if (!calls.isShipped(now))
    lines.push(moved("operating point", calls.value(now), calls.shipped(now)));
  byId("threshold-badge").hidden = !lines.length;
  byId("threshold-badge").textContent = lines.join("\n");
  byId("finding-expected-shipped").hidden = !lines.length;
}

export function mount() {
  return all([viewer.on(["open", "result", "measures", "threshold"], show)]);
}
