// The longest diameter of a shape of pixels and the longest perpendicular to it, inside the shape: what
// pipeline/measurement/chords.py measures, with the same answers (tests/browser/test_diameters.py), for masks that
// change under the reader's hand. Also runs in a worker, where there is no window.
//
// A shape is {w, h, data}: 1 where a pixel belongs to it. Here pixel centres lie at whole numbers. Spacing is
// [row, column]. A chord is {x1, y1, x2, y2, length}.
globalThis.overread = globalThis.overread || {};

overread.chords = (function () {
  "use strict";

  const MOST_BORDER = 1500, MOST_TIES = 8, SAME = 1e-9;
  const PARTS = [0.5, 0.25, 0.75, 0.37, 0.63];

  // Places (y * w + x) with a side that is no neighbour's, by row and column.
  function border({ w, h, data }) {
    const found = [];
    for (let y = 0, i = 0; y < h; y++) {
      for (let x = 0; x < w; x++, i++) {
        if (!data[i]) continue;
        const inner = x > 0 && y > 0 && x < w - 1 && y < h - 1 && data[i - 1] && data[i + 1] && data[i - w] && data[i + w];
        if (!inner) found.push(i);
      }
    }
    return found;
  }

  // Thinned where only noise has so many.
  function thinned(places) {
    const step = Math.ceil(places.length / MOST_BORDER) || 1;
    return step === 1 ? places : places.filter((_, i) => i % step === 0);
  }

  // Whether the line between two pixels' centres keeps to the shape; squares that touch at a corner let it pass. In whole
  // numbers: which side of the pixel it leaves next is exact.
  function seen({ w, data }, ax, ay, bx, by) {
    const dx = Math.abs(bx - ax), dy = Math.abs(by - ay), sx = Math.sign(bx - ax), sy = Math.sign(by - ay) * w;
    let place = ay * w + ax, x = 0, y = 0;
    while (x < dx || y < dy) {
      const side = (2 * x + 1) * dy - (2 * y + 1) * dx;
      if (side <= 0) { x++; place += sx; }
      if (side >= 0) { y++; place += sy; }
      if (!data[place]) return false;
    }
    return true;
  }

  // False where a few points of the line lie outside for sure: quick and never wrong.
  function mayBeSeen({ w, data }, ax, ay, bx, by) {
    for (const part of PARTS) {
      const x = ax + part * (bx - ax) + 0.5, y = ay + part * (by - ay) + 0.5, px = Math.floor(x), py = Math.floor(y);
      const clear = x - px > 1e-6 && px + 1 - x > 1e-6 && y - py > 1e-6 && py + 1 - y > 1e-6;
      if (clear && !data[py * w + px]) return false;
    }
    return true;
  }

  // Corners of the convex hull of points [x, y], in order round it.
  function hull(points) {
    const sorted = points.slice().sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const half = (list) => {
      const chain = [];
      for (const p of list) {
        for (; chain.length > 1; chain.pop()) {
          const a = chain[chain.length - 2], b = chain[chain.length - 1];
          if ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0) break;
        }
        chain.push(p);
      }
      return chain.slice(0, -1);
    };
    return sorted.length < 3 ? sorted : [...half(sorted), ...half(sorted.reverse())];
  }

  // The hull of the shape's squares.
  function hullOf(shape) {
    return hull(border(shape).flatMap((place) => {
      const x = place % shape.w, y = Math.floor(place / shape.w);
      return [[x - 0.5, y - 0.5], [x + 0.5, y - 0.5], [x - 0.5, y + 0.5], [x + 0.5, y + 0.5]];
    }));
  }

  // The line through one pixel, along its longer side.
  function throughPixel(x, y, [row, column]) {
    if (row > column) return { x1: x, y1: y - 0.5, x2: x, y2: y + 0.5, length: row };
    return { x1: x - 0.5, y1: y, x2: x + 0.5, y2: y, length: column };
  }

  // From edge to edge of both pixels: the way between their centres, and half a pixel's crossing more at each end.
  function lengthOf(dx, dy, [row, column]) {
    return Math.sqrt((dy * row) ** 2 + (dx * column) ** 2) * (1 + 1 / Math.max(Math.abs(dx), Math.abs(dy)));
  }

  // The length of some line inside, not far from the longest: what is shorter need not be looked at.
  function goodLength(shape, ends, spacing) {
    const { w } = shape;
    const stride = Math.ceil(ends.length / 90);
    const some = new Set(ends.filter((_, i) => i % stride === 0));
    for (const [x, y] of hull(ends.map((place) => [place % w, Math.floor(place / w)]))) some.add(y * w + x);
    const list = [...some];
    let best = 0;
    for (let i = 0; i < list.length; i++) {
      const ax = list[i] % w, ay = Math.floor(list[i] / w);
      for (let j = i + 1; j < list.length; j++) {
        const bx = list[j] % w, by = Math.floor(list[j] / w);
        const length = lengthOf(bx - ax, by - ay, spacing);
        if (length > best && mayBeSeen(shape, ax, ay, bx, by) && seen(shape, ax, ay, bx, by)) best = length;
      }
    }
    return best;
  }

  // The longest lines between two pixels of the border, all of one length, by row and column.
  function longest(shape, spacing) {
    const ends = thinned(border(shape));
    if (!ends.length) return [];
    const { w } = shape;
    const xs = Int32Array.from(ends, (place) => place % w), ys = Int32Array.from(ends, (place) => Math.floor(place / w));
    const [row, column] = spacing;
    let best = goodLength(shape, ends, spacing), pairs = [];
    const beyond = Math.hypot(row, column); // no crossing is longer
    let least = Math.max(0, best * (1 - SAME) - beyond) ** 2;
    for (let i = 0; i < ends.length; i++) {
      for (let j = i + 1; j < ends.length; j++) {
        const dx = xs[j] - xs[i], dy = ys[j] - ys[i];
        if ((dy * row) ** 2 + (dx * column) ** 2 < least) continue;
        const length = lengthOf(dx, dy, spacing);
        if (length < best * (1 - SAME)) continue;
        if (!mayBeSeen(shape, xs[i], ys[i], xs[j], ys[j]) || !seen(shape, xs[i], ys[i], xs[j], ys[j])) continue;
        if (length > best * (1 + SAME)) pairs = [];
        best = Math.max(best, length);
        least = Math.max(0, best * (1 - SAME) - beyond) ** 2;
        pairs.push([i, j, length]);
      }
    }
    const single = throughPixel(xs[0], ys[0], spacing);
    if (!pairs.length || best < single.length) return [single];
    return pairs.slice(0, MOST_TIES).map(([i, j, length]) => {
      const dx = xs[j] - xs[i], dy = ys[j] - ys[i], more = 1 / (2 * Math.max(Math.abs(dx), Math.abs(dy)));
      return { x1: xs[i] - dx * more, y1: ys[i] - dy * more, x2: xs[j] + dx * more, y2: ys[j] + dy * more, length };
    });
  }

  // Direction (x, y in pixels for one unit of length) at a right angle to a chord; right in the spacing's unit.
  function across(chord, [row, column]) {
    const dy = (chord.y2 - chord.y1) * row, dx = (chord.x2 - chord.x1) * column, norm = Math.hypot(dx, dy);
    return [dy / norm / column, -dx / norm / row];
  }

  // The connected piece that a pixel belongs to, run by run; pixels touch at corners too.
  function pieceAt({ w, h, data }, x, y) {
    const own = new Uint8Array(w * h), open = [];
    const take = (place) => {
      const row = place - (place % w);
      let from = place, to = place + 1;
      while (from > row && data[from - 1]) from--;
      while (to < row + w && data[to]) to++;
      own.fill(1, from, to);
      open.push(row, from - row, to - row);
    };
    take(y * w + x);
    while (open.length) {
      const to = open.pop(), from = open.pop(), row = open.pop();
      for (const other of [row - w, row + w]) {
        if (other < 0 || other >= w * h) continue;
        const last = Math.min(w, to + 1);
        for (let i = Math.max(0, from - 1); i < last; i++) if (data[other + i] && !own[other + i]) take(other + i);
      }
    }
    return { w, h, data: own };
  }

  // The pixel in which a chord begins, a quarter of its crossing from the end.
  function startOf({ x1, y1, x2, y2 }) {
    const share = 0.25 / Math.max(Math.abs(x2 - x1), Math.abs(y2 - y1));
    return [x1 + share * (x2 - x1), y1 + share * (y2 - y1)].map(Math.round);
  }

  // The pixels that a line from a pixel's centre crosses one after the other: lengths at which it enters them, and places
  // relative to the first, with one end more.
  function way([dx, dy], { w, h }) {
    const cuts = [0];
    for (const [step, size] of [[Math.abs(dx), w], [Math.abs(dy), h]]) {
      if (step > 1e-12) for (let i = 0; i <= size; i++) cuts.push((i + 0.5) / step);
    }
    cuts.sort((a, b) => a - b);
    const apart = 1e-9 * Math.max(1, cuts[cuts.length - 1]);
    const at = cuts.filter((cut, i) => !i || cut - cuts[i - 1] > apart);
    const places = at.slice(0, -1).map((before, i) => [((before + at[i + 1]) / 2) * dx, ((before + at[i + 1]) / 2) * dy].map((v) => Math.floor(v + 0.5)));
    const last = places.findIndex(([x, y]) => Math.abs(x) >= w || Math.abs(y) >= h);
    const n = last < 0 ? places.length : last;
    return { at: Float64Array.from(at), x: Int32Array.from(places.slice(0, n), ([x]) => x), y: Int32Array.from(places.slice(0, n), ([, y]) => y), n };
  }

  // With a frame of one pixel, at which every way ends.
  function framed({ w, h, data }) {
    const wide = w + 2, pixels = new Uint8Array(wide * (h + 2));
    for (let y = 0; y < h; y++) pixels.set(data.subarray(y * w, (y + 1) * w), (y + 1) * wide + 1);
    return { wide, pixels };
  }

  // The longest line inside the shape at a right angle to a chord, through a pixel's centre. Pixels are looked at by what
  // the line through them cannot exceed, the greatest first.
  // start: a pixel of the piece that is meant, by default the chord's first.
  function perpendicular(shape, chord, spacing, start = startOf(chord)) {
    const piece = pieceAt(shape, ...start);
    const direction = across(chord, spacing);
    const { wide, pixels } = framed(piece);
    const [there, back] = [direction, direction.map((v) => -v)].map((d) => {
      const found = way(d, piece);
      return { at: found.at, n: found.n, steps: Int32Array.from(found.x, (x, i) => found.y[i] * wide + x) };
    });
    const reach = (from, { at, n, steps }) => {
      let i = 0;
      while (i < n && pixels[from + steps[i]]) i++;
      return at[i];
    };
    let best = { length: -1 };
    const { order, limit } = byLimit(piece, direction, spacing);
    for (let i = 0; i < order.length && limit[order[i]] >= best.length - 1e-6; i++) {
      const place = order[i], x = place % piece.w, y = (place - x) / piece.w, from = (y + 1) * wide + x + 1;
      const on = reach(from, there), off = reach(from, back), length = Math.round((on + off) * 1e9) / 1e9;
      if (length < best.length || (length === best.length && place > best.place)) continue;
      best = { length, place, x, y, on, off };
    }
    const { x, y, on, off } = best, [dx, dy] = direction;
    return { x1: x - off * dx, y1: y - off * dy, x2: x + on * dx, y2: y + on * dy, length: on + off };
  }

  // What the line through each pixel cannot exceed, and the pixels by it, the greatest first. The shape is drawn over cells
  // along the line's direction, every cell that a pixel's square touches: a line keeps to one row of cells, and where it
  // is inside the shape they are filled.
  function byLimit({ w, h, data }, direction, [row, column]) {
    const ux = direction[0] * column, uy = direction[1] * row; // of length 1
    const cell = Math.min(row, column);
    const span = (a, b) => (Math.abs(a) * column + Math.abs(b) * row) / 2; // half a square's extent
    const [halfT, halfS] = [span(uy, ux) / cell, span(ux, uy) / cell];
    const t = (x, y) => (x * column * uy - y * row * ux) / cell, s = (x, y) => (x * column * ux + y * row * uy) / cell;
    const ends = [[0, 0], [w - 1, 0], [0, h - 1], [w - 1, h - 1]];
    const t0 = Math.min(...ends.map((p) => t(...p))) - halfT - 1, s0 = Math.min(...ends.map((p) => s(...p))) - halfS - 1;
    const rows = Math.ceil(Math.max(...ends.map((p) => t(...p))) + halfT - t0) + 2, across = Math.ceil(Math.max(...ends.map((p) => s(...p))) + halfS - s0) + 2;
    const filled = new Uint16Array(rows * across);
    for (let y = 0, i = 0; y < h; y++) {
      for (let x = 0; x < w; x++, i++) {
        if (!data[i]) continue;
        const at = t(x, y) - t0, up = s(x, y) - s0, to = Math.floor(up + halfS);
        for (let r = Math.floor(at - halfT); r <= Math.floor(at + halfT); r++) {
          for (let c = Math.floor(up - halfS); c <= to; c++) filled[r * across + c] = 1;
        }
      }
    }
    for (let i = 0; i < filled.length; ) {
      if (!filled[i]) { i++; continue; }
      const from = i;
      while (filled[i]) i++; // the last cell of a row is empty
      filled.fill(i - from, from, i);
    }
    const limit = new Float64Array(w * h), counts = new Uint32Array(across + 2);
    const cells = new Uint16Array(w * h);
    for (let y = 0, i = 0; y < h; y++) {
      for (let x = 0; x < w; x++, i++) {
        if (!data[i]) continue;
        cells[i] = filled[Math.floor(t(x, y) - t0) * across + Math.floor(s(x, y) - s0)];
        limit[i] = cells[i] * cell;
        counts[across - cells[i] + 1]++;
      }
    }
    for (let k = 1; k < counts.length; k++) counts[k] += counts[k - 1];
    const order = new Uint32Array(counts[counts.length - 1]);
    for (let i = 0; i < cells.length; i++) if (data[i]) order[counts[across - cells[i]]++] = i;
    return { order, limit };
  }

  return { hullOf, longest, perpendicular, across };
})();
