// @ts-check
/**
 * Measurements on a slice, as pure functions of points, spacing and pixels. Points are in image
 * coordinates: pixel (0, 0) covers 0..1 in x and y.
 */

/** @import { SpacingMm } from "./study.js" */

/** @typedef {[number, number]} Pair A point, [x, y]. */

/** @typedef {readonly [number, number]} Spacing Distance of two rows and of two columns in mm. */

/** @typedef {[number, number, number]} Run Pixels of a row: y, the first, that after the last. */

/**
 * Pixel size in x and y, the smaller one 1.
 *
 * @param {SpacingMm | null} spacingMm
 * @returns {[number, number]}
 */
export function pixelUnit(spacingMm) {
  if (!spacingMm) return [1, 1];
  const [, row, column] = spacingMm;
  const finest = Math.min(row, column);
  return [column / finest, row / finest];
}

/**
 * @param {Pair} point
 * @param {Spacing | null} spacing Null for pixels.
 */
const scaled = ([x, y], spacing) => (spacing ? [x * spacing[1], y * spacing[0]] : [x, y]);

/**
 * @param {Pair} a
 * @param {Pair} b
 * @param {Spacing | null} spacing Null for pixels.
 */
export function distance(a, b, spacing) {
  const [ax, ay] = scaled(a, spacing);
  const [bx, by] = scaled(b, spacing);
  return Math.hypot(bx - ax, by - ay);
}

/**
 * Degrees, 0 to 180, at the middle one of three points; null where a leg has no length.
 *
 * @param {readonly Pair[]} points
 * @param {Spacing | null} spacing Null for pixels.
 */
export function angle([a, vertex, b], spacing) {
  const [vx, vy] = scaled(vertex, spacing);
  const [px, py] = scaled(a, spacing);
  const [qx, qy] = scaled(b, spacing);
  const one = [px - vx, py - vy];
  const other = [qx - vx, qy - vy];
  if (!Math.hypot(...one) || !Math.hypot(...other)) return null;
  const cross = one[0] * other[1] - one[1] * other[0];
  return (Math.abs(Math.atan2(cross, one[0] * other[0] + one[1] * other[1])) * 180) / Math.PI;
}

/**
 * Twice the signed area in pixels; self-intersections count by winding number.
 *
 * @param {readonly Pair[]} points
 */
function doubleArea(points) {
  let sum = 0;
  for (let i = 0; i < points.length; i++) {
    const [ax, ay] = points[i];
    const [bx, by] = points[(i + 1) % points.length];
    sum += ax * by - bx * ay;
  }
  return sum;
}

/** @param {Spacing | null} spacing */
const pixelArea = (spacing) => (spacing ? spacing[0] * spacing[1] : 1);

/**
 * @param {readonly Pair[]} points
 * @param {Spacing | null} spacing Null for pixels.
 */
export const polygonArea = (points, spacing) =>
  (Math.abs(doubleArea(points)) / 2) * pixelArea(spacing);

/**
 * Centre and semi-axes of the ellipse in the rectangle between two points.
 *
 * @param {readonly Pair[]} points
 */
export function ellipse([a, b]) {
  return {
    x: (a[0] + b[0]) / 2,
    y: (a[1] + b[1]) / 2,
    rx: Math.abs(b[0] - a[0]) / 2,
    ry: Math.abs(b[1] - a[1]) / 2,
  };
}

/**
 * @param {readonly Pair[]} points
 * @param {Spacing | null} spacing Null for pixels.
 */
export function ellipseArea(points, spacing) {
  const { rx, ry } = ellipse(points);
  return Math.PI * rx * ry * pixelArea(spacing);
}

/**
 * Pixels whose centres lie in an ellipse.
 *
 * @param {readonly Pair[]} points
 * @param {number} width Of the image.
 * @param {number} height
 */
