// Which slices lie between corrected ones.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as editActions from "../../../assets/js/correct/edit_actions.js";

const GAPS = [
  [[2, 6, 7, 11], 4, "2 6"],
  [[2, 6, 7, 11], 6, "2 6"],
  [[2, 6, 11], 6, "2 6, 6 11"],
  [[2, 6], 1, ""],
  [[2, 3], 2, ""],
  [[], 0, ""],
];

for (const [slices, k, expected] of GAPS) {
  test(`gaps of ${slices.join(", ")} seen from ${k}`, () => {
    const gaps = editActions.gaps(slices, k);
    assert.equal(gaps.map((gap) => gap.join(" ")).join(", "), expected);
  });
}
