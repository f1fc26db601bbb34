// @ts-check
/** What readers entered for a study: typed numbers, and who is named with what. */

import assert from "node:assert/strict";
import { test } from "node:test";

import "../support.js";
import { dateAndTime } from "../../../assets/js/frame/times.js";
import {
  nameWords,
  referenceWords,
  spacingOf,
  spacingWords,
} from "../../../assets/js/review/study_entries.js";

/** @import { Entries } from "../../../assets/js/viewer/study.js" */

/** @type {Entries} */
const NOTHING = {
  revision: 0,
  label: "",
  original_name: "P7",
  label_by: null,
  spacing_by: null,
  reference_by: null,
  spacing_mm: null,
  spacing_stated: false,
  reference_files: null,
  joined: false,
};
const ADA = { by: "Ada", at: "2026-01-02T03:04:05+00:00" };

test("typed numbers are slices, rows, columns in mm", () => {
  /** @type {[string[], unknown][]} */
  const cases = [
    [
      ["5", "0.9", " 0,9 "],
      [5, 0.9, 0.9],
    ],
    [["5", "0.9", ""], null],
    [["5", "0.9", "x"], null],
    [["5", "0", "1"], null],
    [["5", "-1", "1"], null],
    [["1e999", "1", "1"], null],
    [["1,000.5", "1", "1"], null],
    [["1", "1"], null],
  ];
  for (const [typed, expected] of cases) assert.deepEqual(spacingOf(typed), expected);
});

test("a renamed study shows both names and who renamed it", () => {
  assert.match(nameWords(NOTHING), /P7/);
  const renamed = nameWords({ ...NOTHING, label: "Case 1", label_by: ADA });
  for (const part of ["Case 1", "P7", "Ada"]) assert.ok(renamed.includes(part));
  const restored = nameWords({ ...NOTHING, label_by: ADA });
  for (const part of ["P7", "Ada"]) assert.ok(restored.includes(part));
});

test("an attached reference shows its files and who attached it", () => {
  const files = ["masks/a.png", "masks/b.png", "masks/c.png"];
  const attached = referenceWords({ ...NOTHING, reference_files: files, reference_by: ADA }, true);
  for (const part of ["Ada", dateAndTime(ADA.at), "a.png", "2 more"])
    assert.ok(attached.includes(part));
  assert.ok(!attached.includes("masks/"));
  const detached = referenceWords({ ...NOTHING, reference_by: ADA }, false);
  assert.ok(detached.includes("Ada"));
  assert.notEqual(referenceWords(NOTHING, true), referenceWords(NOTHING, false));
});

test("an entered spacing shows its numbers and who entered it", () => {
  const words = spacingWords({ ...NOTHING, spacing_mm: [5, 0.4, 0.9], spacing_by: ADA });
  for (const part of ["5", "0.4", "0.9", "Ada"]) assert.ok(words.includes(part));
  assert.ok(spacingWords({ ...NOTHING, spacing_by: ADA }).includes("Ada"));
  assert.notEqual(spacingWords(NOTHING), "");
});
