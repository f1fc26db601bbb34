// The value under the pointer, of a slice and of a projection.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as greyscale from "../../../assets/js/viewer/greyscale.js";
import * as panes from "../../../assets/js/viewer/panes.js";
import * as pixelValue from "../../../assets/js/viewer/pixel_value.js";

const SLICES = [
  [1, 9, 3],
  [4, 5, 6],
  [7, 2, 3],
].map((values) => Uint16Array.from(values));

function session({ k = 1, slab = 1, slope = 1, intercept = 0, loaded = SLICES.length }) {
  const get = (url) => (Number(url) < loaded ? SLICES[Number(url)] : undefined);
  const study = { n: SLICES.length, pixels_url: "{slice}", slope, intercept };
  return { k, slab, study, loader: { get } };
}

test("a value is in the study's own units", () => {
  assert.equal(pixelValue.valueAt(session({}), 0, 2), 6);
  assert.equal(pixelValue.valueAt(session({ slope: 0.5, intercept: -1000 }), 0, 2), -997);
  assert.equal(pixelValue.valueAt(session({ loaded: 1 }), 0, 2), null);
});

test("a projection has the greatest value at each place", () => {
  const found = [0, 1, 2].map((i) => pixelValue.valueAt(session({ slab: 3 }), 0, i));
  assert.deepEqual(found, [7, 9, 6]);
  assert.deepEqual([...panes.valuesOf(session({ slab: 3 }), 1, 0)], found);
  assert.deepEqual([...greyscale.project(SLICES, -1)], [1, 2, 3]);
  assert.equal(greyscale.project(SLICES.slice(0, 1), 1), SLICES[0]);
  assert.equal(panes.valuesOf(session({ slab: 3, loaded: 2 }), 1, 0), null);
});

test("a projection ends at the first and the last slice", () => {
  assert.deepEqual(panes.slabOf({ slab: 5 }, 1, 34), [0, 3]);
  assert.deepEqual(panes.slabOf({ slab: 3 }, 33, 34), [32, 33]);
  assert.deepEqual(panes.slabOf({ slab: 1 }, 7, 34), [7, 7]);
});

test("whole numbers stay whole, others have four digits", () => {
  assert.deepEqual([532, -1000, 0.123456, 1234.56].map(pixelValue.words), [
    "532",
    "−1000",
    "0.1235",
    "1235",
  ]);
});
