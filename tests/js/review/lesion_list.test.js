// Words, crops and masks of the lesion list.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as lesionList from "../../../assets/js/review/lesion_list.js";
import { stillLeftOut } from "../../../assets/js/review/findings.js";
import { pack } from "../../../assets/js/correct/mask_bits.js";

const lesion = {
  number: 2,
  source: "ai",
  verdict: "keep",
  voxels: 1234,
  volume_ml: 12.34,
  first: 3,
  last: 5,
  score: 0.987,
  longest: 9.26,
  perpendicular: 14.6,
};
const indices = [10, 11, 12, 13, 14, 15];

test("a lesion in mL and mm, with the numbers of its slices", () => {
  const words = lesionList.detailText(lesion, indices, ["likely false: alike on both sides"]);
  assert.equal(
    words,
    "12.3 mL · 9.3 × 15 mm · slices 13 to 15 · score 0.99 · likely false: alike on both sides",
  );
});

test("without spacing, in voxels and pixels; without a score where no result is", () => {
  const bare = { ...lesion, volume_ml: null, score: null, last: 3, source: "reader" };
  const words = lesionList.detailText(bare, indices, []);
  assert.equal(words, "1,234 voxels · 9 × 15 px · slice 13 · by you");
});

test("lesions that are not measured have no diameters", () => {
  const small = { ...lesion, longest: null, perpendicular: null, source: "left out" };
  assert.ok(!lesionList.detailText(small, indices, []).includes("×"));
});

test("a lesion that the reader added is no longer left out", () => {
  const small = { ...lesion, source: "left out" };
  const words = ["remove", "add"].map((verdict) =>
    lesionList.detailText({ ...small, verdict }, indices, []),
  );
  assert.ok(words[0].includes("left out") && !words[1].includes("left out"), words.join());
  const total = { voxels: 120, ml: 0.2 };
  assert.deepEqual(stillLeftOut(total, { voxels: 120, ml: 0.2 }), { voxels: 0, ml: 0 });
  assert.deepEqual(stillLeftOut({ voxels: 5, ml: null }, { voxels: 2, ml: 0 }), {
    voxels: 3,
    ml: null,
  });
});

test("how many were found and count", () => {
  const verdicts = ["keep", "remove", "add"].map((verdict) => ({ verdict }));
  assert.equal(lesionList.countText(verdicts), "3 found, 2 counted");
  assert.equal(lesionList.countText([]), "");
});

test("a thumbnail shows the lesion in its middle, never closer than its least size", () => {
  assert.deepEqual(lesionList.crop([100, 50, 150, 70]), { x: 80, y: 15, side: 90 });
  assert.deepEqual(lesionList.crop([10, 10, 12, 12]), { x: -1, y: -1, side: 24 });
});

test("a lesion is taken out of a slice, and put in", () => {
  const mask = (...pixels) => Uint8Array.from({ length: 12 }, (_, i) => Number(pixels.includes(i)));
  const [both, own] = [pack(mask(1, 2, 9)), pack(mask(2, 9, 10))];
  assert.deepEqual(lesionList.combine(both, own, true, 12), mask(1));
  assert.deepEqual(lesionList.combine(both, own, false, 12), mask(1, 2, 9, 10));
});
