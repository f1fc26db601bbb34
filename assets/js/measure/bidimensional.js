// @ts-check
/**
 * The two diameters of each lesion, for the AI mask in view ("ai") and the reader's corrected mask
 * ("own"). The server measures them: at the default thresholds they come with the result, for any
 * other mask they are requested. When the reader drags an end, the diameters become the reader's
 * own measurement, which replaces the mask's until it is deleted; it belongs to the corrected mask
 * if there is one.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Chord, Diameters, Lesion } from "../viewer/study.js" */
/** @import { Shape } from "./chords.js" */
/** @import { Pair } from "../viewer/geometry.js" */
/** @import { Item } from "./measure_shapes.js" */

import { all as allOf, Events } from "../frame/events.js";
import { LatestAnswer } from "../frame/latest_answer.js";
import { requestJson } from "../frame/server.js";
import * as correction from "../correct/correction.js";
import * as correctionLayer from "../correct/correction_layer.js";
import * as maskBits from "../correct/mask_bits.js";
import * as operatingPoint from "../viewer/operating_point.js";
import * as contours from "../viewer/contours.js";
import { address } from "../viewer/pixels.js";
import * as threshold from "../viewer/threshold.js";
import * as viewer from "../viewer/viewer.js";
import * as measureStore from "./measure_store.js";

/** @typedef {"ai" | "own"} MaskName */

/**
 * The diameters of a lesion.
 *
 * @typedef {object} One
 * @property {Item} item
 * @property {boolean} isAi Whether they are as measured on a mask, not edited by the reader.
 * @property {Lesion | null} lesion
 */

/**
 * Position of a mask on the slice in view.
 *
 * @typedef {object} Place
 * @property {Pair} middle
 * @property {{ x: number, y: number, width: number, height: number }} box
 */

/**
 * State for the study in view.
 *
 * @typedef {object} Live
 * @property {Session} session
 * @property {Record<MaskName, LatestAnswer<Diameters>>} measured
 * @property {Record<MaskName, LatestAnswer<{ reason: string }>>} judged RANO of the reader's own.
 * @property {string} placeKey
 * @property {Place | null} place
 */

/** @type {readonly MaskName[]} */
const MASKS = ["ai", "own"];
/** @type {Live | null} */
let live = null;

/** @type {Events<"change", Session>} */
const events = new Events();
/** Listens to changes of any diameters. */
export const on = (/** @type {(now: Session) => void} */ run) => events.on("change", run);

function report() {
  if (!live) return;
  const { session } = live;
  const late = isLate(drawn(session));
  for (const { screen } of session.panes) screen.root.classList.toggle("diameters-late", late);
  events.emit("change", session);
}

// ---- masks ----
/** Whether the reader has a mask. */
export const isCorrected = () => correction.isThere();

/**
 * @param {Session} now
 * @param {MaskName | "none"} which
 */
const isDefault = (now, which) => which === "ai" && threshold.isUnchanged(now);

/**
 * The mask whose diameters are drawn; "none" while a saved version is shown.
 *
 * @param {Session} now
 * @returns {MaskName | "none"}
 */
function drawn(now) {
  if (!now.show.correction) return "ai";
  if (correctionLayer.versionShown() !== null) return "none";
  return isCorrected() ? "own" : "ai";
}

/**
 * The mask of a slice, else the reference; null if neither is loaded.
 *
 * @param {Session} now
 * @param {number} k
 * @returns {Shape | null}
 */
export function mask(now, k) {
  const { study, loader } = now;
  const { width: w, height: h, result } = study;
  if (drawn(now) === "own") {
    const data = correction.mask(k);
    return data && { w, h, data };
  }
  const own = result && operatingPoint.isAbove(now, k) ? result.probability_url : null;
  const template = result ? own : study.reference_url;
  const map = template && loader.get(address(template, k));
  if (!map) return null;
  const level = result ? threshold.level(now) : 128;
  return { w, h, data: Uint8Array.from(map, (value) => Number(value >= level)) };
}

/**
 * Position of the mask on the slice in view, which labels avoid; null without a mask.
 *
 * @param {Session} now
 * @returns {Place | null}
 */
export function place(now) {
  const steps = drawn(now) === "own" ? correction.state?.steps : "";
  const key = `${now.k} ${now.threshold} ${now.operatingPoint} ${steps}`;
  if (live?.placeKey === key && live.place) return live.place;
  const found = placeOf(mask(now, now.k));
  if (live) Object.assign(live, { placeKey: key, place: found });
  return found;
}

/**
 * @param {Shape | null} shape
 * @returns {Place | null}
 */
function placeOf(shape) {
  const found = shape && contours.bounds(shape.data, shape.w, shape.h, 1);
  if (!found) return null;
  const { left, right, top, bottom } = found;
  let n = 0;
  let sumX = 0;
  let sumY = 0;
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      if (!shape.data[y * shape.w + x]) continue;
      n++;
      sumX += x;
      sumY += y;
    }
  }
  return {
    middle: [sumX / n + 0.5, sumY / n + 0.5],
    box: { x: left, y: top, width: right + 1 - left, height: bottom + 1 - top },
  };
}

// ---- lesions ----
/**
 * The measured diameters of a mask; the previous ones while it is being measured.
 *
 * @param {Session} now
 * @param {MaskName | "none"} which
 * @returns {Diameters | null}
 */
function measured(now, which) {
  if (!now.study.result || live?.session !== now || which === "none") return null;
  if (which === "own" && !isCorrected()) return null;
  if (isDefault(now, which)) return now.measures;
  const { answer, sentence: failure } = live.measured[which];
  if (failure) return null;
  return answer ?? (which === "ai" ? now.measures : null);
}

