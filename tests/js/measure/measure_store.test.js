// Measurements that two windows change: what both knew, what is here, what the server has.
import assert from "node:assert/strict";
import { test } from "node:test";

import { merge } from "../../../assets/js/measure/measure_store.js";

const item = (id, value) => ({ id, kind: "ruler", k: value, points: [] });
// "a1 b2": measurements a and b, of the values 1 and 2
const read = (text) =>
  text
    .split(" ")
    .filter(Boolean)
    .map(([id, value]) => item(id, Number(value)));
const byIds = (text) => new Map(read(text).map((one) => [one.id, one]));

const CASES = [
  { name: "nothing changed", base: "a1", mine: "a1", theirs: "a1", merged: "a1", news: 0 },
  { name: "both added", base: "", mine: "a1", theirs: "b2", merged: "a1 b2", news: 1 },
  { name: "changed here", base: "a1", mine: "a2", theirs: "a1", merged: "a2", news: 0 },
  { name: "changed there", base: "a1", mine: "a1", theirs: "a2", merged: "a2", news: 1 },
  { name: "changed alike", base: "a1", mine: "a2", theirs: "a2", merged: "a2", news: 0 },
  { name: "both changed it", base: "a1", mine: "a2", theirs: "a3", merged: "a2 ?3", news: 1 },
  { name: "deleted here", base: "a1", mine: "", theirs: "a1", merged: "", news: 0 },
  { name: "deleted there", base: "a1", mine: "a1", theirs: "", merged: "", news: 1 },
  {
    name: "deleted here, changed there",
    base: "a1",
    mine: "",
    theirs: "a2",
    merged: "a2",
    news: 1,
  },
  {
    name: "changed here, deleted there",
    base: "a1",
    mine: "a2",
    theirs: "",
    merged: "a2",
    news: 0,
  },
];

for (const { name, base, mine, theirs, merged, news } of CASES) {
  test(name, () => {
    const here = { items: byIds(mine), base: byIds(base), revision: 1 };
    assert.equal(merge(here, { revision: 2, items: read(theirs) }), news);
    const found = [...here.items.values()].map(({ id, k }) => (id.length > 1 ? "?" : id) + k);
    assert.equal(found.join(" "), merged);
    assert.deepEqual([here.revision, here.base], [2, byIds(theirs)]);
    for (const [id, one] of here.items) assert.equal(one.id, id);
  });
}
