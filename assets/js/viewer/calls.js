// @ts-check
/**
 * Which slices are called: those whose slice score reaches the operating point. The reader may move
 * it here in the browser; null stands for the shipped one. Slices that change are marked on the
 * strip.
 */

/** @import { Session } from "./session.js" */
/** @import { Result, Slice } from "./study.js" */

import { byId } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as viewer from "./viewer.js";

export const LOWEST = 0.01;
export const HIGHEST = 0.99;
const STEP = 0.05;

/**
 * The result of the study in view; fails before the analysis.
 *
 * @param {Session} now
 * @returns {Result}
 */
export function resultOf(now) {
  if (!now.study.result) throw new Error("The study has no result.");
  return now.study.result;
}

/** @param {Session} now */
export const shipped = (now) => resultOf(now).threshold;

/** @param {Session} now */
export const isShipped = (now) => now.calls === null;

/**
 * The operating point in view.
 *
 * @param {Session} now
 */
export const value = (now) => now.calls ?? shipped(now);

/**
 * Whether a slice score reaches an operating point, null for the shipped one.
 *
 * @param {Slice} slice
 * @param {number | null} point
 */
export const reaches = (slice, point) =>
  point === null ? slice.tumor : slice.slice_score >= point;

/**
 * @param {Session} now
 * @param {number} k
 */
export function isCalled(now, k) {
  const slice = now.study.result?.slices[k];
  return Boolean(slice && reaches(slice, now.calls));
}

/**
 * Only slices that are called and that the segmenter was run on have a mask.
 *
 * @param {Session} now
 * @param {number} k
 */
export const hasMask = (now, k) =>
  isCalled(now, k) && resultOf(now).slices[k].outline_evidence !== null;

/**
 * 1 where a slice is called now and was not, -1 the other way round, else 0.
 *
 * @param {Session} now
 * @param {number} k
 */
export function change(now, k) {
  const slice = now.study.result?.slices[k];
  return slice ? Number(isCalled(now, k)) - Number(slice.tumor) : 0;
}

/**
 * Whether classifier and outline say the opposite of each other; one of them decided.
 *
 * @param {Slice} slice
 */
export const isConflict = (slice) =>
  slice.decided_by === "classifier" || slice.decided_by === "outline";

/**
 * The next slice of which something is true (before an analysis, none), round the end.
 *
 * @param {number} direction 1 or -1.
 * @param {(slice: Slice, k: number) => boolean} isWanted
 */
function goToNext(direction, isWanted) {
  const { now } = viewer;
  const slices = now?.study.result?.slices;
  if (!now || !slices) return;
  const { n } = now.study;
  for (let step = 1; step <= n; step++) {
    const j = (now.k + direction * step + step * n) % n;
    if (isWanted(slices[j], j)) return viewer.goTo(j);
  }
}

/** @param {number} direction 1 or -1. */
export const goToLesion = (direction) =>
  goToNext(direction, (_, k) => isCalled(viewer.opened(), k));

/** @param {number} direction 1 or -1. */
export const goToConflict = (direction) => goToNext(direction, isConflict);

/**
 * Where a slider stops: at whole hundredths between its ends.
 *
 * @param {number} wanted
 * @param {number} lowest
 * @param {number} highest
 */
export const stopAt = (wanted, lowest, highest) =>
  Math.min(highest, Math.max(lowest, Math.round(wanted * 100) / 100));

/** @param {number | null} wanted An operating point, null for the shipped one. */
export function set(wanted) {
  const { now } = viewer;
  if (!now?.study.result || !now.measures) return;
  const inside = wanted === null ? null : stopAt(wanted, LOWEST, HIGHEST);
  const same = inside === null || Math.abs(inside - shipped(now)) < 0.005;
  viewer.display({ calls: same ? null : inside });
}

/** @param {number} direction 1 or -1. */
export const move = (direction) =>
  viewer.now?.study.result && set(value(viewer.now) + direction * STEP);

/** @param {number} slices */
const counted = (slices) => `${slices} ${slices === 1 ? "slice" : "slices"}`;

/**
 * "12 of 34 slices reach it: 2 more, 1 fewer than at the shipped 0.50."
 *
 * @param {Session} now
 */
function words(now) {
  const { study } = now;
  const changes = study.indices.map((_, k) => change(now, k));
  const called = changes.filter((_, k) => isCalled(now, k)).length;
  const more = changes.filter((c) => c > 0).length;
  const fewer = changes.filter((c) => c < 0).length;
  const moved = [more && `${more} more`, fewer && `${fewer} fewer`].filter(Boolean).join(", ");
  const than = `${moved || "no other ones"} than at the shipped ${shipped(now).toFixed(2)}`;
  return `${called} of ${counted(study.n)} reach it${isShipped(now) ? "" : `: ${than}`}.`;
}

/** @param {Session} now */
function show(now) {
  const isReady = Boolean(now.study.result && now.measures);
  byId("findings-calls").hidden = !isReady;
  byId("strip-changed").hidden = true;
  if (!isReady) return;
  const own = !isShipped(now);
  const shown = value(now).toFixed(2);
  byId("calls-value").textContent = shown;
  const slider = byId("viewer-calls", HTMLInputElement);
  slider.value = String(value(now));
  const which = own ? "not the shipped operating point" : "the shipped operating point";
  slider.setAttribute("aria-valuetext", `${shown}, ${which}`);
  byId("viewer-calls-shipped", HTMLButtonElement).disabled = !own;
  byId("calls-words").textContent = words(now);
  byId("strip-changed").hidden = !now.study.indices.some((_, k) => change(now, k));
}

export function mount() {
  return all([viewer.on(["open", "result", "measures", "threshold"], show)]);
}
