// On which slice a study opens.
import assert from "node:assert/strict";
import { test } from "node:test";

import { firstSlice } from "../../../assets/js/review/study_load.js";

const studyOf = (areas) => ({
  n: 4,
  indices: [10, 11, 12, 13],
  result: areas && { slices: areas.map((mask_area_px) => ({ mask_area_px })) },
});

const CASES = [
  { name: "the one that is named by its number", areas: [0, 0, 0, 9], wanted: 11, k: 1 },
  { name: "else where the mask is largest", areas: [0, 3, 9, 9], wanted: null, k: 2 },
  { name: "where none has the number, too", areas: [0, 3, 0, 0], wanted: 99, k: 1 },
  { name: "without a mask in the middle", areas: [0, 0, 0, 0], wanted: null, k: 2 },
  { name: "before an analysis in the middle", areas: null, wanted: null, k: 2 },
];

for (const { name, areas, wanted, k } of CASES) {
  test(name, () => assert.equal(firstSlice(studyOf(areas), wanted), k));
}
