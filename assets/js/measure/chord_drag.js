// @ts-check
/**
 * Dragging an end of two diameters, as a pure function: the end snaps to the border of the mask;
 * the perpendicular stays at a right angle to the longest diameter and inside the lesion. Points
 * are the ends of the longest diameter, then of the perpendicular, in image coordinates.
 */

/** @import { Shape } from "./chords.js" */
/** @import { Pair, Spacing } from "../viewer/geometry.js" */

import * as contours from "../viewer/contours.js";
import * as chords from "./chords.js";

/**
 * @typedef {object} Settings
 * @property {Shape | null} mask Mask of the whole slice.
 * @property {Spacing} spacing
 * @property {readonly [number, number]} scale Screen pixels per image pixel, x and y.
 */

/** @typedef {readonly Pair[]} Pairs */

const SNAP_PX = 12; // screen pixels

/**
 * The parts of a line that are inside a mask. The line passes between pixels that touch at a
 * corner.
 *
 * @param {Shape} mask
 * @param {Pair} point
 * @param {Pair} direction
 * @param {number} low Start of the line in steps of the direction.
 * @param {number} high End of the line.
 * @returns {Pair[]} Start and end of each part, in steps of the direction.
 */
function runs(mask, [x, y], [dx, dy], low, high) {
  const cuts = [low, high];
  for (const [start, step] of [
    [x, dx],
    [y, dy],
  ]) {
    if (Math.abs(step) < 1e-12) continue;
    const ends = [start + low * step, start + high * step];
    for (let edge = Math.ceil(Math.min(...ends)); edge <= Math.max(...ends); edge++)
      cuts.push((edge - start) / step);
  }
  cuts.sort((a, b) => a - b);
  /** @type {Pair[]} */
  const found = [];
  for (let i = 0; i + 1 < cuts.length; i++) {
    if (cuts[i + 1] - cuts[i] < 1e-9) continue;
    const t = (cuts[i] + cuts[i + 1]) / 2;
    const px = Math.floor(x + t * dx);
    const py = Math.floor(y + t * dy);
    const isOut = px < 0 || py < 0 || px >= mask.w || py >= mask.h;
    if (isOut || !mask.data[py * mask.w + px]) continue;
    const last = found[found.length - 1];
    if (last && cuts[i] - last[1] < 1e-6) last[1] = cuts[i + 1];
    else found.push([cuts[i], cuts[i + 1]]);
  }
  return found;
}

/**
 * @param {Pair} point
 * @param {Pair} direction
 * @param {number} t
 * @returns {Pair}
 */
const along = ([x, y], [dx, dy], t) => [x + t * dx, y + t * dy];

/**
 * The longest diameter with one end at a point, or at the nearby border of the mask on the line
 * from the other end.
 *
 * @param {Pairs} points
 * @param {number} index
 * @param {Pair} point
 * @param {Settings} settings
 * @returns {Pair[]}
 */
function dragLongest(points, index, point, { mask, scale }) {
  const fixed = points[1 - index];
  /** @type {Pair} */
  const direction = [point[0] - fixed[0], point[1] - fixed[1]];
  const size = Math.hypot(direction[0] * scale[0], direction[1] * scale[1]);
  if (size < 2) return points.slice(0, 2);
  let end = point;
  if (mask) {
    const near = SNAP_PX / size; // as a fraction of the line
    const far = 1 + 2 * near;
    const borders = runs(mask, fixed, direction, 0, far)
      .flat()
      .filter((t) => t > 0 && t < far && Math.abs(t - 1) <= near)
      .sort((a, b) => Math.abs(a - 1) - Math.abs(b - 1));
    if (borders.length) end = along(fixed, direction, borders[0]);
  }
  return index ? [fixed, end] : [end, fixed];
}

/**
 * Steps in pixels for one unit of length, along a line (u) and perpendicular to it (v).
 *
 * @param {Pairs} line
 * @param {Spacing} spacing
 * @returns {{ length: number, u: Pair, v: Pair }}
 */
function axes([a, b], [row, column]) {
  const dx = (b[0] - a[0]) * column;
  const dy = (b[1] - a[1]) * row;
  const length = Math.hypot(dx, dy) || 1;
  return {
    length,
    u: [dx / length / column, dy / length / row],
    v: [-dy / length / column, dx / length / row],
  };
}

/**
 * Coordinates of a point along a line from its first end, and perpendicular to it.
 *
 * @param {Pair} point
 * @param {Pairs} line
 * @param {Spacing} spacing
 */
function placeOf(point, line, spacing) {
  const { u, v } = axes(line, spacing);
  const x = (point[0] - line[0][0]) * spacing[1];
  const y = (point[1] - line[0][1]) * spacing[0];
  const dot = (/** @type {Pair} */ [dx, dy]) => x * dx * spacing[1] + y * dy * spacing[0];
  return [dot(u), dot(v)];
}

/**
 * The longest perpendicular to a line inside the lesion; if the line is outside, the old one,
 * rotated with it.
 *
 * @param {Pairs} points
 * @param {Pairs} longest
 * @param {Settings} settings
 * @returns {Pair[]}
 */
function follow(points, longest, { mask, spacing }) {
  const found = mask && widest(longest, mask, spacing);
  if (found) return found;
  const old = axes(points, spacing);
  const fresh = axes(longest, spacing);
  const [t, one] = placeOf(points[2], points, spacing);
  const [, other] = placeOf(points[3], points, spacing);
  const middle = along(longest[0], fresh.u, (t / old.length) * fresh.length);
  return [along(middle, fresh.v, one), along(middle, fresh.v, other)];
}

