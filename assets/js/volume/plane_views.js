// @ts-check
/**
 * Which planes a study has besides the one that was acquired, and how they lie on the screen. Pure
 * functions.
 *
 * A view cuts every slice along one row or column, `fixed`. Its picture has the slices on one side
 * and the other in-plane axis on the other, so that a plane looks the same whatever was acquired:
 * the patient's right, or anterior, to the left, and anterior, or superior, at the top.
 */

/** @import { Plane } from "../viewer/orientation.js" */
/** @import { Study } from "../viewer/study.js" */

import { acquired, OPPOSITE, planeAcross } from "../viewer/orientation.js";

/** @typedef {"slice" | "row" | "column"} AxisName */

/** @typedef {"row" | "column"} Fixed */

/** @typedef {{ length: number, mm: number, letters: readonly [string, string] }} Axis */

/** @typedef {Readonly<Record<AxisName, Axis>>} Axes */

/** @typedef {{ axis: AxisName, flip: boolean }} Side The axis along it; flip: turned round. */

/**
 * @typedef {object} PlaneView
 * @property {Plane} name
 * @property {Fixed} fixed
 * @property {Side} across
 * @property {Side} down
 * @property {Readonly<Record<"left" | "right" | "top" | "bottom", string>>} letters
 */

/** @typedef {Pick<Study, "n" | "height" | "width" | "spacing_mm" | "orientation">} Lying */

/** @type {Readonly<Record<Plane, [string, string]>>} letters at the left and at the top */
const CORNERS = { axial: ["R", "A"], coronal: ["R", "S"], sagittal: ["A", "S"] };

/**
 * Length, distance in mm and letters at both ends of the slices, rows and columns; null where the
 * letters name no plane.
 *
 * @param {Lying} study
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
 * The planes of a study, or the reason why there are none.
 *
 * @param {Lying} study
 * @returns {{ axes: Axes, views: PlaneView[], reason: "" } | { reason: string }}
 */
export function of(study) {
  if (study.n < 2) return { reason: "A single slice has no other planes." };
  if (!study.spacing_mm)
    return { reason: "The files state no spacing: other planes would be out of proportion." };
  if (!study.orientation)
    return { reason: "The files do not say how the slices lie in the patient." };
  const axes = axesOf(study);
  if (!axes) return { reason: "The slices' orientation does not fit any plane." };
  return { axes, views: [viewAcross(axes, "row"), viewAcross(axes, "column")], reason: "" };
}
