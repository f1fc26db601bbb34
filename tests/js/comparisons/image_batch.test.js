// Several images, sent and followed together.
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { count, csv, ImageBatch } from "../../../assets/js/comparisons/image_batch.js";

afterEach(() => mock.restoreAll());

const file = (name, size = 10) => ({ name, file: { size } });
const done = { state: "done", answer: "Healthy", probability: 0.75, message: "" };

// A server that receives at once and answers each image when it is asked for the second time.
function serve({ fails = [] } = {}) {
  const asked = new Map();
  const cancelled = [];
  mock.method(globalThis, "fetch", async (url, { body }) => {
    const name = /name=(.*)/.exec(url)?.[1];
    if (name && fails.includes(name)) return Response.json({ error: "No." }, { status: 413 });
    if (name) return Response.json({ image: `id-${name}` });
    const { images } = JSON.parse(body);
    if (url.endsWith("/cancel")) {
      cancelled.push(...images);
      return Response.json({});
    }
    const outcomes = images.map((image) => {
      asked.set(image, (asked.get(image) ?? 0) + 1);
      const isDone = asked.get(image) > 1;
      return isDone ? { image, ...done } : { image, ...done, state: "queued", answer: "" };
    });
    return Response.json({ outcomes });
  });
  return cancelled;
}

const follow = (files, options = {}) =>
  new Promise((resolve) => {
    const batch = new ImageBatch("chest-xray", files, {
      maxBytes: 100,
      ...options,
      onChange: () => {
        if (count(batch.entries).ended === files.length) resolve(batch.entries);
      },
    });
    batch.start();
  });

test("every image is sent, and asked for until it is answered", async () => {
  serve();
  const entries = await follow(["a", "b", "c", "d", "e"].map((name) => file(name)));
  assert.deepEqual(
    entries.map(({ name, image, answer }) => [name, image, answer]),
    ["a", "b", "c", "d", "e"].map((name) => [name, `id-${name}`, "Healthy"]),
  );
  assert.deepEqual(count(entries), { done: 5, failed: 0, ended: 5, total: 5 });
});

test("one that is refused or too large leaves the others alone", async () => {
  serve({ fails: ["b"] });
  const entries = await follow([file("a"), file("b"), file("c", 101)]);
  assert.deepEqual(
    entries.map(({ state }) => state),
    ["done", "failed", "failed"],
  );
  assert.equal(entries[1].message, "No.");
});

test("a batch that is cancelled asks for nothing more", async () => {
  const cancelled = serve();
  const batch = new ImageBatch("chest-xray", [file("a"), file("b")], {
    maxBytes: 100,
    onChange: () => {},
  });
  batch.start();
  await new Promise((resolve) => setTimeout(resolve, 50));
  batch.cancel();
  assert.deepEqual(count(batch.entries), { done: 0, failed: 0, ended: 2, total: 2 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(cancelled.sort(), ["id-a", "id-b"]);
});

test("CSV quotes what a file may be called", () => {
  const entry = { image: "", ...done };
  const failed = { ...entry, state: "failed", answer: "", message: "It is damaged." };
  assert.equal(
    csv([
      { ...entry, name: 'a "b", c.png' },
      { ...failed, name: "d.png" },
    ]),
    "file,prediction,probability,note\r\n" +
      '"a ""b"", c.png",Healthy,0.7500,\r\n' +
      "d.png,,,It is damaged.\r\n",
  );
});
