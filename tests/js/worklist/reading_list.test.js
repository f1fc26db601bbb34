// The studies that a reader steps through.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import * as readingList from "../../../assets/js/worklist/reading_list.js";
import { stubStorage } from "../support.js";

let fetch;

beforeEach(() => {
  stubStorage("sessionStorage");
  mock.restoreAll();
  const answer = async () => Response.json({ studies: ["x", "y", "z"] });
  fetch = mock.method(globalThis, "fetch", answer);
});

test("they come in the worklist's order, as it was left", async () => {
  readingList.store(["c", "a", "b"], true);
  assert.deepEqual(await readingList.around("a"), { ids: ["c", "a", "b"], filtered: true, at: 1 });
  readingList.drop("c");
  assert.deepEqual(await readingList.around("a"), { ids: ["a", "b"], filtered: true, at: 0 });
  assert.equal(fetch.mock.callCount(), 0);
});

test("another study is looked for in the server's order, which is asked once", async () => {
  readingList.store(["a"], false);
  assert.deepEqual(await readingList.around("y"), { ids: ["x", "y", "z"], filtered: false, at: 1 });
  assert.equal((await readingList.around("z")).at, 2);
  assert.equal(fetch.mock.callCount(), 1);
  assert.equal((await readingList.around("unknown")).at, -1);
});
