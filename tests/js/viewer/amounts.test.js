// What pixels amount to, as Python's tests have it, and the words for it.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as amounts from "../../../assets/js/viewer/amounts.js";
import { assertClose, readCases } from "../support.js";

const TABLE = readCases("amounts");

for (const { both, one, other, dice } of TABLE.dice) {
  test(`Dice of ${both} in ${one} and ${other}`, () => {
    assert.equal(amounts.dice(both, one, other), dice);
  });
}

for (const { areas, spacing_mm: mm, weights, ml } of TABLE.volumes) {
  test(`volume of ${areas} pixels of ${mm}, weighed ${weights}`, () => {
    const found = amounts.volumeMl(areas, { spacing_mm: mm, slice_weights: weights });
    if (ml === null) assert.equal(found, null);
    else assertClose(found, ml);
  });
}

test("areas are of a slice's pixels", () => {
  assert.equal(amounts.areaMm2(10, { spacing_mm: [5, 2, 0.5] }), 10);
  assert.equal(amounts.areaWords(256, { spacing_mm: [5, 1, 1] }), "2.56 cm²");
  assert.equal(amounts.areaWords(1256, { spacing_mm: null }), "1,256 px");
});

const WORDS = [
  [1280, null, "1,280 voxels"],
  [0, 0, "0 mL"],
  [3, 0.0024, "<0.1 mL"],
  [5000, 5.04, "5.0 mL"],
];

for (const [voxels, ml, words] of WORDS) {
  test(`${ml} mL in words`, () => assert.equal(amounts.volumeWords(voxels, ml), words));
}

test("a number beside a threshold has the digits that tell them apart", () => {
  const cases = [
    [0.97, 0.5, ["0.97", "0.50"]],
    [0.1499, 0.15, ["0.1499", "0.1500"]],
    [0.1513, 0.15, ["0.151", "0.150"]],
    [0.15, 0.15, ["0.15", "0.15"]],
    [0.15 - 1e-9, 0.15, ["0.150000", "0.150000"]],
  ];
  for (const [value, threshold, words] of cases)
    assert.deepEqual(amounts.besideThreshold(value, threshold), words);
});
