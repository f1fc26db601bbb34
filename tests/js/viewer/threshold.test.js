// Levels of the probability map, as Python's tests have them.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as threshold from "../../../assets/js/viewer/threshold.js";
import { readCases } from "../support.js";

const { cases, band } = readCases("levels");

for (const one of cases) {
  test(`level of ${one.threshold}`, () =>
    assert.equal(threshold.toLevel(one.threshold), one.level));
}

test("the band of thresholds", () => assert.deepEqual(threshold.BAND, band));
