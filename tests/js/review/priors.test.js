// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { lesionText, sizeText } from "../../../assets/js/review/priors.js";

test("sizes leave out what is not known", () => {
  const known = {
    volume_ml: 61,
    longest: 55.2,
    perpendicular: 41,
    unit: /** @type {"mm"} */ ("mm"),
  };
  assert.equal(sizeText(known), "61.0 mL · 55 × 41 mm");
  assert.equal(sizeText({ ...known, volume_ml: null, unit: "px" }), "55 × 41 px");
  assert.equal(sizeText({ ...known, longest: null, perpendicular: null }), "61.0 mL");
});

test("new, gone and merged lesions are told apart", () => {
  const change = { lesions: [1], prior_lesions: [2], volume_ml: 3, prior_volume_ml: 2 };
  const texts = [
    lesionText(change),
    lesionText({ ...change, prior_lesions: [], prior_volume_ml: null }),
    lesionText({ ...change, lesions: [], volume_ml: null }),
    lesionText({ ...change, prior_lesions: [1, 2] }),
  ];
  assert.equal(new Set(texts).size, 4);
  assert.match(texts[0], /50%/);
});
