// @ts-check
/** The findings panel: words and numbers of the study and of the slice in view. */

/** @import { Session } from "../viewer/session.js" */
/** @import { Network, Slice, Study } from "../viewer/study.js" */

import { byId, query, write } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as amounts from "../viewer/amounts.js";
import * as calls from "../viewer/calls.js";
import { leftOutPx } from "../viewer/overlays.js";
import * as threshold from "../viewer/threshold.js";
import * as viewer from "../viewer/viewer.js";

const NONE = "–";
/** @type {Readonly<Record<string, string>>} */
const ENGINES = { openvino: "OpenVINO", onnxruntime: "ONNX Runtime", keras: "Keras" };
/** @type {Readonly<Record<string, string>>} */
const PRECISIONS = { f32: "float32", bf16: "bfloat16" };

/**
 * The mask's volume as number, unit, and why that unit.
 *
 * @param {Session} now
 */
function volume(now) {
  const { study } = now;
  const { slices, volume_ml: shipped } = calls.resultOf(now);
  const isUnchanged = threshold.isUnchanged(now);
  const areas = isUnchanged ? slices.map((slice) => slice.mask_area_px) : threshold.areas(now);
  const voxels = areas.reduce((sum, area) => sum + area, 0);
  const ml = isUnchanged ? shipped : amounts.volumeMl(areas, study);
  const [number, unit] = amounts.volumeParts(voxels, ml);
  const why = "The input has no pixel spacing, so there are no millilitres.";
  return { number, unit: ` ${unit}`, why: unit === "mL" ? "" : why };
}

/** @param {Session} now */
function called(now) {
  const { n, indices } = now.study;
  const k = indices.filter((_, j) => calls.isCalled(now, j)).length;
  const point = calls.isShipped(now)
    ? "the operating point"
    : `${calls.value(now).toFixed(2)}, which is not the shipped operating point`;
  if (k === 0) return `No slice above ${point}. This does not mean normal.`;
  const are = k === 1 ? "is" : "are";
  return `${k} of ${n} slices ${are} above ${point}. Edema counts as abnormality.`;
}

/** Another study is read from its volume on. */
function toTop() {
  query(".findings-scroll").scrollTop = 0;
}

/** @param {Session} now */
function showStudy(now) {
  const { study } = now;
  const { result } = study;
  byId("finding-volume-line").hidden = !result;
  byId("finding-called").hidden = !result;
  const { number, unit, why } = result ? volume(now) : { number: "", unit: "", why: "" };
  byId("finding-why").hidden = !why;
  if (result) {
    write("finding-volume", number);
    write("finding-volume-unit", unit);
    write("finding-called", called(now));
    write("finding-why", why);
  }
  write("finding-network", result ? networkName(result.network) : "Shown with the result.");
  write("finding-engine", result ? engineName(result.network) : "");
  const series = result?.series.map((i) => study.channels[i].label).join(", ");
  write("finding-series", result ? `Answered from ${series}.` : "");
  showConflicts(study);
}

/** @param {Network} network */
const networkName = ({ name, version, digest }) => `${name} ${version} · ${digest.slice(0, 8)}`;

/** @param {Network} network */
const engineName = ({ engine, precision }) =>
  [ENGINES[engine] || engine, PRECISIONS[precision] || precision].filter(Boolean).join(", ");

/** @param {Study} study */
function showConflicts({ result }) {
  const k = result ? result.slices.filter(calls.isConflict).length : 0;
  byId("finding-conflicts").hidden = k === 0;
  const slices = `${k} ${k === 1 ? "slice" : "slices"}`;
  const words = `On ${slices} classifier and outline contradict each other.`;
  write("finding-conflicts-text", words);
}

/** @param {Session} now */
const area = (now) =>
  now.study.result ? amounts.areaWords(threshold.area(now, now.k), now.study) : NONE;

/** @param {Session} now */
function agreement(now) {
  if (!now.study.reference_url) return "no reference";
  if (!now.study.result) return NONE;
  const dice = threshold.dice(now, now.k);
  return dice === null ? "both empty" : `Dice ${dice.toFixed(2)}`;
}

/**
 * A share in [0, 1] as number and bar; words where it is not known.
 *
 * @param {string} name
 * @param {number | null | undefined} value
 * @param {string} none
 */
function share(name, value, none) {
  write(`finding-${name}`, value?.toFixed(2) ?? none);
  byId(`finding-${name}-fill`).style.width = `${(value ?? 0) * 100}%`;
}

/** @param {Session} now */
function showSlice(now) {
  const slice = now.study.result?.slices[now.k];
  share("score", slice?.slice_score, NONE);
  share("classifier", slice?.classifier_score, NONE);
  share("evidence", slice?.outline_evidence, slice ? "none" : NONE);
  const tick = byId("finding-score-tick");
  tick.hidden = !slice;
  if (slice) tick.style.left = `${calls.value(now) * 100}%`;
  write("finding-point", slice ? calls.value(now).toFixed(2) : NONE);
  showDecision(now, slice);
  write("finding-area", area(now));
  write("finding-dice", agreement(now));
}

/**
 * @param {Session} now
 * @param {Slice | undefined} slice
 */
function showDecision(now, slice) {
  const isConflict = slice !== undefined && calls.isConflict(slice);
  write("finding-decided", slice ? decision(now, slice) : "");
  byId("finding-decided").classList.toggle("notice", isConflict);
  byId("finding-decided").classList.toggle("notice--warning", isConflict);
  write("finding-note", slice ? side(now) : "");
}

/**
 * On which side of the operating point in view the slice lies, where the rest does not say it.
 *
 * @param {Session} now
 */
function side(now) {
  const { study, k } = now;
  const point = calls.isShipped(now)
    ? "the operating point"
    : `your operating point of ${calls.value(now).toFixed(2)}`;
  const change = calls.change(now, k);
  if (calls.isCalled(now, k) && !threshold.area(now, k)) {
    const isLeftOut = leftOutPx(study, k) > 0;
    const why = isLeftOut ? "all that was outlined here was left out" : "nothing outlined";
    return `Above ${point}; ${why}.`;
  }
  if (change > 0) return `Above ${point}: its outline is shown.`;
  const hidden = threshold.covered(now, k) ? ": its outline is not shown" : "";
  return change < 0 ? `Below ${point}${hidden}.` : "";
}

/**
 * What decided at the shipped operating point, in a sentence that never hides a contradiction.
 *
 * @param {Session} now
 * @param {Slice} slice
 */
function decision(now, { decided_by: by, tumor }) {
  const point = calls.isShipped(now) ? "operating point" : "shipped operating point";
  const where = `${tumor ? "above" : "below"} the ${point}`;
  if (by === "gate") return "The classifier's score is too low to outline anything.";
  if (by === "both") {
    const isMoved = calls.change(now, now.k);
    return `Classifier and outline agree${isMoved ? `: ${where}` : ""}.`;
  }
  if (by !== "classifier" && by !== "outline") return "";
  const contradiction =
    (by === "classifier") === tumor
      ? "the classifier speaks for tumor, the outline against it"
      : "the outline speaks for tumor, the classifier against it";
  return `Conflict: ${contradiction}. The ${by} decided: ${where}.`;
}

export function mount() {
  return all([
    viewer.on("open", toTop),
    viewer.on(["open", "result", "threshold"], showStudy),
    viewer.on(["slice", "threshold"], showSlice),
  ]);
}
