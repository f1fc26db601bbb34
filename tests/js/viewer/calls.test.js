// Which slices are called from an operating point.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as calls from "../../../assets/js/viewer/calls.js";

const SLICES = [
  { tumor: true, slice_score: 0.9, outline_evidence: 0.8, decided_by: null },
  { tumor: false, slice_score: 0.4, outline_evidence: null, decided_by: "outline" },
  { tumor: false, slice_score: 0.1, outline_evidence: 0.7, decided_by: "classifier" },
];
const at = (point) => ({ calls: point, study: { result: { threshold: 0.5, slices: SLICES } } });
const on = (now, rule) => SLICES.map((_, k) => rule(now, k));

const POINTS = [
  { point: null, called: [true, false, false], masks: [true, false, false], moved: [0, 0, 0] },
  { point: 0.4, called: [true, true, false], masks: [true, false, false], moved: [0, 1, 0] },
  { point: 0.05, called: [true, true, true], masks: [true, false, true], moved: [0, 1, 1] },
  { point: 0.95, called: [false, false, false], masks: [false, false, false], moved: [-1, 0, 0] },
];

for (const { point, called, masks, moved } of POINTS) {
  test(`the operating point ${point ?? "as shipped"}`, () => {
    const now = at(point);
    assert.deepEqual(on(now, calls.isCalled), called);
    assert.deepEqual(on(now, calls.hasMask), masks);
    assert.deepEqual(on(now, calls.change), moved);
    assert.equal(calls.value(now), point ?? 0.5);
    assert.equal(calls.isShipped(now), point === null);
  });
}

test("before an analysis nothing is called", () => {
  const now = { calls: null, study: { result: null } };
  assert.equal(calls.isCalled(now, 0), false);
  assert.equal(calls.change(now, 0), 0);
  assert.throws(() => calls.value(now));
});

test("classifier and outline may contradict each other", () => {
  assert.deepEqual(SLICES.map(calls.isConflict), [false, true, true]);
});

test("a slider stops at whole hundredths between its ends", () => {
  const stops = [0.123, 0.999, -1].map((wanted) => calls.stopAt(wanted, 0.01, 0.99));
  assert.deepEqual(stops, [0.12, 0.99, 0.01]);
});
