// @ts-check
/** How slices lie in the patient, from the letters at the image's edges. Pure functions. */

/** @import { Orientation } from "./study.js" */

/** @typedef {"axial" | "coronal" | "sagittal"} Plane */

/** @type {Readonly<Record<string, string>>} */
export const OPPOSITE = { R: "L", L: "R", A: "P", P: "A", I: "S", S: "I" };

/** @type {readonly Plane[]} */
const NAMES = ["axial", "coronal", "sagittal"];
/** Where slices of a plane begin and lead to. */
const NORMAL = { axial: "IS", coronal: "PA", sagittal: "RL" };

/**
 * The plane whose slices lie one after the other towards a letter.
 *
 * @param {string} letter
 */
export const planeAcross = (letter) => NAMES.find((name) => NORMAL[name].includes(letter));

/**
 * The plane that was acquired, with the letters where its slices begin and lead to; null where the
 * letters at the edges name none.
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
