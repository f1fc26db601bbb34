/** What the Export dialog says of earlier exports, and what is written on a picture of the view. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { exportedText } from "../../../assets/js/review/exports.js";
import { pictureLines } from "../../../assets/js/review/view_picture.js";

test("the last export names reader, record and number of times", () => {
  const last = { author: "Ada", at: "2026-11-05T09:52:00+00:00", text: "record 2" };
  assert.match(exportedText({ times: 0, last: null }), /^Not exported/);
  assert.match(exportedText({ times: 1, last }), /Ada.*\(record 2\)\.$/);
  assert.match(exportedText({ times: 3, last }), /3 times/);
});

test("a picture says whose slice it is and that it is for research", () => {
  const study = {
    name: "DEMO",
    study_date: "2026-11-05",
    indices: [4, 5],
    channels: [{ label: "FLAIR" }],
  };
  const lines = pictureLines(/** @type {any} */ ({ study, k: 1, channel: 0 }));
  assert.deepEqual(lines, ["DEMO, 2026-11-05", "Slice 5, FLAIR", "Research use only"]);
});
