// An answer that follows what changes: what is asked, what is cancelled, what stays in view.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { LatestAnswer } from "../../../assets/js/frame/latest_answer.js";
import { NO_ANSWER, RequestError, RETRYING } from "../../../assets/js/frame/server.js";

const SETTLED = 200;
const LATER = 1000;

let asked;
let track;

// A request that the test answers or fails.
function request(signal) {
  return new Promise((resolve, reject) => asked.push({ signal, resolve, reject }));
}

async function pass(milliseconds) {
  mock.timers.tick(milliseconds);
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

async function answered(key, answer) {
  track.follow(key, request);
  await pass(SETTLED);
  asked.at(-1).resolve(answer);
  await pass(0);
}

const state = () => [track.answer, track.isLate, track.sentence];

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  asked = [];
  track = new LatestAnswer(() => {});
});

test("what moves is asked for once, when it rests", async () => {
  for (const threshold of [0.4, 0.35, 0.3]) track.follow([threshold], request);
  assert.deepEqual(state(), [null, true, ""]);
  await pass(SETTLED);
  assert.equal(asked.length, 1);
  asked[0].resolve("0.3");
  await pass(0);
  assert.deepEqual(state(), ["0.3", false, ""]);
  track.follow([0.3], request);
  await pass(SETTLED);
  assert.equal(asked.length, 1);
});

test("a request that was overtaken is cancelled, and its answer ignored", async () => {
  track.follow([1], request);
  await pass(SETTLED);
  track.follow([2], request);
  assert.equal(asked[0].signal.aborted, true);
  asked[0].resolve("one");
  await pass(SETTLED);
  assert.deepEqual(state(), [null, true, ""]);
  asked[1].resolve("two");
  await pass(0);
  assert.deepEqual(state(), ["two", false, ""]);
});

test("the former answer stays, marked as late, and is back at once", async () => {
  await answered([1], "one");
  track.follow([2], request);
  assert.deepEqual(state(), ["one", true, ""]);
  track.follow([1], request);
  assert.deepEqual(state(), ["one", false, ""]);
  await pass(SETTLED);
  assert.equal(asked.length, 1);
});

test("a failure says so and is tried again", async () => {
  track.follow([1], request);
  await pass(SETTLED);
  asked[0].reject(new RequestError(NO_ANSWER, false));
  await pass(0);
  assert.deepEqual(state(), [null, false, RETRYING]);
  await pass(LATER);
  asked[1].resolve("one");
  await pass(0);
  assert.deepEqual(state(), ["one", false, ""]);
});

test("what the server refuses is not asked for again", async () => {
  track.follow([1], request);
  await pass(SETTLED);
  asked[0].reject(new RequestError("It is too ragged.", true));
  await pass(10 * LATER);
  assert.deepEqual(state(), [null, false, "It is too ragged."]);
  assert.equal(asked.length, 1);
});

test("once it is stopped nothing arrives any more", async () => {
  track.follow([1], request);
  await pass(SETTLED);
  track.stop();
  asked[0].resolve("one");
  await pass(SETTLED);
  assert.deepEqual(state(), [null, false, ""]);
});
