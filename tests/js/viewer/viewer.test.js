// The study in view: what changes, and who hears of it.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import * as viewer from "../../../assets/js/viewer/viewer.js";
import { readPoints } from "../support.js";

const NAMES = ["open", "close", "slice", "display", "channel", "result", "measures", "threshold"];

let heard;
let removers;

beforeEach(() => {
  heard = [];
  removers = NAMES.map((name) => viewer.on(name, () => heard.push(name)));
  const windows = readPoints("0 10, 5 9");
  const study = { n: 5, windows, reference_area_px: null, result: null };
  viewer.open(study, 2, { channel: 0, second: 1, view: {}, loader: {} });
});

afterEach(() => {
  for (const remove of removers) remove();
  if (viewer.now) viewer.close();
});

test("a study opens with the defaults", () => {
  const { k, windows, threshold, operatingPoint, measures, show } = viewer.opened();
  assert.deepEqual(
    [k, threshold, operatingPoint, measures, show.map],
    [2, null, null, null, "none"],
  );
  assert.deepEqual(windows[1], { low: 5, high: 9 });
  assert.deepEqual(heard, ["open", "slice"]);
});

const SLICES = [
  { to: 4, k: 4 },
  { to: 99, k: 4 },
  { to: -1, k: 0 },
  { to: 3.4, k: 3 },
  { to: 2, k: 2, isSilent: true },
];

for (const { to, k, isSilent } of SLICES) {
  test(`going to slice ${to}`, () => {
    viewer.goTo(to);
    assert.equal(viewer.opened().k, k);
    assert.deepEqual(heard.slice(2), isSilent ? [] : ["slice"]);
  });
}

test("what is left out of a change stays as it is", () => {
  viewer.display({ show: { fill: true }, window: { low: 1, high: 2 } });
  viewer.display({ invert: true });
  const { show, windows, invert } = viewer.opened();
  assert.deepEqual([show.fill, show.ai, invert], [true, true, true]);
  assert.deepEqual(windows, [
    { low: 1, high: 2 },
    { low: 5, high: 9 },
  ]);
  assert.deepEqual(heard.slice(2), ["display", "display"]);
});

test("a window may be that of another channel", () => {
  viewer.display({ window: { low: 1, high: 2 }, channel: 1 });
  assert.deepEqual(
    viewer.opened().windows.map(({ low }) => low),
    [0, 1],
  );
});

test("a new result resets mask threshold and operating point", () => {
  viewer.setMeasures({ reference_px: [1, 2, 3, 4, 5] });
  viewer.display({ threshold: 0.3, operatingPoint: 0.2 });
  viewer.setResult({ key: "r" });
  const { threshold, operatingPoint, measures, study, referenceAreas } = viewer.opened();
  assert.deepEqual(
    [threshold, operatingPoint, measures, study.result.key],
    [null, null, null, "r"],
  );
  assert.deepEqual(referenceAreas, [1, 2, 3, 4, 5]); // the result has no part in them
  assert.deepEqual(heard.slice(2), ["measures", "threshold", "display", "result", "slice"]);
});

test("listeners of close are the last to see the study", () => {
  let last;
  removers.push(viewer.on("close", (now) => (last = now.k)));
  viewer.close();
  assert.equal(last, 2);
  assert.equal(viewer.now, null);
  assert.throws(viewer.opened);
  viewer.goTo(1); // nothing is open: nothing happens
  viewer.display({ invert: true });
});
