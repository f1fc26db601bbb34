// @ts-check
/**
 * Operations on the mask of one slice, as pure functions. Masks are Uint8Arrays of 0 and 1, row by
 * row; points are in image coordinates: pixel (0, 0) covers 0..1 in x and y.
 */

/** @import { Pair } from "../viewer/geometry.js" */
/** @import { Point } from "../viewer/screen.js" */

import * as contours from "../viewer/contours.js";
import { polygonRuns } from "../viewer/geometry.js";

/**
 * @typedef {object} Size
 * @property {number} width
 * @property {number} height
 * @property {readonly [number, number]} [unit] Pixel size in x and y, the smaller one 1.
 */

const FAR = 1e12;

/**
 * @param {number} limit
 * @param {number} value
 */
const inside = (limit, value) => Math.min(limit, Math.max(0, value));

/**
 * Sets all pixels whose centres are within the radius of the segment between two points, and those
 * that the segment passes through.
 *
 * @param {Uint8Array} mask
 * @param {Size} size
 * @param {Point} from
 * @param {Point} to
 * @param {number} radius In units.
 * @param {number} value 0 or 1.
 */
export function stroke(mask, { width, height, unit = [1, 1] }, from, to, radius, value) {
  const [ux, uy] = unit;
  const ax = from.x * ux;
  const ay = from.y * uy;
  const dx = to.x * ux - ax;
  const dy = to.y * uy - ay;
  const length = dx * dx + dy * dy;
  const left = inside(width, Math.floor((Math.min(ax, ax + dx) - radius) / ux));
  const right = inside(width, Math.ceil((Math.max(ax, ax + dx) + radius) / ux));
  const top = inside(height, Math.floor((Math.min(ay, ay + dy) - radius) / uy));
  const bottom = inside(height, Math.ceil((Math.max(ay, ay + dy) + radius) / uy));
  for (let y = top; y < bottom; y++) {
    const py = (y + 0.5) * uy - ay;
    for (let x = left; x < right; x++) {
      const px = (x + 0.5) * ux - ax;
      const t = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
      const ex = px - t * dx;
      const ey = py - t * dy;
      if (ex * ex + ey * ey <= radius * radius) mask[y * width + x] = value;
    }
  }
  const steps = Math.max(1, Math.ceil(2 * Math.sqrt(length)));
  for (let i = 0; i <= steps; i++) {
    const x = Math.floor((ax + (dx * i) / steps) / ux);
    const y = Math.floor((ay + (dy * i) / steps) / uy);
    if (x >= 0 && y >= 0 && x < width && y < height) mask[y * width + x] = value;
  }
}

/**
 * Sets all pixels whose centres are in a closed polygon (even-odd rule).
 *
 * @param {Uint8Array} mask
 * @param {Size} size
 * @param {readonly Point[]} points
 * @param {number} value 0 or 1.
 */
export function polygon(mask, { width, height }, points, value) {
  const corners = points.map(({ x, y }) => /** @type {Pair} */ ([x, y]));
  for (const [y, from, to] of polygonRuns(corners, width, height))
    mask.fill(value, y * width + from, y * width + to);
}

/**
 * The 4-connected region of equal value around a pixel.
 *
 * @param {Uint8Array} mask
 * @param {Size} size
 * @param {Point} point In the pixel.
 * @returns {{ pixels: Uint8Array, value: number, open: boolean }} open: it touches the image edge.
 */
export function region(mask, { width, height }, { x, y }) {
  const start = Math.floor(y) * width + Math.floor(x);
  const wanted = mask[start];
  const seen = new Uint8Array(mask.length);
  const stack = [start];
  seen[start] = 1;
  let open = false;
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    const column = i % width;
    open ||= column === 0 || column === width - 1 || i < width || i >= width * (height - 1);
    const sides = [column > 0 ? i - 1 : -1, column < width - 1 ? i + 1 : -1, i - width, i + width];
    for (const j of sides) {
      if (j < 0 || j >= mask.length || seen[j] || mask[j] !== wanted) continue;
      seen[j] = 1;
      stack.push(j);
    }
  }
  return { pixels: seen, value: wanted, open };
}

/**
 * A mask grown by one pixel on each side.
 *
 * @param {Uint8Array} mask
 * @param {Pick<Size, "width">} size
 */
export function grow(mask, { width }) {
  const out = mask.slice();
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    const column = i % width;
    if (column > 0) out[i - 1] = 1;
    if (column < width - 1) out[i + 1] = 1;
    if (i >= width) out[i - width] = 1;
    if (i + width < mask.length) out[i + width] = 1;
  }
  return out;
}

/**
 * A mask shrunk by one pixel on each side; outside the image everything is 0.
 *
 * @param {Uint8Array} mask
 * @param {Pick<Size, "width">} size
 */
export function shrink(mask, { width }) {
  const out = mask.slice();
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    const column = i % width;
    const isInner = column > 0 && column < width - 1 && i >= width && i + width < mask.length;
    if (!isInner || !mask[i - 1] || !mask[i + 1] || !mask[i - width] || !mask[i + width])
      out[i] = 0;
  }
  return out;
}

