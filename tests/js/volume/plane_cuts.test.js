// Cuts across the slices, as Python's tests have them.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as planeCuts from "../../../assets/js/volume/plane_cuts.js";
import { readCases } from "../support.js";

function cut({ axis, place, volume }, sliceOf) {
  const study = { n: volume.length, height: volume[0].length, width: volume[0][0].length };
  const across = axis === "row" ? study.width : study.height;
  const slices = volume.map((rows) => Uint16Array.from(rows.flat()));
  const values = planeCuts.along(
    axis,
    place,
    study,
    (k) => sliceOf(k, slices),
    new Uint16Array(study.n * across),
  );
  return values && volume.map((_, k) => [...values.subarray(k * across, (k + 1) * across)]);
}

const { cases } = readCases("plane_cuts");

for (const case_ of cases) {
  test(`${case_.axis} ${case_.place} of ${JSON.stringify(case_.volume)}`, () => {
    assert.deepEqual(
      cut(case_, (k, slices) => slices[k]),
      case_.cut,
    );
  });
}

test("slices without a mask are zeros, and one that is on its way ends it", () => {
  assert.deepEqual(
    cut(cases[0], (k, slices) => (k ? slices[k] : null)),
    [
      [0, 0, 0],
      [7, 8, 9],
    ],
  );
  assert.equal(
    cut(cases[0], (k, slices) => (k ? undefined : slices[k])),
    null,
  );
});
