// @ts-check
/**
 * The longest line inside a shape of pixels perpendicular to a chord. Same algorithm and results as
 * pipeline/measurement/chords.py (tests/cases/perpendiculars.json); it is here too because it must
 * follow the reader's hand. Pixel centres are at whole numbers.
 */

/** @import { Chord } from "../viewer/study.js" */
/** @import { Pair, Spacing } from "../viewer/geometry.js" */

/**
 * @typedef {object} Shape
 * @property {number} w
 * @property {number} h
 * @property {Uint8Array} data 1 inside, row by row.
 */

/**
 * The path of a line from a pixel centre: lengths at which it enters each pixel, plus its end (at);
 * number of pixels (n); their offsets from the first pixel (steps).
 *
 * @typedef {{ at: Float64Array, n: number, steps: Int32Array }} Way
 */

/**
 * Direction perpendicular to a chord in the unit of the spacing: x and y in pixels for one unit of
 * length.
 *
 * @param {Omit<Chord, "length">} chord
 * @param {Spacing} spacing
 * @returns {Pair}
 */
function across(chord, [row, column]) {
  const dy = (chord.y2 - chord.y1) * row;
  const dx = (chord.x2 - chord.x1) * column;
  const norm = Math.hypot(dx, dy);
  return [dy / norm / column, -dx / norm / row];
}

/**
 * The 8-connected region of a pixel, filled run by run.
 *
 * @param {Shape} shape
 * @param {number} x
 * @param {number} y
 * @returns {Shape}
 */
function pieceAt({ w, h, data }, x, y) {
  const own = new Uint8Array(w * h);
  /** @type {[number, number, number][]} start of the row, first and last column of a run */
  const open = [];
  const take = (/** @type {number} */ place) => {
    const row = place - (place % w);
    let from = place;
    let to = place + 1;
    while (from > row && data[from - 1]) from--;
    while (to < row + w && data[to]) to++;
    own.fill(1, from, to);
    open.push([row, from - row, to - row]);
  };
  take(y * w + x);
  for (let run = open.pop(); run; run = open.pop()) {
    const [row, from, to] = run;
    for (const other of [row - w, row + w]) {
      if (other < 0 || other >= w * h) continue;
      const last = Math.min(w, to + 1);
      for (let i = Math.max(0, from - 1); i < last; i++)
        if (data[other + i] && !own[other + i]) take(other + i);
    }
  }
  return { w, h, data: own };
}

/**
 * @param {Pair} direction
 * @param {Shape} shape
 * @param {number} wide Row stride in pixels.
 * @returns {Way}
 */
function wayOf([dx, dy], { w, h }, wide) {
  const cuts = [0];
  for (const [step, size] of [
    [Math.abs(dx), w],
    [Math.abs(dy), h],
  ])
    if (step > 1e-12) for (let i = 0; i <= size; i++) cuts.push((i + 0.5) / step);
  cuts.sort((a, b) => a - b);
  const apart = 1e-9 * Math.max(1, cuts[cuts.length - 1]);
  const at = cuts.filter((cut, i) => !i || cut - cuts[i - 1] > apart);
  const places = at.slice(0, -1).map((before, i) => {
    const middle = (before + at[i + 1]) / 2;
    return [Math.floor(middle * dx + 0.5), Math.floor(middle * dy + 0.5)];
  });
  const last = places.findIndex(([x, y]) => Math.abs(x) >= w || Math.abs(y) >= h);
  const n = last < 0 ? places.length : last;
  const steps = Int32Array.from(places.slice(0, n), ([x, y]) => y * wide + x);
  return { at: Float64Array.from(at), n, steps };
}

/**
 * Pads the shape with one pixel on each side, at which every path ends.
 *
 * @param {Shape} shape
 */
function framed({ w, h, data }) {
  const wide = w + 2;
  const pixels = new Uint8Array(wide * (h + 2));
  for (let y = 0; y < h; y++) pixels.set(data.subarray(y * w, (y + 1) * w), (y + 1) * wide + 1);
  return { wide, pixels };
}

/**
 * The longest line inside a shape that is perpendicular to a chord and passes through a pixel
 * centre. Pixels are searched in the order of an upper bound for the line through them.
 *
 * @param {Shape} shape
 * @param {Omit<Chord, "length">} chord
 * @param {Spacing} spacing
 * @param {Pair} start A pixel of the region to search.
 * @returns {Chord}
 */
