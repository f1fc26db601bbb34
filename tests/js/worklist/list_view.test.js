// How the worklist was left.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as listView from "../../../assets/js/worklist/list_view.js";
import { stubStorage } from "../support.js";

const FRESH = { sort: [], search: "", origin: "", view: "all", reason: "", top: 0 };

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

test("what the server is asked for names the whole view", () => {
  const sort = [{ colId: "slices", sort: "asc" }];
  const query = new URLSearchParams(
    listView.queryOf({ ...FRESH, sort, origin: "demo", reason: "dice" }, { offset: "100" }),
  );
  const names = ["view", "origin", "reason", "sort", "descending", "offset"];
  assert.deepEqual(
    names.map((name) => query.get(name)),
    ["all", "demo", "dice", "slices", "false", "100"],
  );
  assert.ok(!listView.isFiltered(FRESH) && listView.isFiltered({ ...FRESH, view: "mine" }));
});
