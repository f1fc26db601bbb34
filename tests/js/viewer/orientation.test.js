// How slices lie in the patient, from the letters at the image's edges.
import assert from "node:assert/strict";
import { test } from "node:test";

import { acquired, planeAcross } from "../../../assets/js/viewer/orientation.js";

const CASES = [
  { top: "A", left: "R", plane: "axial", letters: "IS" },
  { top: "S", left: "L", plane: "coronal", letters: "PA" },
  { top: "I", left: "P", plane: "sagittal", letters: "RL" },
];

for (const { top, left, plane, letters } of CASES) {
  test(`${left} at the left and ${top} at the top`, () => {
    assert.deepEqual(acquired({ top, left }), { name: plane, letters: [...letters] });
  });
}

test("letters that name no plane", () => {
  assert.equal(acquired({ top: "L", left: "R" }), null);
  assert.equal(acquired({ top: "A", left: "?" }), null);
  assert.equal(acquired(null), null);
});

test("the plane whose slices lie towards a letter", () => {
  assert.deepEqual([..."RLAPIS"].map(planeAcross), [
    "sagittal",
    "sagittal",
    "coronal",
    "coronal",
    "axial",
    "axial",
  ]);
});
