// Requests for pages, which are sent again while the server is down.
import assert from "node:assert/strict";
import { test } from "node:test";

import { asksForPage, persist } from "../../../assets/js/frame/page_requests.js";

const PAGE = JSON.stringify({ output: ".._pages_content.children..._pages_store.data.." });

const REQUESTS = [
  ["/_dash-update-component", PAGE, true],
  ["/prefix/_dash-update-component?x=1", PAGE, true],
  ["/_dash-update-component", '{"output":"worklist-grid.rowData"}', false],
  ["/api/health", PAGE, false],
  ["/_dash-update-component", undefined, false],
];

for (const [url, body, expected] of REQUESTS)
  test(`${url} with ${body} ${expected ? "asks" : "does not ask"} for a page`, () =>
    assert.equal(asksForPage(url, body), expected));

// What the server answers in turn: a status, or null where it is down.
const server = (...answers) => {
  const left = [...answers];
  return async () => {
    const status = left.shift();
    if (status === null) throw new TypeError("failed");
    return new Response("", { status });
  };
};

const SEQUENCES = [
  { answers: [200], status: 200, pauses: [], reports: [false] },
  { answers: [null, 502, 200], status: 200, pauses: [1000, 2000], reports: [true, true, false] },
  { answers: [500], status: 500, pauses: [], reports: [false] }, // an error of the page itself
  {
    answers: [null, null, null, null, 200],
    status: 200,
    pauses: [1000, 2000, 4000, 4000],
    reports: [true, true, true, true, false],
  },
];

for (const { answers, status, pauses, reports } of SEQUENCES) {
  test(`a server that answers ${answers.map(String).join(", ")}`, async () => {
    const waited = [];
    const shown = [];
    const pause = async (time) => void waited.push(time);
    const found = await persist(
      server(...answers),
      pause,
      () => true,
      (is) => shown.push(is),
    );
    assert.deepEqual([found.status, waited, shown], [status, pauses, reports]);
  });
}

test("a page that is no longer wanted is not asked for again, and hides nothing", async () => {
  const shown = [];
  const report = (is) => shown.push(is);
  let isWanted = true;
  const pause = async () => void (isWanted = false);
  await assert.rejects(
    persist(server(null, null), pause, () => isWanted, report),
    TypeError,
  );
  assert.deepEqual(shown, [true]);
});
