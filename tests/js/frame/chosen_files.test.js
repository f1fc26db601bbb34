// The files chosen for an upload, as a flat list.
import assert from "node:assert/strict";
import { test } from "node:test";

import { fromDrop, megabytes, plural, unique } from "../../../assets/js/frame/chosen_files.js";

const named = (names) => names.map((name) => ({ file: {}, name }));
const namesOf = (items) => items.map(({ name }) => name);

const LISTS = [
  { chosen: ["a.nii", "b.nii"], kept: ["a.nii", "b.nii"] },
  { chosen: ["a.dcm", "a.dcm", "a.dcm"], kept: ["a.dcm", "2/a.dcm", "3/a.dcm"] },
  { chosen: ["s/.DS_Store", "s/Thumbs.db", "__MACOSX/s/a.dcm", "s/a.dcm"], kept: ["s/a.dcm"] },
];

for (const { chosen, kept } of LISTS) {
  test(`of ${chosen.join(", ")}`, () => assert.deepEqual(namesOf(unique(named(chosen))), kept));
}

const fileEntry = (fullPath) => ({ fullPath, file: (resolve) => resolve({ fullPath }) });
const folderEntry = (entries) => ({
  isDirectory: true,
  createReader() {
    const batches = [entries.slice(0, 2), entries.slice(2), []];
    return { readEntries: (resolve) => resolve(batches.shift()) };
  },
});

test("folders that were dropped are walked, however many batches they come in", async () => {
  const inner = folderEntry([fileEntry("/s/t/c.dcm")]);
  const unread = { fullPath: "/s/x.dcm", file: (_, fail) => fail() };
  const folder = folderEntry([fileEntry("/s/a.dcm"), inner, fileEntry("/s/b.dcm"), unread]);
  const items = [{ webkitGetAsEntry: () => folder }];
  const found = await fromDrop({ items, files: [] });
  assert.deepEqual(namesOf(found).sort(), ["s/a.dcm", "s/b.dcm", "s/t/c.dcm"]);
});

test("words for counts and sizes", () => {
  assert.deepEqual([plural(1, "file"), plural(1200, "file")], ["1 file", "1,200 files"]);
  const sizes = [2 ** 19, 12.6 * 2 ** 20, 1.5 * 2 ** 30].map(megabytes);
  assert.deepEqual(sizes, ["0.5 MB", "13 MB", "1.5 GB"]);
});
