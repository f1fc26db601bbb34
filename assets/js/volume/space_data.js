// @ts-check
/**
 * Data of the 3D view: head and reference are fetched once per study, the AI mask once per
 * threshold.
 */

/** @import { Session } from "../viewer/session.js" */

import { requestJson } from "../frame/server.js";
import * as correctionLayer from "../correct/correction_layer.js";
import * as maskBits from "../correct/mask_bits.js";
import * as threshold from "../viewer/threshold.js";

/** @typedef {"x" | "y" | "z"} DrawnAxis */

/**
 * Geometry of the study (describe_space in dashboard/figures/space.py).
 *
 * @typedef {object} Space
 * @property {"mm" | "pixels"} unit
 * @property {{ name: DrawnAxis, along: "slice" | "row" | "column", reversed: boolean, size: number,
 *   drawn: readonly [number, number] }[]} axes
 * @property {number} step Distance from slice to slice.
 * @property {"brain" | "head" | null} head
 */

/** @typedef {{ voxels: number, volume_ml: number | null }} Amount */

/** @typedef {Record<string, any>} Trace A Plotly trace. */

/** @typedef {{ trace: Trace, amount: Amount }} Surface */

/** @typedef {{ data: Trace[], layout: any }} Figure A Plotly figure. */

/** @typedef {{ figure: Figure, space: Space, reference: Amount | null }} Scene */

/**
 * A surface that changes while the study is open.
 *
 * @typedef {object} Wanted
 * @property {readonly unknown[]} key Its parts change when the mask does.
 * @property {(signal: AbortSignal) => Promise<Surface>} fetch
 */

const TYPES = {
  f4: Float32Array,
  f8: Float64Array,
  i1: Int8Array,
  u1: Uint8Array,
  i2: Int16Array,
  u2: Uint16Array,
  i4: Int32Array,
  u4: Uint32Array,
};

/**
 * Unpacks numbers that Plotly's Python side encodes in base64 into a typed array; returns anything
 * else unchanged.
 *
 * @param {any} value
 */
function unpack(value) {
  if (!value?.bdata) return value;
  const bytes = Uint8Array.from(atob(value.bdata), (letter) => letter.charCodeAt(0));
  return new TYPES[/** @type {keyof typeof TYPES} */ (value.dtype)](bytes.buffer);
}

/**
 * @param {Trace} trace
 * @returns {Trace}
 */
const unpackTrace = (trace) =>
  Object.fromEntries(Object.entries(trace).map(([name, value]) => [name, unpack(value)]));

/**
 * Surfaces of head and reference, and the geometry of the study.
 *
 * @param {Session} now
 * @param {AbortSignal} signal
 * @returns {Promise<Scene>}
 */
export async function scene(now, signal) {
  /** @type {Scene} */
  const found = await requestJson(now.study.space_url, { signal });
  const { data, layout } = found.figure;
  return { ...found, figure: { data: data.map(unpackTrace), layout } };
}

/**
 * @param {{ figure: { data: Trace[] }, amount: Amount }} answer
 * @returns {Surface}
 */
const readSurface = ({ figure, amount }) => ({ trace: unpackTrace(figure.data[0]), amount });

/**
 * The surface of the AI mask in view; null before the analysis.
 *
 * @param {Session} now
 * @returns {Wanted | null}
 */
function ofAi(now) {
  const { result } = now.study;
  if (!result) return null;
  const url = threshold.address(now, result.surface_url);
  return {
    key: [url],
    fetch: async (signal) => readSurface(await requestJson(url, { signal })),
  };
}

/**
 * The surface of the reader's mask; null without one.
 *
 * @param {Session} now
 * @returns {Wanted | null}
 */
function ofCorrection({ study }) {
  const drawn = correctionLayer.drawn();
  if (!drawn) return null;
  const { touched, spec } = drawn;
  const url = `/api/studies/${study.study_id}/corrections/surface`;
  return {
    key: [touched, spec],
    fetch: async (signal) => {
      const body = { based_on: spec, mask: await maskBits.encode(touched, study) };
      return readSurface(await requestJson(url, { signal, body }));
    },
  };
}

/** The masks that change while the study is open. */
export const MASKS = { ai: ofAi, correction: ofCorrection };

/**
 * The axis along which slices are stacked.
 *
 * @param {Pick<Space, "axes">} space
 */
function stackOf({ axes }) {
  const axis = axes.find(({ along }) => along === "slice");
  if (!axis) throw new Error("No axis is along the slices.");
  return axis;
}

/**
 * The slice at a point.
 *
 * @param {Pick<Space, "axes" | "step">} space
 * @param {Readonly<Record<DrawnAxis, number>>} point
 */
export function sliceAt(space, point) {
  const axis = stackOf(space);
  const at = axis.reversed ? axis.size - point[axis.name] : point[axis.name];
  return Math.floor(at / space.step);
}

/**
 * Corners of a slice in order, as coordinates along each axis.
 *
 * @param {Pick<Space, "axes" | "step">} space
 * @param {number} k
 * @returns {Record<string, number[]>}
 */
export function corners(space, k) {
  const axis = stackOf(space);
  const [u, v] = space.axes.filter((other) => other !== axis);
  const from = (k + 0.5) * space.step;
  const place = axis.reversed ? axis.size - from : from;
  return {
    [axis.name]: new Array(4).fill(place),
    [u.name]: [u.drawn[0], u.drawn[1], u.drawn[1], u.drawn[0]],
    [v.name]: [v.drawn[0], v.drawn[0], v.drawn[1], v.drawn[1]],
  };
}

/**
 * Whether a surface is nearer to the end of the x axis than to its start.
 *
 * @param {Space} space
 * @param {{ x: readonly number[] }} trace
 */
export function isOnFarSide(space, { x }) {
  const [low, high] = space.axes[0].drawn;
  return x.reduce((total, value) => total + value, 0) / x.length > (low + high) / 2;
}
