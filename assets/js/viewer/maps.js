// @ts-check
/**
 * Map overlays: probability and uncertainty of the segmentation, saliency of the classifier, and
 * difference from the reference. The patterns of the difference map are repeated in review.css for
 * the legend.
 */

/** @import { Session } from "./session.js" */
/** @import { Result } from "./study.js" */

import * as operatingPoint from "./operating_point.js";
import * as threshold from "./threshold.js";

/** @typedef {readonly [number, number, number, number, number]} Stop Value, r, g, b, alpha. */

/** @typedef {readonly [number, number, number]} Colour */

/**
 * @typedef {object} MapKind
 * @property {string} binding Id of its key; readers' own keys are stored by it and it never
 *   changes.
 * @property {string} key Its default key.
 * @property {string} label In the list of keys.
 * @property {keyof Result} [url] The field of a result that holds the address of its values.
 * @property {readonly Stop[]} [stops] Colours of the values.
 */

/**
 * RGBA in the byte order of ImageData.
 *
 * @param {number} r
 * @param {number} g
 * @param {number} b
 * @param {number} a
 */
const pack = (r, g, b, a) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;

/**
 * Colours by stored value, interpolated between the stops.
 *
 * @param {readonly Stop[]} stops
 */
function ramp(stops) {
  const table = new Uint32Array(256);
  for (let v = stops[0][0]; v < 256; v++) {
    let s = 1;
    while (s < stops.length - 1 && v > stops[s][0]) s++;
    const from = stops[s - 1];
    const to = stops[s];
    const t = Math.min(1, Math.max(0, (v - from[0]) / (to[0] - from[0])));
    const mix = (/** @type {number} */ i) => Math.round(from[i] + t * (to[i] - from[i]));
    table[v] = pack(mix(1), mix(2), mix(3), mix(4));
  }
  return table;
}

/**
 * The maps, in the order of their buttons and keys. Colours run from dark to bright so that the
 * order can be read without colour vision; values below 2% are noise and are not drawn. Labels of
 * the buttons and legends are in dashboard/pages/review/overlays.py.
 *
 * @satisfies {Record<string, MapKind>}
 */
export const MAPS = {
  probability: {
    binding: "map.probability",
    key: "p",
    label: "Probability map",
    url: "probability_url",
    stops: [
      [5, 70, 20, 110, 150],
      [77, 150, 40, 120, 220],
      [128, 221, 81, 58, 255],
      [179, 250, 160, 40, 255],
      [255, 252, 245, 170, 255],
    ],
  },
  uncertainty: {
    binding: "map.uncertainty",
    key: "u",
    label: "Uncertainty map",
    url: "uncertainty_url",
    stops: [
      [5, 20, 60, 120, 130],
      [51, 30, 120, 190, 220],
      [128, 110, 200, 235, 255],
      [255, 240, 252, 255, 255],
    ],
  },
  difference: { binding: "map.difference", key: "d", label: "Difference from reference" },
  saliency: {
    binding: "map.attention",
    key: "g",
    label: "Saliency map (Grad-CAM)",
    url: "saliency_url",
    stops: [
      [13, 40, 60, 110, 60],
      [90, 38, 130, 142, 170],
      [170, 80, 190, 110, 200],
      [255, 250, 231, 60, 225],
    ],
  },
};
/** @typedef {keyof typeof MAPS} Name */
/** @typedef {Exclude<Name, "difference">} RampName Maps that are coloured by a ramp. */

export const NAMES = /** @type {Name[]} */ (Object.keys(MAPS));
export const RAMPED = /** @type {RampName[]} */ (NAMES.filter((name) => name !== "difference"));
const RAMPS = new Map(RAMPED.map((name) => [name, ramp(MAPS[name].stops)]));

/**
 * The ramp of a map without alpha as a CSS gradient, for the legend.
 *
 * @param {RampName} name
 */
export function gradient(name) {
  const stops = MAPS[name].stops.map(
    ([value, r, g, b]) => `rgb(${r} ${g} ${b}) ${((100 * value) / 255).toFixed(1)}%`,
  );
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}

/** @type {Map<string, Colour>} */
const colours = new Map();

/**
 * An overlay colour from the style sheet.
 *
 * @param {string} name Its name in tokens.css after "--on-image-".
 * @returns {Colour}
 */
function colourOf(name) {
  const known = colours.get(name);
  if (known) return known;
  const style = getComputedStyle(document.documentElement);
  const hex = parseInt(style.getPropertyValue(`--on-image-${name}`).trim().slice(1), 16);
  /** @type {Colour} */
  const colour = [hex >> 16, (hex >> 8) & 255, hex & 255];
  colours.set(name, colour);
  return colour;
}

/**
 * Draws the difference map. Both: solid. AI only: diagonal stripes. Reference only: horizontal
 * stripes.
 *
 * @param {Uint32Array} into
 * @param {ArrayLike<number> | undefined} ai Undefined where the AI mask is empty.
 * @param {ArrayLike<number> | undefined} reference Likewise.
 * @param {number} width
 * @param {number} level Of the AI mask.
 */
function difference(into, ai, reference, width, level) {
  const solid = pack(...colourOf("both"), 190);
  const stripe = [255, 90].map((alpha) => pack(...colourOf("ai"), alpha));
  const line = [255, 90].map((alpha) => pack(...colourOf("reference"), alpha));
  for (let i = 0; i < into.length; i++) {
    const inAi = ai ? ai[i] >= level : false;
    const inReference = reference ? reference[i] > 127 : false;
    const x = i % width;
    const y = (i - x) / width;
    if (inAi && inReference) into[i] = solid;
    else if (inAi) into[i] = stripe[(x + y) % 4 < 2 ? 0 : 1];
    else if (inReference) into[i] = line[y % 3 === 0 ? 0 : 1];
    else into[i] = 0;
  }
}

/**
 * The map of the slice in view; null while it is missing or loading.
 *
 * @param {Session} now
 * @param {Readonly<Record<string, ArrayLike<number> | undefined>>} found Loaded values, by name.
 * @returns {{ image: ImageData, crisp: boolean } | null} crisp: drawn without smoothing.
 */
export function make(now, found) {
  const { study, k, show } = now;
  if (show.map === "none") return null;
  const image = new ImageData(study.width, study.height);
  const into = new Uint32Array(image.data.buffer);
  if (show.map === "difference") {
    if (!found.reference && now.referenceAreas[k] !== 0) return null;
    if (!found.ai && operatingPoint.hasMask(now, k)) return null;
    difference(into, found.ai, found.reference, study.width, threshold.level(now));
    return { image, crisp: true };
  }
  const map = found[show.map];
  const table = RAMPS.get(show.map);
  if (!map || !table) return null;
  for (let i = 0; i < map.length; i++) into[i] = table[map[i]];
  if (show.map === "probability" && found.leftOut) {
    const { leftOut } = found;
    for (let i = 0; i < into.length; i++) if (leftOut[i]) into[i] = table[leftOut[i]];
  }
  return { image, crisp: false };
}
