// @ts-check
/**
 * What slices are called, and which one shows the lesion best: a study opens on it, and planes are
 * cut through its lesion.
 */

/** @import { Slice, Study } from "./study.js" */

/**
 * The slice on which a study opens: the requested one, else the one that shows the lesion best,
 * else the middle one.
 *
 * @param {Study} study
 * @param {number | null} wanted Its number in the file.
 */
export function firstSlice(study, wanted) {
  const named = wanted === null ? -1 : study.indices.indexOf(wanted);
  if (named >= 0) return named;
  const shown = study.result?.slices.map(weightOf) ?? [];
  const most = Math.max(0, ...shown);
  return most > 0 ? shown.indexOf(most) : Math.floor(study.n / 2);
}

/**
 * How well a slice shows the lesion: slice score x segmentation confidence x square root of the
 * area, so that a large outline of which both stages are unsure does not come first. One that is
 * likely false weighs a hundredth.
 *
 * @param {Slice} slice
 */
function weightOf({ slice_score: score, outline_evidence: evidence, mask_area_px: area, doubts }) {
  return score * (evidence ?? 0) * Math.sqrt(area) * (doubts.length ? 0.01 : 1);
}

/**
 * The number by which pages and reports name a slice: that of its file, else its position from 1.
 *
 * @param {Pick<Study, "indices">} study
 * @param {number} k Its position, from 0.
 */
export const numberOf = ({ indices }, k) => indices[k] ?? k + 1;

/**
 * The number of a slice and of all: "17 of 29", or "40, 17 of 29" where its file has another number
 * than its position.
 *
 * @param {Pick<Study, "indices" | "n">} study
 * @param {number} k Its position, from 0.
 * @param {string} [between] What stands before the number of all.
 */
export function placeWords(study, k, between = " of ") {
  const number = numberOf(study, k);
  const place = `${k + 1}${between}${study.n}`;
  return number === k + 1 ? place : `${number}, ${place}`;
}
