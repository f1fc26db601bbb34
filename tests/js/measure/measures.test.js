// Which lesion the diameters at the head of the findings belong to.
import assert from "node:assert/strict";
import { test } from "node:test";

import { lesionPrefix } from "../../../assets/js/measure/measures.js";

test("diameters name their lesion where there are several", () => {
  assert.equal(lesionPrefix(1), "");
  assert.match(lesionPrefix(3), /^lesion 1 of 3/);
});
