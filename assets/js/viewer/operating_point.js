// @ts-check
/**
 * The operating point of the slice score: which slices are above it and so have a mask. The reader
 * can move it in the browser; null stands for the default. Slices that change sides are marked on
 * the strip. "Above" includes a score equal to the operating point.
 */

/** @import { Session } from "./session.js" */
/** @import { Result, Slice } from "./study.js" */

import { counted } from "../frame/number_words.js";
import { byId } from "../frame/dom.js";
import { all } from "../frame/events.js";
import { note as showNote } from "./notes.js";
import * as viewer from "./viewer.js";

export const LOWEST = 0.01;
export const HIGHEST = 0.99;
const STEP = 0.05;

/**
 * The result of the study in view.
 *
 * @param {Session} now
 * @returns {Result}
 * @throws {Error} Before the analysis.
 */
export function resultOf(now) {
  if (!now.study.result) throw new Error("The study has no result.");
  return now.study.result;
}

/**
 * Why the study has no result, in a sentence; "" where it has one.
 *
 * @param {Session} now
 */
export const whyNoResult = ({ study: { result, no_result: noResult } }) =>
  result ? "" : (noResult ?? "This study is not analysed yet.");

/** @param {Session} now */
export const defaultValue = (now) => resultOf(now).threshold;

/** @param {Session} now */
export const isDefault = (now) => now.operatingPoint === null;

/**
 * The operating point in effect.
 *
 * @param {Session} now
 */
export const value = (now) => now.operatingPoint ?? defaultValue(now);

/**
 * Whether a slice is above an operating point.
 *
 * @param {Slice} slice
 * @param {number | null} point Null for the default.
 */
export const reaches = (slice, point) =>
  point === null ? slice.tumor : slice.slice_score >= point;

/**
 * Whether a slice is above the operating point in effect.
 *
 * @param {Session} now
 * @param {number} k
 */
export function isAbove(now, k) {
  const slice = now.study.result?.slices[k];
  return Boolean(slice && reaches(slice, now.operatingPoint));
}

/**
 * Whether a slice has a mask: it is above the operating point, and it was segmented.
 *
 * @param {Session} now
 * @param {number} k
 */
export const hasMask = (now, k) =>
  isAbove(now, k) && resultOf(now).slices[k].outline_evidence !== null;

/**
 * 1 where a slice is above the operating point in effect but not above the default one, -1 the
 * other way round, else 0.
 *
 * @param {Session} now
 * @param {number} k
 */
export function change(now, k) {
  const slice = now.study.result?.slices[k];
  return slice ? Number(isAbove(now, k)) - Number(slice.tumor) : 0;
}

/**
 * Whether classifier and segmentation disagree, so that one of them decided.
 *
 * @param {Slice} slice
 */
export const isConflict = (slice) =>
  slice.decided_by === "classifier" || slice.decided_by === "outline";

/**
 * The next slice of a list in a direction, starting over at the end; undefined without any.
 *
 * @param {readonly number[]} slices In order.
 * @param {number} k The slice in view.
 * @param {number} direction 1 or -1.
 */
export const nextOf = (slices, k, direction) =>
  direction > 0
    ? (slices.find((j) => j > k) ?? slices[0])
    : (slices.findLast((j) => j < k) ?? slices.at(-1));

/**
 * The nearest value that a slider can have: whole hundredths between its ends.
 *
 * @param {number} wanted
 * @param {number} lowest
 * @param {number} highest
 */
export const stopAt = (wanted, lowest, highest) =>
  Math.min(highest, Math.max(lowest, Math.round(wanted * 100) / 100));

/**
 * Whether the thresholds can move. Shows over the image why they cannot.
 *
 * @param {Session | null} now
 * @returns {now is Session}
 */
export function canMove(now) {
  if (!now) return false;
  const why = whyNoResult(now);
  if (why) showNote(why, "no-result");
  else if (!now.measures) showNote("The measures of this study are still loading.", "measures");
  return !why && Boolean(now.measures);
}

/** @param {number | null} wanted An operating point, null for the default. */
export function set(wanted) {
  const { now } = viewer;
  if (!canMove(now)) return;
  const inside = wanted === null ? null : stopAt(wanted, LOWEST, HIGHEST);
  const same = inside === null || Math.abs(inside - defaultValue(now)) < 0.005;
  viewer.display({ operatingPoint: same ? null : inside });
}

/** @param {number} direction 1 or -1. */
export const move = (direction) => canMove(viewer.now) && set(value(viewer.now) + direction * STEP);

/**
 * How many slices are above the operating point, and how that differs from the default.
 *
 * @param {Session} now
 */
function counts(now) {
  const changes = now.study.indices.map((_, k) => change(now, k));
  return {
    above: changes.filter((_, k) => isAbove(now, k)).length,
    more: changes.filter((c) => c > 0).length,
    fewer: changes.filter((c) => c < 0).length,
  };
}

/**
 * "12 of 34 slices above the operating point: 2 more than at the default 0.50."
 *
 * @param {Session} now
 * @param {ReturnType<typeof counts>} counts
 */
function sentence(now, { above, more, fewer }) {
  const here = `${above} of ${counted(now.study.n, "slice")} above the operating point`;
  if (isDefault(now)) return `${here}.`;
  const moved = [more && `${more} more than`, fewer && `${fewer} fewer than`].filter(Boolean);
  return `${here}: ${moved[0] ?? "the same as"} at the default ${defaultValue(now).toFixed(2)}.`;
}

/** @param {Session} now */
function show(now) {
  const isReady = Boolean(now.study.result && now.measures);
  byId("findings-operating-point").hidden = !isReady;
  byId("strip-changed").hidden = true;
  if (!isReady) return;
  const shown = value(now).toFixed(2);
  byId("operating-point-value").textContent = shown;
  const slider = byId("viewer-operating-point", HTMLInputElement);
  slider.value = String(value(now));
  slider.setAttribute("aria-valuetext", isDefault(now) ? `${shown}, default` : shown);
  byId("viewer-operating-point-default", HTMLButtonElement).disabled = isDefault(now);
  const found = counts(now);
  const note = byId("operating-point-note");
  note.textContent = sentence(now, found);
  for (const [name, count] of Object.entries(found)) note.dataset[name] = String(count);
  byId("strip-changed").hidden = !found.more && !found.fewer;
}

export function mount() {
  return all([viewer.on(["open", "result", "measures", "threshold"], show)]);
}
