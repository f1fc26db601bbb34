// @ts-check
/** Slice orientation, from the letters at the edges of the image. Pure functions. */

/** @import { Orientation } from "./study.js" */

/** @typedef {"axial" | "coronal" | "sagittal"} Plane */

/** @type {Readonly<Record<string, string>>} */
export const OPPOSITE = { R: "L", L: "R", A: "P", P: "A", I: "S", S: "I" };

/** @type {readonly Plane[]} */
const NAMES = ["axial", "coronal", "sagittal"];
/** Directions in which the slices of a plane are stacked: from, to. */
const NORMAL = { axial: "IS", coronal: "PA", sagittal: "RL" };

/**
 * The plane whose slices are stacked towards a letter.
 *
 * @param {string} letter
 */
export const planeAcross = (letter) => NAMES.find((name) => NORMAL[name].includes(letter));

/**
 * The acquired plane with the letters from and to which its slices are stacked; null if the letters
 * at the edges do not determine one.
 *
 * @param {Orientation | null} orientation
 * @returns {{ name: Plane, letters: [string, string] } | null}
 */
export function acquired(orientation) {
  const inPlane = orientation ? [orientation.top, orientation.left].map(planeAcross) : [];
  const left = NAMES.filter((name) => !inPlane.includes(name));
  if (left.length !== 1) return null;
  const [begin, end] = NORMAL[left[0]];
  return { name: left[0], letters: [begin, end] };
}
