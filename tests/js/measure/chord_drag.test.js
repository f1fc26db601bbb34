// Dragging an end of two diameters: it snaps to the border, and the perpendicular follows.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as chordDrag from "../../../assets/js/measure/chord_drag.js";
import { assertClose, readPoints } from "../support.js";

// Columns 10 to 30 and rows 12 to 22 of 50 x 40 pixels.
function box() {
  const mask = { w: 50, h: 40, data: new Uint8Array(50 * 40) };
  for (let y = 12; y < 22; y++) mask.data.fill(1, y * 50 + 10, y * 50 + 30);
  return mask;
}

const CROSS = readPoints("10 17, 30 17, 20 12, 20 22");
const drag = (points, index, to, { mask = box(), spacing = [1, 1] } = {}) =>
  chordDrag.drag(points, index, to, { mask, spacing, scale: [8, 8] });
const vector = ([ax, ay], [bx, by], [row, column] = [1, 1]) => [
  (bx - ax) * column,
  (by - ay) * row,
];
const dot = ([ax, ay], [bx, by]) => ax * bx + ay * by;

test("an end snaps to the border and the perpendicular follows", () => {
  const found = drag(CROSS, 1, [29.2, 15]);
  assertClose(found[0], [10, 17]);
  assertClose(found[1][0], 30); // on the border, along the line to the pointer
  const longest = vector(found[0], found[1]);
  const across = vector(found[2], found[3]);
  assertClose(dot(longest, across), 0, 1e-6);
  for (const [x, y] of found.slice(2))
    assert.ok(x >= 10 - 1e-6 && x <= 30 + 1e-6 && y >= 12 - 1e-6 && y <= 22 + 1e-6);
  assertClose(Math.hypot(...across), (10 * Math.hypot(...longest)) / 20, 0.02);
});

test("far from the border an end is where the pointer is", () => {
  assertClose(drag(CROSS, 1, [24, 17])[1], [24, 17]);
  assertClose(drag(CROSS, 1, [40, 17])[1], [40, 17]);
});

test("the perpendicular moves along and stays inside", () => {
  const found = drag(CROSS, 3, [14.4, 30]);
  assertClose(found.slice(0, 2), CROSS.slice(0, 2));
  assertClose(found.slice(2), readPoints("14.4 12, 14.4 22"));
  assertClose(drag(CROSS, 3, [20, 19]).slice(2), readPoints("20 12, 20 19"));
  const beyond = drag(CROSS, 2, [45, 5]);
  assert.ok(Math.max(...beyond.map(([x]) => x)) <= 30 + 1e-6);
});

test("a hole parts what is inside", () => {
  const mask = box();
  for (const y of [16, 17]) mask.data.fill(0, y * 50 + 19, y * 50 + 21);
  const ends = drag(CROSS, 3, [20, 20], { mask })
    .slice(2)
    .map(([, y]) => y)
    .sort((a, b) => a - b);
  assertClose(ends, [18, 20]); // within the part under the pointer
});

for (const spacing of readPoints("1 1, 3 0.5")) {
  for (const index of [0, 1, 2, 3]) {
    test(`right angles are those of the spacing ${spacing}, end ${index}`, () => {
      const to = [CROSS[index][0] * 0.9 + 2, CROSS[index][1] * 0.8 + 3];
      const found = drag(CROSS, index, to, { spacing });
      assertClose(
        dot(vector(found[0], found[1], spacing), vector(found[2], found[3], spacing)),
        0,
        1e-6,
      );
    });
  }
}

test("without a mask the cross turns with its longest", () => {
  const found = drag(CROSS, 1, [10, 37], { mask: null });
  assertClose(found.slice(0, 2), readPoints("10 17, 10 37"));
  assertClose(
    found
      .slice(2)
      .map(([x]) => x)
      .sort((a, b) => a - b),
    [5, 15],
  );
  assertClose(
    found.slice(2).map(([, y]) => y),
    [27, 27],
  );
});
