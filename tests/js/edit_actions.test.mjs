// Which slices lie between corrected ones.
import assert from "node:assert/strict";
import { test } from "node:test";

import { load } from "./load.mjs";

const { editActions } = load("edit_actions");

const GAPS = [
  [[2, 6, 7, 11], 4, [[2, 6]]],
  [[2, 6, 7, 11], 6, [[2, 6]]],
  [[2, 6, 11], 6, [[2, 6], [6, 11]]],
  [[2, 6], 1, []],
  [[2, 3], 2, []],
  [[], 0, []],
];

for (const [slices, k, gaps] of GAPS) {
  test(`gaps of ${slices.join(", ")} seen from ${k}`, () => assert.deepEqual(editActions.gaps(slices, k), gaps));
}
