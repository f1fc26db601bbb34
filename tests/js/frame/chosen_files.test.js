// The files chosen for an upload, as a flat list.
import assert from "node:assert/strict";
import { test } from "node:test";

import { fromDrop, further, megabytes, unique } from "../../../assets/js/frame/chosen_files.js";

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
  fullPath: "/s",
  createReader() {
    const batches = [entries.slice(0, 2), entries.slice(2), []];
    return { readEntries: (resolve) => resolve(batches.shift()) };
  },
});

test("folders that were dropped are walked, however many batches they come in", async () => {
  const inner = folderEntry([fileEntry("/s/t/c.dcm")]);
  const locked = { fullPath: "/s/x.dcm", file: (_, fail) => fail() };
  const folder = folderEntry([fileEntry("/s/a.dcm"), inner, fileEntry("/s/b.dcm"), locked]);
  const items = [{ webkitGetAsEntry: () => folder }];
  const { files, unread } = await fromDrop({ items, files: [] });
  assert.deepEqual(namesOf(files).sort(), ["s/a.dcm", "s/b.dcm", "s/t/c.dcm"]);
  assert.deepEqual(unread, ["s/x.dcm"]);
});

test("a folder that cannot be read is named", async () => {
  const reader = { readEntries: (_, fail) => fail() };
  const locked = { isDirectory: true, fullPath: "/s/locked", createReader: () => reader };
  const dropped = await fromDrop({ items: [{ webkitGetAsEntry: () => locked }], files: [] });
  assert.deepEqual(dropped, { files: [], unread: ["s/locked"] });
});

test("a second selection adds other files of the same names, but not the same files", () => {
  const file = (size, lastModified = 1) => ({ size, lastModified });
  const earlier = [
    { name: "a.dcm", file: file(10) },
    { name: "b.dcm", file: file(20) },
  ];
  const later = [
    { name: "a.dcm", file: file(10) },
    { name: "b.dcm", file: file(20, 2) },
    { name: "c.dcm", file: file(30) },
  ];
  assert.deepEqual(namesOf(further(earlier, later)), ["2/b.dcm", "c.dcm"]);
});

test("words for sizes", () => {
  const sizes = [2 ** 19, 12.6 * 2 ** 20, 1.5 * 2 ** 30].map(megabytes);
  assert.deepEqual(sizes, ["0.5 MB", "13 MB", "1.5 GB"]);
});
