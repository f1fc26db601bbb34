// What slices are called, and on which one a study opens.
import assert from "node:assert/strict";
import { test } from "node:test";

import { firstSlice, numberOf, placeWords } from "../../../assets/js/viewer/slices.js";

/** Slice score, segmentation confidence (null: not segmented), area, doubts. */
const sliceOf = ([score, evidence, area, ...doubts]) => ({
  slice_score: score,
  outline_evidence: evidence,
  mask_area_px: area,
  doubts,
});

const studyOf = (slices) => ({
  n: 4,
  indices: [10, 11, 12, 13],
  result: slices && { slices: slices.map(sliceOf) },
});

const none = [0.01, null, 0];
const outside = "outside head";
const CASES = [
  {
    name: "the one that is named by its number",
    slices: [none, none, none, [1, 1, 9]],
    wanted: 11,
    k: 1,
  },
  {
    name: "of equal certainty the largest, the first of equals",
    slices: [none, [0.9, 0.9, 3], [0.9, 0.9, 9], [0.9, 0.9, 9]],
    wanted: null,
    k: 2,
  },
  {
    name: "where none has the number, too",
    slices: [none, [0.9, 0.9, 3], none, none],
    wanted: 99,
    k: 1,
  },
  {
    // 0.3 x 0.4 x 20 = 2.4 against 0.9 x 0.9 x 10 = 8.1
    name: "a small sure outline before one of four times its size that is unsure",
    slices: [none, [0.3, 0.4, 400], none, [0.9, 0.9, 100]],
    wanted: null,
    k: 3,
  },
  {
    // 0.9 x 0.8 x 20 = 14.4 against 1 x 1 x 10 = 10
    name: "a large outline before a slightly surer one of a quarter of its size",
    slices: [[1, 1, 100], [0.9, 0.8, 400], none, none],
    wanted: null,
    k: 1,
  },
  {
    name: "one that is likely false last",
    slices: [[0.9, 0.9, 400, outside], none, [0.4, 0.5, 16], none],
    wanted: null,
    k: 2,
  },
  {
    name: "but before none",
    slices: [none, none, none, [0.9, 0.9, 400, outside]],
    wanted: null,
    k: 3,
  },
  {
    name: "without a mask in the middle",
    slices: [[0.9, 0.9, 0], none, none, none],
    wanted: null,
    k: 2,
  },
  { name: "before an analysis in the middle", slices: null, wanted: null, k: 2 },
];

for (const { name, slices, wanted, k } of CASES) {
  test(name, () => assert.equal(firstSlice(studyOf(slices), wanted), k));
}

test("a slice has its file's number, and its place where that is another one", () => {
  const study = { n: 3, indices: [1, 2, 40] };
  assert.deepEqual(
    [0, 2].map((k) => numberOf(study, k)),
    [1, 40],
  );
  assert.equal(placeWords(study, 1), "2 of 3");
  assert.equal(placeWords(study, 2), "40, 3 of 3");
  assert.equal(placeWords(study, 2, " / "), "40, 3 / 3");
});
