// The studies that a reader steps through.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import * as listView from "../../../assets/js/worklist/list_view.js";
import * as readingList from "../../../assets/js/worklist/reading_list.js";
import { stubStorage } from "../support.js";

/** @type {string[]} */
let asked;
/** What the server answers: by default it finds the study. */
let places;

beforeEach(() => {
  stubStorage("sessionStorage");
  mock.restoreAll();
  asked = [];
  places = [{ at: 1, count: 3, previous: "x", next: "z", to_read: "w" }];
  mock.method(globalThis, "fetch", async (url) => {
    asked.push(url);
    return Response.json(places[Math.min(asked.length, places.length) - 1]);
  });
});

test("the neighbours are those of the list as the worklist shows it", async () => {
  listView.store({
    sort: [{ colId: "patient", sort: "desc" }],
    search: "needle",
    view: "to-read",
  });
  const found = await readingList.around("y");
  assert.deepEqual(found, { ...places[0], filtered: true });
  const query = new URL(asked[0], "http://here").searchParams;
  const sent = ["study", "search", "view", "sort", "descending"].map((name) => query.get(name));
  assert.deepEqual(sent, ["y", "needle", "to-read", "patient", "true"]);
});

test("a hidden study has its place among all studies, and the list says what to read", async () => {
  listView.store({ search: "other" });
  places = [{ at: -1, count: 0, previous: null, next: null, to_read: "needle" }, places[0]];
  const found = await readingList.around("y");
  assert.deepEqual(found, { ...places[1], to_read: "needle", filtered: false });
  assert.equal(new URL(asked[1], "http://here").searchParams.get("search"), "");
});

test("a server that does not answer is an error", async () => {
  mock.restoreAll();
  mock.method(globalThis, "fetch", async () => Response.json({}, { status: 503 }));
  await assert.rejects(readingList.around("y"));
});
