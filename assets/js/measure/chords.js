// The longest line inside a shape of pixels at a right angle to a chord, as pipeline/measurement/chords.py has it, with
// the same answers (tests/cases/perpendiculars.json): here, because it follows the reader's hand.
//
// A shape is {w, h, data}: 1 where a pixel belongs to it. Here pixel centres lie at whole numbers. Spacing is
// [row, column]. A chord is {x1, y1, x2, y2, length}.
window.overread = window.overread || {};

overread.chords = (function () {
  "use strict";

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
  // the line through them cannot exceed, the greatest first. start: a pixel of the connected piece that is meant.
  function perpendicular(shape, chord, spacing, start) {
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

  return { perpendicular };
})();
