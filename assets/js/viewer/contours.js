// @ts-check
/**
 * Outlines of a mask: marching squares with linear interpolation between pixel centres, drawn as a
 * quadratic B-spline through the midpoints of the edges. It stays within a quarter of a pixel of
 * the polygon.
 */

/**
 * Line segments of a cell by which corners are inside, as bits: 1 top left, 2 top right, 4 bottom
 * right, 8 bottom left. Each pair goes from edge to edge with the inside on its right; edges: 0
 * top, 1 right, 2 bottom, 3 left. Saddles are in JOINED if their centre is inside, else in APART.
 *
 * @type {readonly (readonly number[])[]}
 */
// prettier-ignore
const SEGMENTS = [
  [], [0, 3], [1, 0], [1, 3], [2, 1], [], [2, 0], [2, 3],
  [3, 2], [0, 2], [], [1, 2], [3, 1], [0, 1], [3, 0], [],
];
/** @type {Readonly<Record<number, readonly number[]>>} */
const JOINED = { 5: [0, 1, 2, 3], 10: [3, 0, 1, 2] };
/** @type {Readonly<Record<number, readonly number[]>>} */
const APART = { 5: [0, 3, 2, 1], 10: [1, 0, 3, 2] };

/**
 * The bounding box of all values >= level, or null.
 *
 * @param {ArrayLike<number>} map
 * @param {number} width
 * @param {number} height
 * @param {number} level
 */
export function bounds(map, width, height, level) {
  let left = width;
  let right = -1;
  let top = height;
  let bottom = -1;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (map[i] < level) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  }
  return bottom < 0 ? null : { left, right, top, bottom };
}

/**
 * Closed lines around the values >= level.
 *
 * @param {ArrayLike<number>} map `height` rows of `width` values; beyond them everything is 0.
 * @param {number} width
 * @param {number} height
 * @param {number} level
 * @returns {number[][]} Each [x0, y0, x1, y1, ...], where pixel (0, 0) covers 0..1.
 */
export function lines(map, width, height, level) {
  const box = bounds(map, width, height, level);
  if (!box) return [];
  /**
   * @param {number} x
   * @param {number} y
   */
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : map[y * width + x]);
  const stride = width + 2;
  /**
   * Id of an edge of the cell to the lower right of a pixel; neighbouring cells share edges.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} edge
   */
  const edgeId = (x, y, edge) => {
    const cell = (y + (edge === 2 ? 2 : 1)) * stride + x + (edge === 1 ? 2 : 1);
    return 2 * cell + (edge === 1 || edge === 3 ? 1 : 0);
  };
  /** @type {Map<number, number>} from edge to edge */
  const next = new Map();
  for (let y = box.top - 1; y <= box.bottom; y++) {
    for (let x = box.left - 1; x <= box.right; x++) {
      const a = at(x, y);
      const b = at(x + 1, y);
      const c = at(x + 1, y + 1);
      const d = at(x, y + 1);
      const kind =
        (a >= level ? 1 : 0) | (b >= level ? 2 : 0) | (c >= level ? 4 : 0) | (d >= level ? 8 : 0);
      if (kind === 0 || kind === 15) continue;
      const isSaddle = kind === 5 || kind === 10;
      const saddles = (a + b + c + d) / 4 >= level ? JOINED : APART;
      const pairs = isSaddle ? saddles[kind] : SEGMENTS[kind];
      for (let s = 0; s < pairs.length; s += 2)
        next.set(edgeId(x, y, pairs[s]), edgeId(x, y, pairs[s + 1]));
    }
  }
  /**
   * Adds the point at which a line crosses an edge.
   *
   * @param {number} id
   * @param {number[]} line
   */
  const cross = (id, line) => {
    const cell = id >> 1;
    const x = (cell % stride) - 1;
    const y = Math.floor(cell / stride) - 1;
    const isVertical = id & 1;
    const a = at(x, y);
    const b = isVertical ? at(x, y + 1) : at(x + 1, y);
    const t = (level - a) / (b - a);
    line.push(x + 0.5 + (isVertical ? 0 : t), y + 0.5 + (isVertical ? t : 0));
  };
  const loops = [];
  for (const start of next.keys()) {
    /** @type {number[]} */
    const loop = [];
    for (let id = start, to = next.get(id); to !== undefined; id = to, to = next.get(id)) {
      cross(id, loop);
      next.delete(id);
    }
    if (loop.length) loops.push(loop);
  }
  return loops;
}

/**
 * The lines as an SVG path, "" without lines.
 *
 * @param {ArrayLike<number>} map
 * @param {number} width
 * @param {number} height
 * @param {number} level
 */
export function path(map, width, height, level) {
  let d = "";
  for (const loop of lines(map, width, height, level)) {
    const n = loop.length / 2;
    const middle = (/** @type {number} */ i) => {
      const j = (i + 1) % n;
      const x = (loop[2 * i] + loop[2 * j]) / 2;
      return `${x.toFixed(2)} ${((loop[2 * i + 1] + loop[2 * j + 1]) / 2).toFixed(2)}`;
    };
    d += `M${middle(n - 1)}`;
    for (let i = 0; i < n; i++)
      d += `Q${loop[2 * i].toFixed(2)} ${loop[2 * i + 1].toFixed(2)} ${middle(i)}`;
    d += "Z";
  }
  return d;
}
