// Measurements as text.
import assert from "node:assert/strict";
import { test } from "node:test";

import { asText } from "../../../assets/js/measure/measure_copy.js";

const STUDY = {
  patient: "Doe",
  case_id: "c1",
  study_date: "1997-02-22",
  description: "",
  indices: [],
};

test("study, sizes, then measurements in the order of their slices", () => {
  const found = asText(
    STUDY,
    ["FLAIR abnormality (AI): 5.1 mL"],
    [
      { item: { kind: "ellipse", k: 8 }, words: ["2.51 cm²", "Mean 46  SD 0", "FLAIR"] },
      { item: { kind: "ruler", k: 1 }, words: ["50.0 mm"] },
      { item: { kind: "arrow", k: 4 }, words: ["edema"] },
    ],
  );
  assert.deepEqual(found.split("\n"), [
    "Doe, 1997-02-22",
    "FLAIR abnormality (AI): 5.1 mL",
    "Slice 2: Ruler 50.0 mm",
    "Slice 5: Arrow edema",
    "Slice 9: Ellipse 2.51 cm², Mean 46, SD 0, FLAIR",
    "Research use only",
    "",
  ]);
});

test("a study without a patient is named after its case", () => {
  assert.match(asText({ ...STUDY, patient: "" }, [], []), /^c1, 1997-02-22\n/);
});

test("a slice has the number that its file states", () => {
  const indices = [40, 41, 42];
  const ruler = { item: { kind: "ruler", k: 1 }, words: ["5.0 mm"] };
  assert.match(asText({ ...STUDY, indices }, [], [ruler]), /^Slice 41: Ruler 5.0 mm$/m);
});
