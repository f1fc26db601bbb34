// Outlines of a mask: marching squares with linear interpolation between pixel centres, drawn as a
// quadratic B-spline through the edges' midpoints. It stays within a quarter of a pixel of the polygon.
window.overread = window.overread || {};

overread.contours = (function () {
  "use strict";

  // Cell edges: 0 top, 1 right, 2 bottom, 3 left. Corners as bits: 1 top left, 2 top right, 4 bottom right,
  // 8 bottom left. Each pair leads from edge to edge with the inside on the right.
  const SEGMENTS = [[], [0, 3], [1, 0], [1, 3], [2, 1], null, [2, 0], [2, 3], [3, 2], [0, 2], null, [1, 2], [3, 1], [0, 1], [3, 0], []];
  const SADDLES = { 5: { joined: [0, 1, 2, 3], apart: [0, 3, 2, 1] }, 10: { joined: [3, 0, 1, 2], apart: [1, 0, 3, 2] } };

  // The smallest rectangle that holds every value >= level, or null.
  function bounds(map, width, height, level) {
    let left = width, right = -1, top = height, bottom = -1;
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

  // Closed lines around the values >= level, as arrays [x0, y0, x1, y1, ...] in pixel coordinates in which
  // pixel (0, 0) covers 0..1. Beyond the image's edge everything counts as 0.
  function lines(map, width, height, level) {
    const box = bounds(map, width, height, level);
    if (!box) return [];
    const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : map[y * width + x]);
    const stride = width + 2;
    const edgeId = (x, y, edge) => {
      if (edge === 1) { x += 1; edge = 3; }
      if (edge === 2) { y += 1; edge = 0; }
      return 2 * ((y + 1) * stride + x + 1) + (edge === 3 ? 1 : 0);
    };
    const next = new Map();
    for (let y = box.top - 1; y <= box.bottom; y++) {
      for (let x = box.left - 1; x <= box.right; x++) {
        const a = at(x, y), b = at(x + 1, y), c = at(x + 1, y + 1), d = at(x, y + 1);
        const kind = (a >= level) + 2 * (b >= level) + 4 * (c >= level) + 8 * (d >= level);
        if (kind === 0 || kind === 15) continue;
        const pairs = SEGMENTS[kind] || SADDLES[kind][(a + b + c + d) / 4 >= level ? "joined" : "apart"];
        for (let s = 0; s < pairs.length; s += 2) next.set(edgeId(x, y, pairs[s]), edgeId(x, y, pairs[s + 1]));
      }
    }
    const point = (id, out) => {
      const cell = id >> 1;
      const x = (cell % stride) - 1, y = Math.floor(cell / stride) - 1;
      const vertical = id & 1;
      const a = at(x, y), b = vertical ? at(x, y + 1) : at(x + 1, y);
      const t = (level - a) / (b - a);
      out.push(x + 0.5 + (vertical ? 0 : t), y + 0.5 + (vertical ? t : 0));
    };
    const loops = [];
    for (const start of next.keys()) {
      if (!next.has(start)) continue;
      const loop = [];
      for (let id = start; next.has(id); ) {
        point(id, loop);
        const following = next.get(id);
        next.delete(id);
        id = following;
      }
      loops.push(loop);
    }
    return loops;
  }

  // The lines as an SVG path, "" where there are none.
  function path(map, width, height, level) {
    let d = "";
    for (const loop of lines(map, width, height, level)) {
      const n = loop.length / 2;
      const middle = (i) => {
        const j = (i + 1) % n;
        return `${((loop[2 * i] + loop[2 * j]) / 2).toFixed(2)} ${((loop[2 * i + 1] + loop[2 * j + 1]) / 2).toFixed(2)}`;
      };
      d += `M${middle(n - 1)}`;
      for (let i = 0; i < n; i++) d += `Q${loop[2 * i].toFixed(2)} ${loop[2 * i + 1].toFixed(2)} ${middle(i)}`;
      d += "Z";
    }
    return d;
  }

  return { bounds, lines, path };
})();
