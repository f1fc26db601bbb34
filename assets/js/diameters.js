// Lesions of a mask and their two diameters, as pipeline/measurement/bidimensional.py measures them, with the same
// answers: here, because the mask follows the threshold and the reader's hand. Pure; also runs in a worker.
//
// A piece of a slice is {k, x, y, w, h, data}: a box of the mask, 1 where a pixel belongs to it. In lesions and lines,
// pixel centres lie at whole numbers.
globalThis.overread = globalThis.overread || {};

overread.diameters = (function () {
  "use strict";

  const MEASURABLE_MM = 10, MEASURABLE_SLICES = 2, MOST_LESIONS = 16, SAME = 1e-9;

  // The box of a slice's values >= level, or null. map: the whole slice, or a box of it itself.
  function piece(map, level, { k, x = 0, y = 0, w, h }) {
    let left = w, right = -1, top = h, bottom = -1;
    for (let row = 0, i = 0; row < h; row++) {
      for (let column = 0; column < w; column++, i++) {
        if (map[i] < level) continue;
        if (column < left) left = column;
        if (column > right) right = column;
        if (row < top) top = row;
        bottom = row;
      }
    }
    if (bottom < 0) return null;
    const cut = { k, x: x + left, y: y + top, w: right - left + 1, h: bottom - top + 1 };
    cut.data = new Uint8Array(cut.w * cut.h);
    for (let row = 0; row < cut.h; row++) {
      for (let column = 0; column < cut.w; column++) cut.data[row * cut.w + column] = map[(top + row) * w + left + column] >= level ? 1 : 0;
    }
    return cut;
  }

  // Runs of pixels along the rows, as {k, y, from, to, root}, by slice and row.
  function runsOf({ k, x, y, w, h, data }) {
    const rows = [];
    for (let row = 0; row < h; row++) {
      const runs = [];
      for (let column = 0; column < w; column++) {
        if (!data[row * w + column]) continue;
        const from = column;
        while (column < w && data[row * w + column]) column++;
        runs.push({ k, y: y + row, from: x + from, to: x + column, parent: null });
      }
      rows.push(runs);
    }
    return { top: y, rows };
  }

  function root(run) {
    while (run.parent) {
      if (run.parent.parent) run.parent = run.parent.parent;
      run = run.parent;
    }
    return run;
  }

  // Runs of two rows that touch, corners included.
  function join(above = [], below = []) {
    for (let i = 0, j = 0; i < above.length && j < below.length; ) {
      const a = above[i], b = below[j];
      if (a.from <= b.to && b.from <= a.to) {
        const one = root(a), other = root(b);
        if (one !== other) other.parent = one;
      }
      if (a.to < b.to) i++;
      else j++;
    }
  }

  // Connected components, the largest first; pixels touch through faces, edges and corners. Each is {voxels, pieces}.
  function find(pieces) {
    const bySlice = new Map(pieces.map((one) => [one.k, runsOf(one)]));
    for (const [k, { top, rows }] of bySlice) {
      const next = bySlice.get(k + 1);
      rows.forEach((runs, row) => {
        join(runs, rows[row + 1]);
        for (const by of [-1, 0, 1]) if (next) join(runs, next.rows[top + row + by - next.top]);
      });
    }
    const groups = new Map();
    for (const [k, { rows }] of bySlice) {
      for (const run of rows.flat()) {
        const first = root(run);
        if (!groups.has(first)) groups.set(first, { voxels: 0, slices: new Map() });
        const group = groups.get(first);
        group.voxels += run.to - run.from;
        if (!group.slices.has(k)) group.slices.set(k, []);
        group.slices.get(k).push(run);
      }
    }
    const found = [...groups.values()].map(({ voxels, slices }) => ({ voxels, pieces: [...slices].map(([k, runs]) => drawn(k, runs)) }));
    const first = ({ pieces: [{ k, y, x }] }) => [k, y, x];
    return found.sort((a, b) => b.voxels - a.voxels || first(a).map((v, i) => v - first(b)[i]).find(Boolean) || 0);
  }

  function drawn(k, runs) {
    const x = Math.min(...runs.map((run) => run.from)), y = runs[0].y;
    const w = Math.max(...runs.map((run) => run.to)) - x, h = runs[runs.length - 1].y - y + 1;
    const data = new Uint8Array(w * h);
    for (const run of runs) data.fill(1, (run.y - y) * w + run.from - x, (run.y - y) * w + run.to - x);
    return { k, x, y, w, h, data };
  }

  // Two lines at a right angle span a hull of at least half their product.
  function mostProduct(shape, [row, column]) {
    const corners = overread.chords.hullOf(shape);
    let sum = 0;
    corners.forEach(([ax, ay], i) => {
      const [bx, by] = corners[(i + 1) % corners.length];
      sum += ax * by - bx * ay;
    });
    return Math.abs(sum) * row * column * (1 + 1e-6); // twice the area
  }

  // The shape's extent at a right angle to a chord, which no perpendicular exceeds.
  function extent(shape, chord, [row, column]) {
    const [dx, dy] = overread.chords.across(chord, [row, column]);
    const ups = overread.chords.hullOf(shape).map(([x, y]) => x * column * dx * column + y * row * dy * row);
    return (Math.max(...ups) - Math.min(...ups)) * (1 + 1e-6);
  }

  const moved = ({ x1, y1, x2, y2, length }, { x, y }) => ({ x1: x1 + x, y1: y1 + y, x2: x2 + x, y2: y2 + y, length });

  // Both diameters on the slice where their product is largest; of equal ones the first slice.
  function measureOne({ pieces }, spacing) {
    const bounds = pieces.map((one) => mostProduct(one, spacing));
    const order = pieces.map((_, i) => i).sort((a, b) => bounds[b] - bounds[a] || a - b);
    let best = null;
    for (const i of order) {
      if (best && bounds[i] < best.product * (1 - SAME)) break;
      for (const longest of overread.chords.longest(pieces[i], spacing)) {
        if (best && longest.length * extent(pieces[i], longest, spacing) < best.product * (1 - SAME)) continue;
        const perpendicular = overread.chords.perpendicular(pieces[i], longest, spacing);
        const product = longest.length * perpendicular.length;
        const better = !best || product > best.product * (1 + SAME) || (product >= best.product * (1 - SAME) && pieces[i].k < best.k);
        if (better) best = { k: pieces[i].k, longest: moved(longest, pieces[i]), perpendicular: moved(perpendicular, pieces[i]), product };
      }
    }
    return best;
  }

  // Whether a lesion is measurable by RANO 2.0 (Wen et al. 2023), and why: the words of bidimensional.py.
  function judge(lengths, slices, inMm) {
    if (!inMm) return { measurable: null, reason: "Whether it is measurable is not known without a pixel spacing." };
    const short = lengths.filter((length) => length < MEASURABLE_MM - SAME);
    if (short.length) return { measurable: false, reason: `Not measurable: ${Math.min(...short).toFixed(1)} mm is below 10 mm.` };
    if (slices < MEASURABLE_SLICES) return { measurable: false, reason: "Not measurable: it is seen on one slice only, two are asked for." };
    return { measurable: true, reason: `Measurable: both diameters reach 10 mm, and it is seen on ${slices} slices.` };
  }

  // All lesions of a mask. pieces: as above, by slice. spacingMm: [z, y, x] or null.
  function measure(pieces, spacingMm) {
    const spacing = spacingMm ? [spacingMm[1], spacingMm[2]] : [1, 1];
    const lesions = find(pieces);
    const measured = lesions.slice(0, MOST_LESIONS).map((lesion, i) => {
      const { k, longest, perpendicular } = measureOne(lesion, spacing);
      const slices = lesion.pieces.length;
      const boxes = lesion.pieces.map((one) => [one.k, one.x, one.y, one.x + one.w, one.y + one.h]);
      return { number: i + 1, voxels: lesion.voxels, slices, k, longest, perpendicular, boxes, ...judge([longest.length, perpendicular.length], slices, Boolean(spacingMm)) };
    });
    return { lesions: measured, left: lesions.length - measured.length };
  }

  return { piece, find, measure, judge };
})();
