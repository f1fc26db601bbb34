// Words of volumes, their ranges and their changes, as reports have them.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as words from "../../../assets/js/frame/volume_words.js";
import { readCases } from "../support.js";

const TABLE = readCases("amounts");

for (const { ml, words: shown } of TABLE.words)
  test(`${ml} mL is ${shown}`, () => assert.equal(words.mlWords(ml), shown));

for (const { low, high, words: shown } of TABLE.ranges)
  test(`a range is ${shown}`, () => assert.equal(words.rangeWords(low, high), shown));

for (const { now, before, difference, share, percent } of TABLE.changes) {
  test(`${now} mL after ${before} mL is ${difference}, ${percent}`, () => {
    assert.equal(words.differenceWords(now, before), difference);
    assert.equal(words.shareWords(now, before), share);
    assert.equal(words.percentWords(now, before), percent);
  });
}

test("the percentage of a change is named where there is a change of something", () => {
  assert.equal(words.changeWords(75.1, 61), "+14.1 mL (23%)");
  assert.equal(words.changeWords(2, 0), "+2.0 mL");
  assert.equal(words.changeWords(10, 10.03), "unchanged");
});
