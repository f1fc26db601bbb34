// @ts-check
import assert from "node:assert/strict";
import test from "node:test";

import { changeText } from "../../../assets/js/worklist/worklist_cells.js";

test("a change has its sign in whole per cent, and a word where nothing was there before", () => {
  const shown = [23.4, -3.6, 0.4, -0.4, 0, null].map(changeText);
  assert.deepEqual(shown, ["+23%", "−4%", "0%", "0%", "0%", "new"]);
});
