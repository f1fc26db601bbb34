// What dragging an end of two diameters does, as a pure function: the end snaps to the mask's border, the perpendicular
// stays at a right angle to the longest and inside the lesion. Points are [x, y] in image coordinates: ends of the
// longest, then of the perpendicular. A mask is {w, h, data} of the whole slice, 1 inside, or null.
window.overread = window.overread || {};

overread.chordDrag = (function () {
  "use strict";

  const SNAP_PX = 12; // on the screen

  // Where a line from a point in a direction lies inside the mask: [from, to] in steps of the direction, between low and
  // high. Pixels that touch at a corner let it pass.
  function runs(mask, [x, y], [dx, dy], low, high) {
    const cuts = [low, high];
    for (const [start, step] of [[x, dx], [y, dy]]) {
      if (Math.abs(step) < 1e-12) continue;
      const ends = [start + low * step, start + high * step];
      for (let edge = Math.ceil(Math.min(...ends)); edge <= Math.max(...ends); edge++) cuts.push((edge - start) / step);
    }
    cuts.sort((a, b) => a - b);
    const found = [];
    for (let i = 0; i + 1 < cuts.length; i++) {
      if (cuts[i + 1] - cuts[i] < 1e-9) continue;
      const t = (cuts[i] + cuts[i + 1]) / 2, px = Math.floor(x + t * dx), py = Math.floor(y + t * dy);
      if (px < 0 || py < 0 || px >= mask.w || py >= mask.h || !mask.data[py * mask.w + px]) continue;
      const last = found[found.length - 1];
      if (last && cuts[i] - last[1] < 1e-6) last[1] = cuts[i + 1];
      else found.push([cuts[i], cuts[i + 1]]);
    }
    return found;
  }

  const along = ([x, y], [dx, dy], t) => [x + t * dx, y + t * dy];

  // The longest with one end at a point, or at the mask's border beside it on the line from the other end.
  function dragLongest(points, index, point, { mask, scale }) {
    const fixed = points[1 - index], dx = point[0] - fixed[0], dy = point[1] - fixed[1];
    const size = Math.hypot(dx * scale[0], dy * scale[1]);
    if (size < 2) return points.slice(0, 2);
    let end = point;
    if (mask) {
      const near = SNAP_PX / size; // as a share of the line
      const borders = runs(mask, fixed, [dx, dy], 0, 1 + 2 * near).flat().filter((t) => t > 0 && t < 1 + 2 * near && Math.abs(t - 1) <= near);
      if (borders.length) end = along(fixed, [dx, dy], borders.reduce((best, t) => (Math.abs(t - 1) < Math.abs(best - 1) ? t : best)));
    }
    return index ? [fixed, end] : [end, fixed];
  }

  // Unit steps in pixels, along a line and at a right angle to it, for one unit of length of the spacing.
  function axes([a, b], [row, column]) {
    const dx = (b[0] - a[0]) * column, dy = (b[1] - a[1]) * row, length = Math.hypot(dx, dy) || 1;
    return { length, u: [dx / length / column, dy / length / row], v: [-dy / length / column, dx / length / row] };
  }

  // Place of a point: how far along the line from its first end, and how far beside it.
  function placeOf(point, [a, b], spacing) {
    const { u, v } = axes([a, b], spacing);
    const x = (point[0] - a[0]) * spacing[1], y = (point[1] - a[1]) * spacing[0];
    const dot = ([dx, dy]) => x * dx * spacing[1] + y * dy * spacing[0];
    return [dot(u), dot(v)];
  }

  // The longest perpendicular inside the lesion to a line; where the line is not in it, the old one, turned along.
  function follow(points, longest, { mask, spacing }) {
    const found = mask && widest(longest, mask, spacing);
    if (found) return found;
    const old = axes(points, spacing), fresh = axes(longest, spacing);
    const [t, one] = placeOf(points[2], points, spacing), [, other] = placeOf(points[3], points, spacing);
    const middle = along(longest[0], fresh.u, (t / old.length) * fresh.length);
    return [along(middle, fresh.v, one), along(middle, fresh.v, other)];
  }

  function widest([a, b], mask, spacing) {
    const inside = runs(mask, a, [b[0] - a[0], b[1] - a[1]], 0, 1);
    if (!inside.length) return null;
    const [from, to] = inside.reduce((best, run) => (run[1] - run[0] > best[1] - best[0] ? run : best));
    const box = boxOf(mask);
    const seed = inPixel(mask, a, b, from, to);
    const chord = { x1: a[0] - 0.5 - box.x, y1: a[1] - 0.5 - box.y, x2: b[0] - 0.5 - box.x, y2: b[1] - 0.5 - box.y };
    const { x1, y1, x2, y2 } = overread.chords.perpendicular(box, chord, spacing, [seed[0] - box.x, seed[1] - box.y]);
    const back = (x, y) => [x + 0.5 + box.x, y + 0.5 + box.y];
    return [back(x1, y1), back(x2, y2)];
  }

  // The mask in its own box, which begins at x and y.
  function boxOf({ w, h, data }) {
    const { left, right, top, bottom } = overread.contours.bounds(data, w, h, 1);
    const box = { x: left, y: top, w: right + 1 - left, h: bottom + 1 - top };
    box.data = new Uint8Array(box.w * box.h);
    for (let y = top; y <= bottom; y++) box.data.set(data.subarray(y * w + left, y * w + right + 1), (y - top) * box.w);
    return box;
  }

  // A pixel of the mask on the line, near the middle of a part that lies inside.
  function inPixel(mask, a, b, from, to) {
    for (const part of [0.5, 0.45, 0.55, 0.4, 0.6, 0.3, 0.7]) {
      const t = from + part * (to - from), x = Math.floor(a[0] + t * (b[0] - a[0])), y = Math.floor(a[1] + t * (b[1] - a[1]));
      if (mask.data[y * mask.w + x]) return [x, y];
    }
    return [Math.floor(a[0]), Math.floor(a[1])];
  }

  // The perpendicular with one end at a point: its line moves along the longest, both ends stay inside the lesion; an end
  // that was at the border stays there.
  function dragPerpendicular(points, index, point, { mask, spacing, scale }) {
    const longest = points.slice(0, 2), { length, u, v } = axes(longest, spacing);
    const [at, beside] = placeOf(point, longest, spacing);
    const [was, one] = placeOf(points[2], longest, spacing), [, two] = placeOf(points[3], longest, spacing);
    const base = along(longest[0], u, Math.min(length, Math.max(0, at)));
    let ends = index === 2 ? [beside, two] : [one, beside];
    if (mask) {
      const reach = (mask.w + mask.h) * Math.max(...spacing);
      const inside = runs(mask, base, v, -reach, reach);
      if (inside.length) {
        const away = ([from, to]) => Math.max(0, from - beside, beside - to);
        const run = inside.reduce((best, other) => (away(other) < away(best) ? other : best));
        const before = runs(mask, along(longest[0], u, was), v, -reach, reach);
        const step = Math.hypot(v[0] * scale[0], v[1] * scale[1]); // screen pixels for one unit
        const other = index === 2 ? two : one;
        const wasAtBorder = before.flat().some((edge) => Math.abs(edge - other) < 0.51 * Math.max(...spacing));
        const dragged = snap(beside, run, SNAP_PX / step);
        const far = other > beside ? run[1] : run[0];
        const kept = wasAtBorder ? far : Math.min(run[1], Math.max(run[0], other));
        ends = index === 2 ? [dragged, kept] : [kept, dragged];
      }
    }
    return ends.map((end) => along(base, v, end));
  }

  // To the nearer end of a run where that is near, and into the run in any case.
  function snap(value, [from, to], within) {
    const [near, inside] = value - from < to - value ? [from, value >= from] : [to, value <= to];
    return !inside || Math.abs(value - near) <= within ? near : value;
  }

  // Points with one of the four ends dragged. settings: {mask, spacing: [row, column], scale: screen pixels per image
  // pixel, x and y}.
  function drag(points, index, point, settings) {
    if (index >= 2) return [...points.slice(0, 2), ...dragPerpendicular(points, index, point, settings)];
    const longest = dragLongest(points, index, point, settings);
    return [...longest, ...follow(points, longest, settings)];
  }

  return { drag, runs };
})();
