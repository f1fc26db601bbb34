// What was said of uploads, and how long it stays.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as messages from "../../../assets/js/worklist/upload_messages.js";
import { stubStorage } from "../support.js";

const titles = () => messages.all().map(({ title }) => title);
const say = (title, fields = {}) => messages.say({ kind: "info", title, items: [], ...fields });

beforeEach(() => {
  stubStorage("sessionStorage");
  messages.restore();
});

test("a reload keeps what nobody has read", () => {
  say("read");
  messages.markRead(messages.all());
  say("unread");
  messages.restore();
  assert.deepEqual(titles(), ["unread"]);
});

test("only the latest stay", () => {
  for (let i = 1; i <= 8; i++) say(`message ${i}`);
  assert.deepEqual([titles().length, titles()[0]], [6, "message 3"]);
});

test("another upload leaves the errors, a click takes one away", () => {
  say("added");
  say("failed", { kind: "error" });
  messages.clear();
  assert.deepEqual(titles(), ["failed"]);
  messages.dismiss(messages.all()[0].id);
  assert.deepEqual(titles(), []);
});

test("what was said of a study goes once it was listed and is no more", () => {
  say("added", { studies: ["a", "b"] });
  say("nothing was added");
  messages.forgetDeleted([]); // not listed yet
  messages.forgetDeleted(["a"]);
  assert.deepEqual(titles(), ["added", "nothing was added"]);
  messages.forgetDeleted(["c"]);
  assert.deepEqual(titles(), ["nothing was added"]);
});

test("without storage messages are shown all the same", () => {
  globalThis.sessionStorage = { setItem: () => assert.fail("full"), getItem: () => "{" };
  say("added");
  assert.deepEqual(titles(), ["added"]);
  messages.restore();
  assert.deepEqual(titles(), []);
});
