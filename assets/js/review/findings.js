// @ts-check
/** The findings panel: text and figures of the study and of the slice in view. */

/** @import { Session } from "../viewer/session.js" */
/** @import { Network, Slice, Study } from "../viewer/study.js" */

import { counted, plural } from "../frame/number_words.js";
import { byId, query, write } from "../frame/dom.js";
import { all } from "../frame/events.js";
import { rangeWords } from "../frame/volume_words.js";
import * as amounts from "../viewer/amounts.js";
import * as operatingPoint from "../viewer/operating_point.js";
import { leftOutPx } from "../viewer/overlays.js";
import * as threshold from "../viewer/threshold.js";
import { numberOf } from "../viewer/slices.js";
import * as viewer from "../viewer/viewer.js";

const NONE = "–";
const BESIDE_VOLUME = ["finding-range", "finding-left-out-total", "finding-doubts"];
/** @type {Readonly<Record<string, string>>} */
const ENGINES = { openvino: "OpenVINO", onnxruntime: "ONNX Runtime", keras: "Keras" };
/** @type {Readonly<Record<string, string>>} */
const PRECISIONS = { f32: "float32", bf16: "bfloat16" };

/** @type {{ now: Session, voxels: number, ml: number } | null} added from what was left out */
let addedOf = null;

/**
 * The volume of the mask: number, unit, and why it is not in millilitres.
 *
 * @param {Session} now
 */
function volume(now) {
  const { study } = now;
  const { slices, volume_ml: defaultMl } = operatingPoint.resultOf(now);
  const isUnchanged = threshold.isUnchanged(now);
  const areas = isUnchanged ? slices.map((slice) => slice.mask_area_px) : threshold.areas(now);
  const voxels = areas.reduce((sum, area) => sum + area, 0);
  const ml = isUnchanged ? defaultMl : amounts.volumeMl(areas, study);
  const [number, unit] = amounts.volumeParts(voxels, ml);
  const why = "No pixel spacing in the files: volume in voxels.";
  return { number, unit: ` ${unit}`, why: unit === "mL" ? "" : why };
}

/** @param {Session} now */
const countAbove = (now) =>
  now.study.indices.filter((_, k) => operatingPoint.isAbove(now, k)).length;

/**
 * @param {Session} now
 * @param {number} count Slices above the operating point.
 */
function aboveSentence(now, count) {
  const here = operatingPoint.value(now).toFixed(2);
  const point = operatingPoint.isDefault(now)
    ? "the operating point"
    : `your operating point of ${here}`;
  if (count === 0) return `No slice above ${point}. This does not mean normal.`;
  const slices = counted(now.study.n, "slice");
  return `${count} of ${slices} above ${point}. Edema counts as abnormality.`;
}

/** Scrolls a new study to the top of its findings. */
function toTop() {
  query(".findings-scroll").scrollTop = 0;
}

/** @param {Session} now */
function showStudy(now) {
  const { study } = now;
  const { result } = study;
  byId("finding-volume-line").hidden = !result;
  byId("finding-above").hidden = !result;
  const { number, unit, why } = result ? volume(now) : { number: "", unit: "", why: "" };
  byId("finding-no-spacing").hidden = !why;
  for (const id of BESIDE_VOLUME) byId(id).hidden = true; // until there is a result
  if (result) {
    write("finding-volume", number);
    write("finding-volume-unit", unit);
    const count = countAbove(now);
    write("finding-above", aboveSentence(now, count));
    showRange(now);
    showLeftOut(now);
    showDoubts(now);
    byId("finding-above").dataset.count = String(count);
    write("finding-why", why);
  }
  const awaited = study.no_result ? "" : "Shown after the analysis.";
  write("finding-network", result ? networkName(result.network) : awaited);
  write("finding-engine", result ? engineName(result.network) : "");
  const series = result?.series.map((i) => study.channels[i].label).join(", ");
  write("finding-series", result ? `Series used: ${series}` : "");
  showConflicts(study);
}

/**
 * The range of the volume; it belongs to the mask at the default thresholds.
 *
 * @param {Session} now
 */
function showRange(now) {
  const range = threshold.isUnchanged(now) ? now.study.result?.trust?.volume : null;
  byId("finding-range").hidden = !range;
  if (!range) return write("finding-range", "");
  const held = `${Math.round(100 * range.coverage)}% of ${range.patients}`;
  write(
    "finding-range",
    `Expected range ${rangeWords(range.low_ml, range.high_ml)} (held for ${held} patients)`,
  );
}

