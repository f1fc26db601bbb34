// Which planes a study has, and how they lie on the screen.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as planeViews from "../../../assets/js/volume/plane_views.js";

const AXIAL = { left: "R", right: "L", top: "A", bottom: "P" };
const STUDY = { n: 9, height: 20, width: 30, spacing_mm: [5, 1, 2], orientation: AXIAL };

// What each cut shows: its name, letters at the left and at the top, what lies across and what
// down, "!" where it is turned round.
const VIEWS = [
  [AXIAL, "coronal RS column slice!", "sagittal AS row slice!"],
  [
    { left: "R", right: "L", top: "S", bottom: "I" },
    "axial RA column slice!",
    "sagittal AS slice! row",
  ],
  [
    { left: "A", right: "P", top: "S", bottom: "I" },
    "axial RA slice column",
    "coronal RS slice row",
  ],
  [
    { left: "L", right: "R", top: "P", bottom: "A" },
    "coronal RS column! slice!",
    "sagittal AS row! slice!",
  ],
];

const side = ({ axis, flip }) => axis + (flip ? "!" : "");
const describe = ({ name, letters, across, down }) =>
  `${name} ${letters.left}${letters.top} ${side(across)} ${side(down)}`;

for (const [orientation, ...expected] of VIEWS) {
  test(`planes look the same with ${orientation.left} left and ${orientation.top} on top`, () => {
    const { views, reason } = planeViews.of({ ...STUDY, orientation });
    assert.equal(reason, "");
    assert.deepEqual(views.map(describe), expected);
    assert.deepEqual(
      views.map(({ fixed }) => fixed),
      ["row", "column"],
    );
  });
}

test("axes have their lengths, and mm of their own", () => {
  const { slice, row, column } = planeViews.of(STUDY).axes;
  assert.deepEqual([slice.length, row.length, column.length], [9, 20, 30]);
  assert.deepEqual([slice.mm, row.mm, column.mm], [5, 1, 2]);
});

const REASONS = [
  [{ n: 1 }, "single"],
  [{ spacing_mm: null }, "spacing"],
  [{ orientation: null }, "orientation"],
  [{ orientation: { left: "R", right: "L", top: "L", bottom: "R" } }, "plane"],
  [{ orientation: { ...AXIAL, right: "P" } }, "plane"],
];

for (const [change, name] of REASONS) {
  test(`no planes for ${JSON.stringify(change)}`, () =>
    assert.deepEqual(planeViews.of({ ...STUDY, ...change }), { reason: planeViews.REASONS[name] }));
}
