// Which slices are above an operating point.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as operatingPoint from "../../../assets/js/viewer/operating_point.js";

const SLICES = [
  { tumor: true, slice_score: 0.9, outline_evidence: 0.8, decided_by: null },
  { tumor: false, slice_score: 0.4, outline_evidence: null, decided_by: "outline" },
  { tumor: false, slice_score: 0.1, outline_evidence: 0.7, decided_by: "classifier" },
];
const at = (point) => ({
  operatingPoint: point,
  study: { result: { threshold: 0.5, slices: SLICES } },
});
const on = (now, rule) => SLICES.map((_, k) => rule(now, k));

const POINTS = [
  { point: null, above: [true, false, false], masks: [true, false, false], moved: [0, 0, 0] },
  { point: 0.4, above: [true, true, false], masks: [true, false, false], moved: [0, 1, 0] },
  { point: 0.05, above: [true, true, true], masks: [true, false, true], moved: [0, 1, 1] },
  { point: 0.95, above: [false, false, false], masks: [false, false, false], moved: [-1, 0, 0] },
];

for (const { point, above, masks, moved } of POINTS) {
  test(`the operating point ${point ?? "by default"}`, () => {
    const now = at(point);
    assert.deepEqual(on(now, operatingPoint.isAbove), above);
    assert.deepEqual(on(now, operatingPoint.hasMask), masks);
    assert.deepEqual(on(now, operatingPoint.change), moved);
    assert.equal(operatingPoint.value(now), point ?? 0.5);
    assert.equal(operatingPoint.isDefault(now), point === null);
  });
}

test("before an analysis no slice is above", () => {
  const now = { operatingPoint: null, study: { result: null } };
  assert.equal(operatingPoint.isAbove(now, 0), false);
  assert.equal(operatingPoint.change(now, 0), 0);
  assert.throws(() => operatingPoint.value(now));
});

test("conflicts of classifier and segmentation", () => {
  assert.deepEqual(SLICES.map(operatingPoint.isConflict), [false, true, true]);
});

test("a slider stops at whole hundredths between its ends", () => {
  const stops = [0.123, 0.999, -1].map((wanted) => operatingPoint.stopAt(wanted, 0.01, 0.99));
  assert.deepEqual(stops, [0.12, 0.99, 0.01]);
});

const STEPS = [
  { slices: [2, 5, 7], k: 5, direction: 1, to: 7 },
  { slices: [2, 5, 7], k: 6, direction: -1, to: 5 },
  { slices: [2, 5, 7], k: 7, direction: 1, to: 2 },
  { slices: [2, 5, 7], k: 2, direction: -1, to: 7 },
  { slices: [4], k: 4, direction: 1, to: 4 },
  { slices: [], k: 0, direction: 1, to: undefined },
];

for (const { slices, k, direction, to } of STEPS) {
  test(`from ${k} in direction ${direction} to the next of ${slices.join(", ") || "none"}`, () => {
    assert.equal(operatingPoint.nextOf(slices, k, direction), to);
  });
}

test("a study without a result says why", () => {
  const why = (result, noResult) =>
    operatingPoint.whyNoResult({ study: { result, no_result: noResult } });
  assert.equal(why({}, null), "");
  assert.equal(why(null, "The images are blank."), "The images are blank.");
  assert.notEqual(why(null, null), "");
});
