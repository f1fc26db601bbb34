// How the worklist was left.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as listView from "../../../assets/js/worklist/list_view.js";
import { overreadCompareNumbers } from "../../../assets/js/worklist/worklist.js";
import { stubStorage } from "../support.js";

const FRESH = { sort: [], search: "", origin: "", top: 0 };

beforeEach(() => stubStorage("sessionStorage"));

test("what is stored in parts is read as one", () => {
  assert.deepEqual(listView.read(), FRESH);
  const sort = [{ colId: "volume_ml", sort: "desc", sortIndex: 0 }];
  listView.store({ sort });
  listView.store({ search: "north", top: 340 });
  assert.deepEqual(listView.read(), { ...FRESH, sort, search: "north", top: 340 });
});

const DAMAGED = [
  "",
  "[",
  "null",
  '{"top": -4, "search": 3, "origin": {}}',
  '{"sort": [{"colId": "volume_ml", "sort": "sideways"}, {"sort": "asc"}], "top": "x"}',
];

for (const text of DAMAGED)
  test(`damaged storage ${text} is a fresh view`, () => {
    sessionStorage.setItem("overread.worklist", text);
    assert.deepEqual(listView.read(), FRESH);
  });

test("the last study is the one of the last address", () => {
  assert.equal(listView.lastStudy(), "");
  sessionStorage.setItem("overread.last", "?study=0123456789abcdef&slice=4");
  assert.equal(listView.lastStudy(), "0123456789abcdef");
});

test("empty cells come last in both directions", () => {
  const values = [3, null, 0, 12, undefined, 5];
  // as the grid sorts: it turns the result round where the column is descending
  const sorted = (isDescending) =>
    [...values]
      .map((value) => value ?? null)
      .sort((a, b) => {
        const found = overreadCompareNumbers(a, b, null, null, isDescending);
        return isDescending ? -found : found;
      });
  assert.deepEqual(sorted(true), [12, 5, 3, 0, null, null]);
  assert.deepEqual(sorted(false), [0, 3, 5, 12, null, null]);
});