/**
 * @param {Pairs} line
 * @param {Shape} mask
 * @param {Spacing} spacing
 * @returns {Pair[] | null}
 */
function widest([a, b], mask, spacing) {
  const inside = runs(mask, a, [b[0] - a[0], b[1] - a[1]], 0, 1);
  if (!inside.length) return null;
  const [from, to] = inside.reduce((best, run) =>
    run[1] - run[0] > best[1] - best[0] ? run : best,
  );
  const box = boxOf(mask);
  const seed = inPixel(mask, a, b, from, to);
  const chord = {
    x1: a[0] - 0.5 - box.x,
    y1: a[1] - 0.5 - box.y,
    x2: b[0] - 0.5 - box.x,
    y2: b[1] - 0.5 - box.y,
  };
  const start = /** @type {Pair} */ ([seed[0] - box.x, seed[1] - box.y]);
  const { x1, y1, x2, y2 } = chords.perpendicular(box, chord, spacing, start);
  /**
   * @param {number} x
   * @param {number} y
   * @returns {Pair}
   */
  const back = (x, y) => [x + 0.5 + box.x, y + 0.5 + box.y];
  return [back(x1, y1), back(x2, y2)];
}

/**
 * Crops a non-empty mask to its bounding box, whose corner is at x and y.
 *
 * @param {Shape} mask
 */
function boxOf({ w, h, data }) {
  const found = contours.bounds(data, w, h, 1);
  const { left, right, top, bottom } = found ?? { left: 0, right: 0, top: 0, bottom: 0 };
  const width = right + 1 - left;
  const height = bottom + 1 - top;
  const box = { x: left, y: top, w: width, h: height, data: new Uint8Array(width * height) };
  for (let y = top; y <= bottom; y++)
    box.data.set(data.subarray(y * w + left, y * w + right + 1), (y - top) * width);
  return box;
}

/**
 * A pixel of the mask on a line, near the middle of a part that is inside.
 *
 * @param {Shape} mask
 * @param {Pair} a
 * @param {Pair} b
 * @param {number} from Start of the part as a fraction of the line.
 * @param {number} to
 * @returns {Pair}
 */
function inPixel(mask, a, b, from, to) {
  for (const part of [0.5, 0.45, 0.55, 0.4, 0.6, 0.3, 0.7]) {
    const t = from + part * (to - from);
    const x = Math.floor(a[0] + t * (b[0] - a[0]));
    const y = Math.floor(a[1] + t * (b[1] - a[1]));
    if (mask.data[y * mask.w + x]) return [x, y];
  }
  return [Math.floor(a[0]), Math.floor(a[1])];
}

/**
 * The perpendicular with one end at a point: it moves along the longest diameter, and both ends
 * stay inside the lesion; an end that was at the border stays at the border.
 *
 * @param {Pairs} points
 * @param {number} index 2 or 3.
 * @param {Pair} point
 * @param {Settings} settings
 * @returns {Pair[]}
 */
function dragPerpendicular(points, index, point, { mask, spacing, scale }) {
  const longest = points.slice(0, 2);
  const { length, u, v } = axes(longest, spacing);
  const [at, beside] = placeOf(point, longest, spacing);
  const [was, one] = placeOf(points[2], longest, spacing);
  const [, two] = placeOf(points[3], longest, spacing);
  const base = along(longest[0], u, Math.min(length, Math.max(0, at)));
  const other = index === 2 ? two : one;
  let dragged = beside;
  let opposite = other;
  const reach = mask ? (mask.w + mask.h) * Math.max(...spacing) : 0;
  const inside = mask ? runs(mask, base, v, -reach, reach) : [];
  if (mask && inside.length) {
    const away = (/** @type {Pair} */ [from, to]) => Math.max(0, from - beside, beside - to);
    const run = inside.reduce((best, next) => (away(next) < away(best) ? next : best));
    const before = runs(mask, along(longest[0], u, was), v, -reach, reach);
    const step = Math.hypot(v[0] * scale[0], v[1] * scale[1]); // screen pixels for one unit
    const wasAtBorder = before
      .flat()
      .some((edge) => Math.abs(edge - other) < 0.51 * Math.max(...spacing));
    dragged = snap(beside, run, SNAP_PX / step);
    const far = other > beside ? run[1] : run[0];
    opposite = wasAtBorder ? far : Math.min(run[1], Math.max(run[0], other));
  }
  const ends = index === 2 ? [dragged, opposite] : [opposite, dragged];
  return ends.map((end) => along(base, v, end));
}

/**
 * Snaps a value to the nearer end of a run if it is close, and clamps it to the run in any case.
 *
 * @param {number} value
 * @param {Pair} run
 * @param {number} within
 */
function snap(value, [from, to], within) {
  const isFirst = value - from < to - value;
  const near = isFirst ? from : to;
  const isInside = isFirst ? value >= from : value <= to;
  return !isInside || Math.abs(value - near) <= within ? near : value;
}

/**
 * Moves one of the four ends.
 *
 * @param {Pairs} points
 * @param {number} index
 * @param {Pair} point The end's new position.
 * @param {Settings} settings
 * @returns {Pair[]}
 */
export function drag(points, index, point, settings) {
  if (index >= 2)
    return [...points.slice(0, 2), ...dragPerpendicular(points, index, point, settings)];
  const longest = dragLongest(points, index, point, settings);
  return [...longest, ...follow(points, longest, settings)];
}
