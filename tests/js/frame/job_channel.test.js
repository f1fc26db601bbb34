// A job that a page follows: what is asked, what is shown, what happens in silence.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { JobChannel } from "../../../assets/js/frame/job_channel.js";

const SILENT_MS = 6000;

let sent;
let shown;
let channel;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1 });
  sent = [];
  shown = [];
  globalThis.window = {
    dash_clientside: { set_props: (id, { data }) => sent.push({ id, ...data }) },
  };
  channel = new JobChannel("request", { study: "s" }, ({ state }) => shown.push(state));
});

const hear = (state, fields = {}) => channel.hear({ asked: sent.at(-1)?.asked, state, ...fields });

test("a job is followed to its end, and then nothing is asked any more", () => {
  channel.ask(true);
  assert.deepEqual(sent, [{ id: "request", study: "s", asked: 1, again: true }]);
  for (const state of ["queued", "running", "done"]) hear(state);
  mock.timers.tick(2 * SILENT_MS);
  hear("running");
  assert.deepEqual(shown, ["queued", "running", "done"]);
  assert.equal(sent.length, 1);
});

test("words of an earlier request are not shown", () => {
  channel.ask(false);
  channel.hear({ asked: 0, state: "failed" });
  channel.hear(null);
  assert.deepEqual(shown, []);
});

test("in silence it is asked again, and what has begun is not begun a second time", () => {
  channel.ask(true);
  hear("running");
  mock.timers.tick(SILENT_MS);
  assert.deepEqual(shown, ["running", "lost"]);
  assert.deepEqual(
    sent.map(({ again }) => again),
    [true, false],
  );
  hear("running");
  assert.equal(shown.at(-1), "running");
});

test("a job that is cancelled is shown so until it has ended", () => {
  channel.ask(false);
  channel.cancel();
  hear("running");
  hear("running", { cancelling: true });
  hear("cancelled");
  assert.deepEqual(shown, ["cancelling", "cancelling", "cancelling", "cancelled"]);
});

test("once it is closed nothing is asked or shown", () => {
  channel.ask(false);
  channel.close();
  hear("running");
  mock.timers.tick(2 * SILENT_MS);
  assert.deepEqual(shown, []);
  assert.equal(sent.length, 1);
});
