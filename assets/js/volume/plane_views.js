// @ts-check
/**
 * The planes that can be reformatted from a study, and their display orientation. Pure functions.
 *
 * A view cuts every slice along one row or column, `fixed`. Its picture has the slices along one
 * side and the remaining in-plane axis along the other, turned so that a plane looks the same
 * whatever was acquired: the patient's right or anterior on the left, anterior or superior at the
 * top.
 */

/** @import { Plane } from "../viewer/orientation.js" */
/** @import { Study } from "../viewer/study.js" */

import { acquired, OPPOSITE, planeAcross } from "../viewer/orientation.js";

/** @typedef {"slice" | "row" | "column"} AxisName */

/** @typedef {"row" | "column"} Fixed */

/** @typedef {{ length: number, mm: number, letters: readonly [string, string] }} Axis */

/** @typedef {Readonly<Record<AxisName, Axis>>} Axes */

/** @typedef {{ axis: AxisName, flip: boolean }} Side The axis along it; flip: reversed. */

/**
 * @typedef {object} PlaneView
 * @property {Plane} name
 * @property {Fixed} fixed
 * @property {Side} across
 * @property {Side} down
 * @property {Readonly<Record<"left" | "right" | "top" | "bottom", string>>} letters
 */

/** @typedef {Pick<Study, "n" | "height" | "width" | "spacing_mm" | "orientation">} Geometry */

/** @type {Readonly<Record<Plane, [string, string]>>} letters on the left and at the top */
const CORNERS = { axial: ["R", "A"], coronal: ["R", "S"], sagittal: ["A", "S"] };

/** Why a study has no planes. */
export const REASONS = {
  single: "MPR not available: single slice.",
  spacing: "MPR not available: no pixel spacing in the files.",
  orientation: "MPR not available: no orientation in the files.",
  plane: "MPR not available: slice orientation is inconsistent.",
};

/**
 * Length, spacing in mm and end letters of slices, rows and columns; null if the letters do not
 * determine a plane.
 *
 * @param {Geometry} study
 * @returns {Axes | null}
 */
function axesOf({ orientation: o, spacing_mm: mm, n, height, width }) {
  const plane = acquired(o);
  if (!plane || !o || !mm) return null;
  if (OPPOSITE[o.left] !== o.right || OPPOSITE[o.top] !== o.bottom) return null;
  return {
    slice: { length: n, mm: mm[0], letters: plane.letters },
    row: { length: height, mm: mm[1], letters: [o.top, o.bottom] },
    column: { length: width, mm: mm[2], letters: [o.left, o.right] },
  };
}

/**
 * @param {Axes} axes
 * @param {Fixed} fixed
 * @returns {PlaneView}
 */
function viewAcross(axes, fixed) {
  const name = planeAcross(axes[fixed].letters[0]) ?? "axial";
  const [left, top] = CORNERS[name];
  /**
   * @param {string} letter
   * @returns {Side}
   */
  const side = (letter) => {
    const inPlane = fixed === "row" ? "column" : "row";
    const axis = axes.slice.letters.includes(letter) ? "slice" : inPlane;
    return { axis, flip: axes[axis].letters[0] !== letter };
  };
  const letters = { left, right: OPPOSITE[left], top, bottom: OPPOSITE[top] };
  return { name, fixed, across: side(left), down: side(top), letters };
}

/**
 * The planes of a study, or why it cannot have any.
 *
 * @param {Geometry} study
 * @returns {{ axes: Axes, views: PlaneView[], reason: "" } | { reason: string }}
 */
export function of(study) {
  if (study.n < 2) return { reason: REASONS.single };
  if (!study.spacing_mm) return { reason: REASONS.spacing };
  if (!study.orientation) return { reason: REASONS.orientation };
  const axes = axesOf(study);
  if (!axes) return { reason: REASONS.plane };
  return { axes, views: [viewAcross(axes, "row"), viewAcross(axes, "column")], reason: "" };
}
