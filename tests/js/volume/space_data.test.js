// Where slices lie among the surfaces.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as spaceData from "../../../assets/js/volume/space_data.js";

const along = (reversed) => ({
  step: 4,
  axes: [
    { name: "x", along: "column", reversed: false, size: 30, drawn: [2, 28] },
    { name: "y", along: "slice", reversed, size: 48, drawn: [0, 48] },
    { name: "z", along: "row", reversed: true, size: 20, drawn: [1, 19] },
  ],
});

const SLICES = [
  { reversed: false, at: 22 },
  { reversed: true, at: 26 },
];

for (const { reversed, at } of SLICES) {
  test(`the corners of slice 5, its axis ${reversed ? "reversed" : "as it is"}`, () => {
    const { x, y, z } = spaceData.corners(along(reversed), 5);
    assert.deepEqual([x, y, z].map(String), ["2,28,28,2", `${at},${at},${at},${at}`, "1,1,19,19"]);
  });
}

const POINTS = [
  { reversed: false, y: 21, k: 5 },
  { reversed: false, y: 0, k: 0 },
  { reversed: true, y: 21, k: 6 },
  { reversed: true, y: 47.9, k: 0 },
];

for (const { reversed, y, k } of POINTS) {
  test(`the slice at ${y}, its axis ${reversed ? "reversed" : "as it is"}`, () => {
    assert.equal(spaceData.sliceAt(along(reversed), { x: 1, y, z: 1 }), k);
  });
}

test("a surface lies at the far side of the head or at the near one", () => {
  assert.equal(spaceData.isOnFarSide(along(false), { x: [10, 12, 14] }), false);
  assert.equal(spaceData.isOnFarSide(along(false), { x: [14, 22, 20] }), true);
});