export function ellipseRuns(points, width, height) {
  const { x, y, rx, ry } = ellipse(points);
  /** @type {Run[]} */
  const runs = [];
  if (!rx || !ry) return runs;
  const last = Math.min(height - 1, Math.ceil(y + ry));
  for (let row = Math.max(0, Math.floor(y - ry - 1)); row <= last; row++) {
    const up = (row + 0.5 - y) / ry;
    if (up * up > 1) continue;
    const half = rx * Math.sqrt(1 - up * up);
    const from = Math.max(0, Math.ceil(x - half - 0.5 - 1e-9));
    const to = Math.min(width, Math.floor(x + half - 0.5 + 1e-9) + 1);
    if (to > from) runs.push([row, from, to]);
  }
  return runs;
}

/**
 * Pixels whose centres lie in a polygon, by the even-odd rule; a centre exactly on a line belongs
 * to the area on its right.
 *
 * @param {readonly Pair[]} points
 * @param {number} width Of the image.
 * @param {number} height
 */
export function polygonRuns(points, width, height) {
  /** @type {Run[]} */
  const runs = [];
  const rows = points.map(([, y]) => y);
  const last = Math.min(height - 1, Math.ceil(Math.max(...rows)));
  for (let row = Math.max(0, Math.floor(Math.min(...rows))); row <= last; row++) {
    const at = row + 0.5;
    /** @type {number[]} */
    const cuts = [];
    points.forEach(([ax, ay], i) => {
      const [bx, by] = points[(i + 1) % points.length];
      if (ay <= at !== by <= at) cuts.push(ax + ((at - ay) / (by - ay)) * (bx - ax));
    });
    cuts.sort((a, b) => a - b);
    const columns = cuts.map((cut) => Math.min(width, Math.max(0, Math.ceil(cut - 0.5))));
    for (let i = 0; i + 1 < columns.length; i += 2)
      if (columns[i + 1] > columns[i]) runs.push([row, columns[i], columns[i + 1]]);
  }
  return runs;
}

/**
 * Mean, population standard deviation, minimum and maximum of stored x slope + intercept; null
 * without pixels. Sums are taken relative to the first value, so 16-bit values lose no precision.
 *
 * @param {ArrayLike<number>} stored
 * @param {number} width
 * @param {readonly Run[]} runs
 */
export function statistics(stored, width, runs, slope = 1, intercept = 0) {
  let n = 0;
  let sum = 0;
  let squares = 0;
  let min = Infinity;
  let max = -Infinity;
  let first = 0;
  for (const [row, from, to] of runs) {
    for (let x = from; x < to; x++) {
      const value = stored[row * width + x];
      if (!n) first = value;
      const off = value - first;
      n++;
      sum += off;
      squares += off * off;
      if (value < min) min = value;
      if (value > max) max = value;
    }
  }
  if (!n) return null;
  const ends = [min * slope + intercept, max * slope + intercept];
  return {
    n,
    mean: (first + sum / n) * slope + intercept,
    sd: Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2)) * Math.abs(slope),
    min: Math.min(...ends),
    max: Math.max(...ends),
  };
}

/**
 * Distance of a point from the segment between two others.
 *
 * @param {Pair} point
 * @param {Pair} a
 * @param {Pair} b
 * @param {Spacing | null} spacing Null for pixels.
 */
export function toLine(point, a, b, spacing) {
  const [px, py] = scaled(point, spacing);
  const [ax, ay] = scaled(a, spacing);
  const [bx, by] = scaled(b, spacing);
  const dx = bx - ax;
  const dy = by - ay;
  const t = Math.min(1, Math.max(0, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(px - ax - t * dx, py - ay - t * dy);
}

/**
 * Simplifies a line by removing points closer than `within` to it (Douglas-Peucker). A freehand
 * line of hundreds of points is reduced to dozens.
 *
 * @param {readonly Pair[]} points
 * @param {number} within
 */
export function simplify(points, within) {
  const keep = new Uint8Array(points.length);
  keep[0] = keep[points.length - 1] = 1;
  const open = [[0, points.length - 1]];
  for (let part = open.pop(); part; part = open.pop()) {
    const [from, to] = part;
    let far = within;
    let at = -1;
    for (let i = from + 1; i < to; i++) {
      const off = toLine(points[i], points[from], points[to], null);
      if (off > far) [far, at] = [off, i];
    }
    if (at < 0) continue;
    keep[at] = 1;
    open.push([from, at], [at, to]);
  }
  return points.filter((_, i) => keep[i]);
}
