// Maps over the image: the difference from the reference on slices where one of both is empty.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as maps from "../../../assets/js/viewer/maps.js";

globalThis.ImageData = /** @type {any} */ (
  class {
    constructor(width, height) {
      Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) });
    }
  }
);
globalThis.document = /** @type {any} */ ({});
globalThis.getComputedStyle = /** @type {any} */ (
  () => ({ getPropertyValue: (name) => (name.endsWith("ai") ? "#102030" : "#405060") })
);

/** A slice of four pixels whose reference has so many, null while that is unknown. */
const sessionOf = (tumor, referencePx) => ({
  k: 0,
  show: { map: "difference" },
  study: {
    width: 2,
    height: 2,
    result: { mask_threshold: 0.5, threshold: 0.5, slices: [sliceOf(tumor)] },
  },
  threshold: null,
  operatingPoint: null,
  referenceAreas: [referencePx],
});
const sliceOf = (tumor) => ({ tumor, slice_score: tumor ? 0.9 : 0.1, outline_evidence: 0.9 });
const drawn = (found) => found && new Uint32Array(found.image.data.buffer).map((v) => v && 1);
const AI = [200, 0, 0, 200];

test("an empty reference needs no map of its own", () => {
  assert.deepEqual([...drawn(maps.make(sessionOf(true, 0), { ai: AI }))], [1, 0, 0, 1]);
  assert.deepEqual([...drawn(maps.make(sessionOf(false, 0), {}))], [0, 0, 0, 0]);
});

test("nothing is drawn while a map that is not empty is loading", () => {
  assert.equal(maps.make(sessionOf(true, null), { ai: AI }), null);
  assert.equal(maps.make(sessionOf(true, 2), { ai: AI }), null);
  assert.equal(maps.make(sessionOf(true, 0), {}), null);
});