/**
 * @param {Session} now
 * @param {MaskName | "none"} [which] By default the mask that is drawn.
 */
export const lesions = (now, which = drawn(now)) => measured(now, which)?.lesions ?? null;

/**
 * @param {Session} now
 * @param {MaskName} which
 */
export const notes = (now, which) => measured(now, which)?.notes ?? [];

/**
 * Requests the diameters of a mask unless they came with the result.
 *
 * @param {Live} mine
 * @param {MaskName} which
 */
function followOne({ session: now, measured: tracks }, which) {
  const { study } = now;
  if (!study.result || isDefault(now, which) || (which === "own" && !isCorrected())) {
    tracks[which].stop();
    return report();
  }
  if (which === "ai") {
    const url = threshold.address(now, study.result.diameters_url);
    return tracks.ai.follow([url], (signal) => requestJson(url, { signal }));
  }
  const { touched } = correction.opened();
  const { under, spec } = correction.baseNow();
  const url = `/api/studies/${study.study_id}/corrections/diameters`;
  tracks.own.follow([touched, under], async (signal) => {
    const body = { based_on: spec, mask: await maskBits.encode(touched, study) };
    return requestJson(url, { signal, body });
  });
}

/** @param {readonly MaskName[]} masks */
function follow(masks = MASKS) {
  if (live?.session.study.result) for (const which of masks) followOne(live, which);
}

// ---- the reader's own ----
/**
 * @param {Chord} chord
 * @returns {Pair[]}
 */
const ends = ({ x1, y1, x2, y2 }) => [
  [x1 + 0.5, y1 + 0.5],
  [x2 + 0.5, y2 + 0.5],
];

/**
 * The lesion that a measurement belongs to: the one with the smallest box on its slice that
 * contains the midpoint of the longest diameter.
 *
 * @param {Item} item
 * @param {readonly Lesion[]} found
 */
function lesionOf({ k, points: [a, b] }, found) {
  const x = (a[0] + b[0]) / 2;
  const y = (a[1] + b[1]) / 2;
  const boxes = found
    .flatMap((lesion) => lesion.boxes.map((box) => ({ lesion, box })))
    .filter(({ box: [slice, left, top, right, bottom] }) => {
      return slice === k && x >= left && x <= right && y >= top && y <= bottom;
    });
  const size = (/** @type {readonly number[]} */ [, left, top, right, bottom]) =>
    (right - left) * (bottom - top);
  return boxes.sort((one, other) => size(one.box) - size(other.box))[0]?.lesion ?? null;
}

/**
 * All diameters of the study, with the reader's own in place of those that the reader edited.
 *
 * @param {Session} now
 * @param {MaskName | "none"} [which] By default the mask that is drawn.
 * @returns {One[]}
 */
export function all(now, which = drawn(now)) {
  const found = lesions(now, which) ?? [];
  const taken = new Set();
  const own = measureStore
    .items()
    .filter(({ kind }) => kind === "diameters")
    .map((item) => {
      const lesion = lesionOf(item, found);
      if (lesion && (which === "own" || !isCorrected())) taken.add(lesion);
      return { item, isAi: false, lesion };
    });
  const others = found.filter((lesion) => !taken.has(lesion));
  return [...others.map(asMeasured), ...own];
}

/**
 * @param {Lesion} lesion
 * @returns {One}
 */
function asMeasured(lesion) {
  const points = [lesion.longest, lesion.perpendicular].flatMap(ends);
  const id = `mask-${lesion.number}`;
  return { item: { id, kind: "diameters", k: lesion.k, points }, isAi: true, lesion };
}

/**
 * The server's RANO assessment of diameters, in words; the previous one while it is being
 * requested.
 *
 * @param {Session} now
 * @param {MaskName} which
 * @param {One} one
 */
export function reason(now, which, { item, isAi, lesion }) {
  if (isAi) return lesion?.reason ?? "";
  if (!live) return "";
  const track = live.judged[which];
  const body = { points: item.points, slices: lesion ? lesion.slices : 1 };
  const url = `/api/studies/${now.study.study_id}/measurements/judge`;
  track.follow([JSON.stringify(body)], (signal) => requestJson(url, { signal, body }));
  return track.sentence || track.answer?.reason || "";
}

// ---- opening and closing ----
/** @param {Session} session */
function open(session) {
  close();
  const track = () => ({ ai: new LatestAnswer(report), own: new LatestAnswer(report) });
  live = { session, measured: track(), judged: track(), placeKey: "", place: null };
}

function close() {
  if (!live) return;
  const { measured: masks, judged } = live;
  live = null;
  for (const which of MASKS) {
    masks[which].stop();
    judged[which].stop();
  }
}

/**
 * Whether figures or words are out of date because the server has not answered yet.
 *
 * @param {MaskName | "none"} which
 */
export const isLate = (which) =>
  which !== "none" && Boolean(live?.measured[which].isLate || live?.judged[which].isLate);

/**
 * Why measuring failed, in a sentence; "" if it did not.
 *
 * @param {MaskName} which
 */
export const sentence = (which) => live?.measured[which].sentence ?? "";

export function mount() {
  return allOf([
    viewer.on("open", open),
    viewer.on("result", (session) => {
      open(session);
      follow();
    }),
    viewer.on("measures", () => follow()),
    viewer.on("threshold", () => follow()),
    viewer.on("close", close),
    measureStore.on(report),
    correction.on("change", () => follow(["own"])),
    correctionLayer.on("version", report),
  ]);
}