/**
 * What was left out of the mask as small, on the slices above the default operating point.
 *
 * @param {Session} now
 */
function showLeftOut(now) {
  const { slices, left_out_ml: ml } = operatingPoint.resultOf(now);
  const pixels = slices.reduce((sum, one) => sum + (one.tumor ? one.left_out_px : 0), 0);
  const added = addedOf?.now === now ? addedOf : { voxels: 0, ml: 0 };
  const rest = stillLeftOut({ voxels: pixels, ml: ml ?? null }, added);
  byId("finding-left-out-total").hidden = !rest.voxels;
  const amount = amounts.volumeWords(rest.voxels, rest.ml);
  write("finding-left-out-total", rest.voxels ? `${amount} left out as small` : "");
}

/**
 * What is left out as small, less what the reader added from it.
 *
 * @param {{ voxels: number, ml: number | null }} leftOut
 * @param {{ voxels: number, ml: number }} added
 */
export function stillLeftOut(leftOut, added) {
  const voxels = Math.max(0, leftOut.voxels - added.voxels);
  const ml = leftOut.ml === null ? null : Math.max(0, leftOut.ml - added.ml);
  return { voxels, ml };
}

/**
 * Takes the lesions that the reader added from what was left out.
 *
 * @param {Session} now
 * @param {readonly { voxels: number, volume_ml: number | null }[]} lesions
 */
export function takeAdded(now, lesions) {
  const voxels = lesions.reduce((sum, one) => sum + one.voxels, 0);
  const ml = lesions.reduce((sum, one) => sum + (one.volume_ml ?? 0), 0);
  addedOf = { now, voxels, ml };
  if (now.study.result) showLeftOut(now);
}

/** @type {Readonly<Record<string, string>>} */
export const DOUBTS = {
  "outside head": "outside the head",
  mirrored: "alike on both sides",
};

/**
 * Why the outline of a slice is likely false; empty where it has no mask, or before the analysis.
 *
 * @param {Session} now
 * @param {number} k
 */
export const doubtsOf = (now, k) =>
  now.study.result && threshold.area(now, k) ? (now.study.result.slices[k].doubts ?? []) : [];

/** @param {Session} now */
function showDoubts(now) {
  const doubtful = now.study.indices.flatMap((_, k) => (doubtsOf(now, k).length ? [k] : []));
  const line = byId("finding-doubts");
  line.hidden = !doubtful.length;
  const numbers = doubtful.map((k) => numberOf(now.study, k));
  line.dataset.slices = numbers.join(" ");
  const reasons = [...new Set(doubtful.flatMap((k) => doubtsOf(now, k)))];
  const why = reasons.map((code) => DOUBTS[code]).join(", ");
  const where = plural(doubtful.length, "slice");
  const words = `Likely false on ${where} ${numbers.join(", ")}: ${why}.`;
  write("finding-doubts", doubtful.length ? words : "");
}

/** @param {Network} network */
const networkName = ({ name, version, digest }) => `${name} ${version} · ${digest.slice(0, 8)}`;

/** @param {Network} network */
const engineName = ({ engine, precision }) =>
  [ENGINES[engine] || engine, PRECISIONS[precision] || precision].filter(Boolean).join(", ");

/** @param {Study} study */
function showConflicts({ result }) {
  const k = result ? result.slices.filter(operatingPoint.isConflict).length : 0;
  byId("finding-conflicts").hidden = k === 0;
  const slices = counted(k, "slice");
  write("finding-conflicts-text", `Classifier and segmentation disagree on ${slices}.`);
  byId("finding-conflicts").dataset.count = String(k);
}

/** @param {Session} now */
const area = (now) =>
  now.study.result ? amounts.areaWords(threshold.area(now, now.k), now.study) : NONE;

/** @param {Session} now */
function diceWithReference(now) {
  if (!now.study.reference_url) return "no reference";
  if (!now.study.result) return NONE;
  const dice = threshold.dice(now, now.k);
  return dice === null ? amounts.NO_LESION : dice.toFixed(2);
}

/**
 * Shows a share in [0, 1] as a number and a bar.
 *
 * @param {string} name
 * @param {number | null | undefined} value
 * @param {string} [words]
 */
function share(name, value, words = value?.toFixed(2) ?? NONE) {
  write(`finding-${name}`, words);
  byId(`finding-${name}-fill`).style.width = `${(value ?? 0) * 100}%`;
}

