/** What the Export dialog says of earlier exports, and what is written on a picture of the view. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { exportedText, readSteps } from "../../../assets/js/review/exports.js";
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
  const noted = { study: { ...study, orientation_note: "assumed" }, k: 1, channel: 0 };
  const more = pictureLines(/** @type {any} */ (noted), ["threshold 0.3"]);
  assert.deepEqual(more.slice(2), ["threshold 0.3", "assumed", "Research use only"]);
});

/** @param {Uint8Array[]} parts What arrives, in parts of any size. */
const reader = (...parts) => ({
  read: async () => {
    const value = parts.shift();
    return value ? { done: false, value } : { done: true, value: undefined };
  },
});

test("lines of progress and the bytes of the file are read in parts of any size", async () => {
  const file = new Uint8Array([10, 123, 10, 255, 0]);
  const head = '{"done":0,"total":4,"what":"Größe"}\n{"done":2,"total":4,"what":"b"}\n';
  const lines = new TextEncoder().encode(`${head}{"name":"a.zip","size":5}\n`);
  const whole = new Uint8Array([...lines, ...file]);
  for (const size of [1, 3, 40, whole.length]) {
    const parts = [];
    for (let at = 0; at < whole.length; at += size) parts.push(whole.slice(at, at + size));
    /** @type {unknown[]} */
    const steps = [];
    // @ts-expect-error a reader of no stream
    const { last, rest } = await readSteps(reader(...parts), (step) => steps.push(step.what));
    assert.deepEqual(steps, ["Größe", "b"]);
    assert.equal(last.name, "a.zip");
    assert.deepEqual([...Buffer.concat(rest)], [...file]);
  }
});

test("a sentence in place of a file is the last step", async () => {
  const line = new TextEncoder().encode('{"error":"No."}\n');
  // @ts-expect-error a reader of no stream
  const { last, rest } = await readSteps(reader(line), () => assert.fail());
  assert.deepEqual([last, rest], [{ error: "No." }, []]);
});
