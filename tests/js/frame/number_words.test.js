// Counts and negative numbers in words.
import assert from "node:assert/strict";
import { test } from "node:test";

import { counted, plural, withMinus } from "../../../assets/js/frame/number_words.js";
import { readCases } from "../support.js";

const WORDS = [
  [0, "file", undefined, "0 files"],
  [1, "file", undefined, "1 file"],
  [1200, "file", undefined, "1,200 files"],
  [1, "study", "studies", "1 study"],
  [2, "study", "studies", "2 studies"],
];

for (const [count, word, words, expected] of WORDS) {
  test(expected, () => assert.equal(counted(count, word, words), expected));
}

test("a noun alone", () =>
  assert.deepEqual([plural(1, "slice"), plural(2, "slice")], ["slice", "slices"]));

for (const { value, digits, words } of readCases("amounts").numbers)
  test(`${value} is ${words}`, () => assert.equal(withMinus(value.toFixed(digits)), words));
