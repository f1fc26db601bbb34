// Requests, and the sentences of those that fail.
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { ask, isFinal, NO_ANSWER, pauseOf, requestJson } from "../../../assets/js/frame/server.js";

afterEach(() => mock.restoreAll());

const answer = ({ status, text }) =>
  mock.method(globalThis, "fetch", async () => new Response(text, { status }));
const away = () =>
  mock.method(globalThis, "fetch", async () => {
    throw new TypeError("failed");
  });

const ANSWERS = [
  { status: 200, text: '{"found": 1}', found: { found: 1 } },
  { status: 404, text: '{"error": "It is gone."}', error: "It is gone.", refused: true },
  { status: 404, text: "<html>", error: NO_ANSWER, refused: true },
  { status: 503, text: "", error: NO_ANSWER, refused: false },
  { status: 200, text: "<html>", error: NO_ANSWER, refused: false }, // of a proxy
];

for (const { status, text, found, error, refused } of ANSWERS) {
  test(`the server answers ${status} with ${text || "nothing"}`, async () => {
    answer({ status, text });
    if (found) assert.deepEqual(await requestJson("/"), found);
    else await assert.rejects(requestJson("/"), { message: error, isFinal: refused });
    const { status: asked, ok, body } = await ask("/");
    assert.deepEqual([asked, ok, body.error ?? NO_ANSWER], [status, !error, error ?? NO_ANSWER]);
  });
}

test("no connection is no answer", async () => {
  away();
  await assert.rejects(requestJson("/"), { message: NO_ANSWER, isFinal: false });
  assert.deepEqual(await ask("/"), { status: 0, ok: false, body: {} });
});

test("a request that was given up says so", async () => {
  mock.method(globalThis, "fetch", async (_, { signal }) => signal.throwIfAborted());
  const given = requestJson("/", { signal: AbortSignal.abort() });
  await assert.rejects(given, { name: "AbortError" });
});

test("so does one whose answer was on its way", async () => {
  const stopped = new DOMException("stopped", "AbortError");
  const answered = { ok: true, status: 200, json: () => Promise.reject(stopped) };
  mock.method(globalThis, "fetch", async () => answered);
  await assert.rejects(requestJson("/"), { name: "AbortError" });
});

test("what is sent is JSON of this app", async () => {
  const fetch = answer({ status: 200, text: "{}" });
  await requestJson("/", { body: { k: 1 } });
  const [, { method, body, headers }] = fetch.mock.calls[0].arguments;
  assert.deepEqual([method, body, headers["X-Overread"]], ["POST", '{"k":1}', "1"]);
});

test("what fails on the way or on the server is not final", () => {
  assert.deepEqual([0, 500, 503].map(isFinal), [false, false, false]);
  assert.deepEqual([200, 404, 409].map(isFinal), [true, true, true]);
});

test("the last pause stays", () => {
  assert.deepEqual([0, 1, 4, 9].map(pauseOf), [1000, 2000, 15000, 15000]);
});