/** @param {Session} now */
function showSlice(now) {
  const slice = now.study.result?.slices[now.k];
  const point = slice ? operatingPoint.value(now) : 0;
  const [score, pointWords] = slice
    ? amounts.besideThreshold(slice.slice_score, point)
    : [NONE, NONE];
  share("score", slice?.slice_score, score);
  share("classifier", slice?.classifier_score);
  share("evidence", slice?.outline_evidence);
  const tick = byId("finding-score-tick");
  tick.hidden = !slice;
  tick.style.left = `${point * 100}%`;
  write("finding-point", pointWords);
  showDecision(now, slice);
  write("finding-area", area(now));
  write("finding-dice", diceWithReference(now));
  const doubts = slice ? doubtsOf(now, now.k) : [];
  byId("finding-doubt").hidden = !doubts.length;
  const why = doubts.map((code) => DOUBTS[code]).join(", ");
  write("finding-doubt", doubts.length ? `Outline likely false: ${why}.` : "");
}

/**
 * @param {Session} now
 * @param {Slice | undefined} slice
 */
function showDecision(now, slice) {
  const isConflict = slice !== undefined && operatingPoint.isConflict(slice);
  const decided = byId("finding-decided");
  const side = slice ? sideOf(now) : "";
  // "agree" would reassure where nothing was segmented, which the note says
  const isEmpty = slice?.decided_by === "both" && slice.tumor && side.startsWith("above-");
  write("finding-decided", slice && !isEmpty ? decision(now, slice) : "");
  decided.dataset.by = slice?.decided_by ?? "";
  decided.classList.toggle("notice", isConflict);
  decided.classList.toggle("notice--warning", isConflict);
  write("finding-note", side && sideSentence(now, side));
  byId("finding-note").dataset.side = side;
}

/**
 * @typedef {"above-empty" | "above-excluded" | "now-above" | "now-below" | "now-below-hidden"} Side
 */

/**
 * How the slice lies to the operating point in effect, where the rest of the panel does not show
 * it: above it without a mask, or on another side than at the default.
 *
 * @param {Session} now
 * @returns {Side | ""}
 */
function sideOf(now) {
  const { study, k } = now;
  const change = operatingPoint.change(now, k);
  if (operatingPoint.isAbove(now, k) && !threshold.area(now, k))
    return leftOutPx(study, k) > 0 ? "above-excluded" : "above-empty";
  if (change > 0) return "now-above";
  if (change < 0) return threshold.covered(now, k) ? "now-below-hidden" : "now-below";
  return "";
}

/**
 * @param {Session} now
 * @param {Side} side
 */
function sideSentence(now, side) {
  const point = operatingPoint.isDefault(now)
    ? "the operating point"
    : `your operating point of ${operatingPoint.value(now).toFixed(2)}`;
  return {
    "above-empty": `Above ${point}, but nothing was segmented.`,
    "above-excluded": `Above ${point}, but all segmented regions were excluded.`,
    "now-above": `Above ${point}: mask shown.`,
    "now-below": `Below ${point}.`,
    "now-below-hidden": `Below ${point}: mask hidden.`,
  }[side];
}

/**
 * Whether both stages agree, and if not, which one decided at the default operating point.
 *
 * @param {Session} now
 * @param {Slice} slice
 */
function decision(now, { decided_by: by, tumor }) {
  const place = operatingPoint.isDefault(now) ? "" : " at the default operating point";
  if (by === "gate") return "Not segmented: classifier score too low.";
  if (by === "both") {
    const marked = tumor ? "marked" : "not marked";
    const isMoved = operatingPoint.change(now, now.k) !== 0;
    return `Classifier and segmentation agree${isMoved ? `: ${marked}${place}` : ""}.`;
  }
  if (by !== "classifier" && by !== "outline") return "";
  const [suspecting, other] =
    (by === "classifier") === tumor
      ? ["classifier", "segmentation"]
      : ["segmentation", "classifier"];
  const decider = by === "classifier" ? "classifier" : "segmentation";
  return (
    `Classifier and segmentation disagree: ${suspecting} suggests abnormality, ${other} does not.` +
    ` ${tumor ? "Marked" : "Not marked"}${place} because of the ${decider}.`
  );
}

export function mount() {
  return all([
    viewer.on("open", toTop),
    viewer.on(["open", "result", "threshold"], showStudy),
    viewer.on(["slice", "threshold"], showSlice),
  ]);
}