export function perpendicular(shape, chord, spacing, start) {
  const piece = pieceAt(shape, ...start);
  const [dx, dy] = across(chord, spacing);
  const { wide, pixels } = framed(piece);
  const there = wayOf([dx, dy], piece, wide);
  const back = wayOf([-dx, -dy], piece, wide);
  /**
   * @param {number} from
   * @param {Way} way
   */
  const reach = (from, { at, n, steps }) => {
    let i = 0;
    while (i < n && pixels[from + steps[i]]) i++;
    return at[i];
  };
  let best = { length: -1, place: 0, x: 0, y: 0, on: 0, off: 0 };
  const { order, limit } = byLimit(piece, [dx, dy], spacing);
  for (let i = 0; i < order.length && limit[order[i]] >= best.length - 1e-6; i++) {
    const place = order[i];
    const x = place % piece.w;
    const y = (place - x) / piece.w;
    const from = (y + 1) * wide + x + 1;
    const on = reach(from, there);
    const off = reach(from, back);
    const length = Math.round((on + off) * 1e9) / 1e9;
    if (length < best.length || (length === best.length && place > best.place)) continue;
    best = { length, place, x, y, on, off };
  }
  const { x, y, on, off } = best;
  return { x1: x - off * dx, y1: y - off * dy, x2: x + on * dx, y2: y + on * dy, length: on + off };
}

/**
 * An upper bound for the line through each pixel, and the pixels sorted by it, largest first. The
 * shape is rasterized onto cells aligned with the line, filling every cell that a pixel touches: a
 * line stays in one row of cells, and where it is inside the shape they are filled.
 *
 * @param {Shape} shape
 * @param {Pair} direction
 * @param {Spacing} spacing
 */
function byLimit({ w, h, data }, direction, [row, column]) {
  const ux = direction[0] * column; // of length 1
  const uy = direction[1] * row;
  const cell = Math.min(row, column);
  /**
   * Half the extent of a pixel.
   *
   * @param {number} a
   * @param {number} b
   */
  const span = (a, b) => (Math.abs(a) * column + Math.abs(b) * row) / 2;
  const halfT = span(uy, ux) / cell;
  const halfS = span(ux, uy) / cell;
  /**
   * @param {number} x
   * @param {number} y
   */
  const t = (x, y) => (x * column * uy - y * row * ux) / cell;
  /**
   * @param {number} x
   * @param {number} y
   */
  const s = (x, y) => (x * column * ux + y * row * uy) / cell;
  /** @type {Pair[]} */
  const ends = [
    [0, 0],
    [w - 1, 0],
    [0, h - 1],
    [w - 1, h - 1],
  ];
  const ts = ends.map((end) => t(...end));
  const ss = ends.map((end) => s(...end));
  const t0 = Math.min(...ts) - halfT - 1;
  const s0 = Math.min(...ss) - halfS - 1;
  const rows = Math.ceil(Math.max(...ts) + halfT - t0) + 2;
  const columns = Math.ceil(Math.max(...ss) + halfS - s0) + 2;
  const filled = new Uint16Array(rows * columns);
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      if (!data[i]) continue;
      const at = t(x, y) - t0;
      const up = s(x, y) - s0;
      const to = Math.floor(up + halfS);
      for (let r = Math.floor(at - halfT); r <= Math.floor(at + halfT); r++)
        for (let c = Math.floor(up - halfS); c <= to; c++) filled[r * columns + c] = 1;
    }
  }
  for (let i = 0; i < filled.length; i++) {
    const from = i;
    while (filled[i]) i++; // the last cell of a row is empty
    filled.fill(i - from, from, i);
  }
  const limit = new Float64Array(w * h);
  const counts = new Uint32Array(columns + 2);
  const cells = new Uint16Array(w * h);
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      if (!data[i]) continue;
      cells[i] = filled[Math.floor(t(x, y) - t0) * columns + Math.floor(s(x, y) - s0)];
      limit[i] = cells[i] * cell;
      counts[columns - cells[i] + 1]++;
    }
  }
  for (let k = 1; k < counts.length; k++) counts[k] += counts[k - 1];
  const order = new Uint32Array(counts[counts.length - 1]);
  for (let i = 0; i < cells.length; i++) if (data[i]) order[counts[columns - cells[i]]++] = i;
  return { order, limit };
}
