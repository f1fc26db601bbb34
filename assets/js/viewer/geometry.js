// What is measured on a slice, as pure functions of points, spacing and pixels. Points are [x, y] in image
// coordinates: pixel (0, 0) covers 0..1 in x and y. Spacing is [row, column], the distance of two rows and of two
// columns, in mm; null stands for pixels.
window.overread = window.overread || {};

overread.geometry = (function () {
  "use strict";

  // Sizes [x, y] of a pixel, the finer of them 1. spacingMm: as of a study, [z, y, x] or null.
  function pixelUnit(spacingMm) {
    if (!spacingMm) return [1, 1];
    const [, row, column] = spacingMm, finest = Math.min(row, column);
    return [column / finest, row / finest];
  }

  const scaled = ([x, y], spacing) => (spacing ? [x * spacing[1], y * spacing[0]] : [x, y]);

  function distance(a, b, spacing) {
    const [ax, ay] = scaled(a, spacing), [bx, by] = scaled(b, spacing);
    return Math.hypot(bx - ax, by - ay);
  }

  // Degrees, 0 to 180, at the middle one of three points; null where a leg has no length.
  function angle([a, vertex, b], spacing) {
    const [vx, vy] = scaled(vertex, spacing);
    const [px, py] = scaled(a, spacing), [qx, qy] = scaled(b, spacing);
    const one = [px - vx, py - vy], other = [qx - vx, qy - vy];
    if (!Math.hypot(...one) || !Math.hypot(...other)) return null;
    const cross = one[0] * other[1] - one[1] * other[0];
    return (Math.abs(Math.atan2(cross, one[0] * other[0] + one[1] * other[1])) * 180) / Math.PI;
  }

  // Twice the signed area in pixels; lines that cross each other count by their winding.
  function doubleArea(points) {
    let sum = 0;
    for (let i = 0; i < points.length; i++) {
      const [ax, ay] = points[i], [bx, by] = points[(i + 1) % points.length];
      sum += ax * by - bx * ay;
    }
    return sum;
  }

  const pixelArea = (spacing) => (spacing ? spacing[0] * spacing[1] : 1);
  const polygonArea = (points, spacing) => (Math.abs(doubleArea(points)) / 2) * pixelArea(spacing);

  // Middle and half axes of the ellipse in the rectangle between two points.
  function ellipse([a, b]) {
    return { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, rx: Math.abs(b[0] - a[0]) / 2, ry: Math.abs(b[1] - a[1]) / 2 };
  }

  function ellipseArea(points, spacing) {
    const { rx, ry } = ellipse(points);
    return Math.PI * rx * ry * pixelArea(spacing);
  }

  // For each row of the image, runs [y, from, to) of pixels whose centres lie in the ellipse.
  function ellipseRuns(points, width, height) {
    const { x, y, rx, ry } = ellipse(points);
    const runs = [];
    if (!rx || !ry) return runs;
    for (let row = Math.max(0, Math.floor(y - ry - 1)); row <= Math.min(height - 1, Math.ceil(y + ry)); row++) {
      const up = (row + 0.5 - y) / ry;
      if (up * up > 1) continue;
      const half = rx * Math.sqrt(1 - up * up);
      add(runs, row, x - half, x + half, width);
    }
    return runs;
  }

  // Pixels whose centres lie in [left, right].
  function add(runs, row, left, right, width) {
    const from = Math.max(0, Math.ceil(left - 0.5 - 1e-9)), to = Math.min(width, Math.floor(right - 0.5 + 1e-9) + 1);
    if (to > from) runs.push([row, from, to]);
  }

  // Likewise of a polygon, by the even-odd rule; a centre right on a line belongs to what lies on its right.
  function polygonRuns(points, width, height) {
    const runs = [];
    const rows = points.map(([, y]) => y);
    for (let row = Math.max(0, Math.floor(Math.min(...rows))); row <= Math.min(height - 1, Math.ceil(Math.max(...rows))); row++) {
      const at = row + 0.5, cuts = [];
      points.forEach(([ax, ay], i) => {
        const [bx, by] = points[(i + 1) % points.length];
        if (ay <= at !== by <= at) cuts.push(ax + ((at - ay) / (by - ay)) * (bx - ax));
      });
      cuts.sort((a, b) => a - b);
      for (let i = 0; i + 1 < cuts.length; i += 2) {
        const [from, to] = [cuts[i], cuts[i + 1]].map((cut) => Math.min(width, Math.max(0, Math.ceil(cut - 0.5))));
        if (to > from) runs.push([row, from, to]);
      }
    }
    return runs;
  }

  // Mean, standard deviation (of these pixels, divided by their number), least and greatest of stored x slope +
  // intercept; null without a pixel. Values are summed around the first one: 16-bit values lose nothing.
  function statistics(stored, width, runs, slope = 1, intercept = 0) {
    let n = 0, sum = 0, squares = 0, min = Infinity, max = -Infinity, first = 0;
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
      n, mean: (first + sum / n) * slope + intercept,
      sd: Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2)) * Math.abs(slope),
      min: Math.min(...ends), max: Math.max(...ends),
    };
  }

  // Distance of a point from a line between two others, all in the unit of the spacing.
  function toLine(point, a, b, spacing) {
    const [px, py] = scaled(point, spacing), [ax, ay] = scaled(a, spacing), [bx, by] = scaled(b, spacing);
    const dx = bx - ax, dy = by - ay;
    const t = Math.min(1, Math.max(0, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy || 1)));
    return Math.hypot(px - ax - t * dx, py - ay - t * dy);
  }

  // Without the points that say nothing: those nearer to the line through their neighbours than `within` (Douglas and
  // Peucker). A freehand line of hundreds of points becomes dozens.
  function simplify(points, within) {
    const keep = new Uint8Array(points.length);
    keep[0] = keep[points.length - 1] = 1;
    const open = [[0, points.length - 1]];
    while (open.length) {
      const [from, to] = open.pop();
      let far = within, at = -1;
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

  return { pixelUnit, distance, angle, polygonArea, ellipse, ellipseArea, ellipseRuns, polygonRuns, statistics, toLine, simplify };
})();
