// Marked slices that were not shown, and merging what two windows recorded.
import assert from "node:assert/strict";
import { test } from "node:test";

import { merge, unseen } from "../../../assets/js/review/reading_store.js";

const slices = [false, true, true, false, true].map((tumor) => ({ tumor }));

test("marked slices that were not on screen", () => {
  assert.deepEqual(unseen({ slices }, [1]), [2, 4]);
  assert.deepEqual(unseen({ slices }, [1, 2, 3, 4]), []);
  assert.deepEqual(unseen(null, []), []);
});

const base = { notes: "", lesions: [], key_images: [] };
const image = (id, caption = "") => ({ id, caption });

const NOTES = [
  ["", "mine", "mine"],
  ["theirs", "mine", "theirs\nmine"],
  ["same", "same", "same"],
  ["theirs", "", "theirs"],
];

for (const [theirs, mine, expected] of NOTES) {
  test(`notes "${theirs}" and "${mine}"`, () => {
    const found = merge(base, { ...base, notes: theirs }, { notes: mine });
    assert.equal(found.notes, expected);
  });
}

test("what was not changed here is not sent", () => {
  assert.deepEqual(merge(base, { ...base, notes: "theirs" }, {}), {});
});

test("lists keep what both windows added, and what one removed stays removed", () => {
  const old = { ...base, key_images: [image("a"), image("b"), image("c")] };
  const theirs = { ...old, key_images: [image("a"), image("c", "their words"), image("d")] };
  const mine = { key_images: [image("b"), image("c"), image("e")] };
  const found = merge(old, theirs, mine).key_images;
  assert.deepEqual(found, [image("c", "their words"), image("e"), image("d")]);
});

test("a change here outlives their removal", () => {
  const old = { ...base, key_images: [image("a")] };
  const found = merge(old, { ...old, key_images: [] }, { key_images: [image("a", "kept")] });
  assert.deepEqual(found.key_images, [image("a", "kept")]);
});
