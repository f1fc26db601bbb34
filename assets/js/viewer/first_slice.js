// @ts-check
/**
 * Which slice shows the lesion best: a study opens on it, and planes are cut through its lesion.
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