/**
 * Squared distances along one line (Felzenszwalb and Huttenlocher 2012, Theory of Computing 8:415).
 *
 * @param {Float64Array} values
 * @param {number} n Number of values.
 * @param {number} step Distance between neighbours.
 * @param {Float64Array} out
 * @param {Int32Array} hull Room for n + 1.
 * @param {Float64Array} starts Room for n + 2.
 */
function lineDistances(values, n, step, out, hull, starts) {
  let k = 0;
  hull[0] = 0;
  starts[0] = -FAR;
  starts[1] = FAR;
  const squared = step * step;
  /**
   * @param {number} q
   * @param {number} p
   */
  const meet = (q, p) =>
    (values[q] + squared * q * q - values[p] - squared * p * p) / (2 * squared * (q - p));
  for (let q = 1; q < n; q++) {
    let s = meet(q, hull[k]);
    while (k > 0 && s <= starts[k]) s = meet(q, hull[--k]);
    hull[++k] = q;
    starts[k] = s;
    starts[k + 1] = FAR;
  }
  k = 0;
  for (let q = 0; q < n; q++) {
    while (starts[k + 1] < q) k++;
    out[q] = squared * (q - hull[k]) ** 2 + values[hull[k]];
  }
}

/**
 * Distance from every pixel centre to the nearest pixel with a value; very large if no pixel has
 * it.
 *
 * @param {Uint8Array} mask
 * @param {Size} size
 * @param {number} value
 * @returns {Float64Array} In units.
 */
export function distances(mask, { width, height, unit = [1, 1] }, value) {
  const field = Float64Array.from(mask, (pixel) => (pixel === value ? 0 : FAR));
  const longest = Math.max(width, height);
  const line = new Float64Array(longest);
  const out = new Float64Array(longest);
  const hull = new Int32Array(longest + 1);
  const starts = new Float64Array(longest + 2);
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) line[y] = field[y * width + x];
    lineDistances(line, height, unit[1], out, hull, starts);
    for (let y = 0; y < height; y++) field[y * width + x] = out[y];
  }
  for (let y = 0; y < height; y++) {
    const row = field.subarray(y * width, (y + 1) * width);
    lineDistances(row, width, unit[0], out, hull, starts);
    field.set(out.subarray(0, width), y * width);
  }
  return field.map(Math.sqrt);
}

/**
 * Signed distance to the border of the mask: positive inside, negative outside, 0 half-way between
 * a pixel of the mask and its neighbour outside.
 *
 * @param {Uint8Array} mask
 * @param {Size} size
 */
function signedDistances(mask, size) {
  const toMask = distances(mask, size, 1);
  const toRest = distances(mask, size, 0);
  return toMask.map((out, i) => (mask[i] ? toRest[i] - 0.5 : 0.5 - out));
}

/** @typedef {{ left: number, top: number, width: number, height: number }} Box */

/**
 * The bounding box of masks plus an empty border, which may extend beyond the image; null if all
 * are empty.
 *
 * @param {readonly Uint8Array[]} masks
 * @param {Size} size
 * @returns {Box | null}
 */
function frame(masks, { width, height }) {
  const boxes = masks.flatMap((mask) => contours.bounds(mask, width, height, 1) ?? []);
  if (!boxes.length) return null;
  const left = Math.min(...boxes.map((box) => box.left));
  const right = Math.max(...boxes.map((box) => box.right));
  const top = Math.min(...boxes.map((box) => box.top));
  const bottom = Math.max(...boxes.map((box) => box.bottom));
  return { left: left - 1, top: top - 1, width: right - left + 3, height: bottom - top + 3 };
}

/**
 * @param {Uint8Array} mask
 * @param {Pick<Size, "width">} size
 * @param {Box} box
 */
function cut(mask, { width }, box) {
  const out = new Uint8Array(box.width * box.height);
  for (let y = 1; y < box.height - 1; y++) {
    const from = (box.top + y) * width + box.left + 1;
    out.set(mask.subarray(from, from + box.width - 2), y * box.width + 1);
  }
  return out;
}

/**
 * Masks interpolated between two others: where the interpolated signed distance is positive
 * (shape-based interpolation, Raya and Udupa 1990, IEEE Trans. Med. Imaging 9:32).
 *
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 * @param {Size} size
 * @param {readonly number[]} shares Positions between the two, 0 to 1.
 */
export function between(one, other, size, shares) {
  const empty = () => new Uint8Array(one.length);
  const box = frame([one, other], size);
  if (!box) return shares.map(empty);
  const inner = { width: box.width, height: box.height, unit: size.unit };
  const [a, b] = [one, other].map((mask) => signedDistances(cut(mask, size, box), inner));
  return shares.map((share) => {
    const out = empty();
    for (let y = 1; y < box.height - 1; y++) {
      for (let x = 1; x < box.width - 1; x++) {
        const i = y * box.width + x;
        if ((1 - share) * a[i] + share * b[i] > 0)
          out[(box.top + y) * size.width + box.left + x] = 1;
      }
    }
    return out;
  });
}
