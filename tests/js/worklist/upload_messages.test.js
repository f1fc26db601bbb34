// Messages about uploads, and how long they stay.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as messages from "../../../assets/js/worklist/upload_messages.js";
import { stubStorage } from "../support.js";

const titles = () => messages.all().map(({ title }) => title);
const post = (title, fields = {}) => messages.post({ kind: "info", title, items: [], ...fields });

beforeEach(() => {
  stubStorage("sessionStorage");
  messages.restore();
});

test("a reload keeps messages that have not been read", () => {
  post("read");
  messages.markRead(messages.all());
  post("unread");
  messages.restore();
  assert.deepEqual(titles(), ["unread"]);
});

test("only the latest stay", () => {
  for (let i = 1; i <= 8; i++) post(`message ${i}`);
  assert.deepEqual([titles().length, titles()[0]], [6, "message 3"]);
});

test("another upload leaves the errors; a click dismisses one", () => {
  post("added");
  post("failed", { kind: "error" });
  messages.clear();
  assert.deepEqual(titles(), ["failed"]);
  messages.dismiss(messages.all()[0].id);
  assert.deepEqual(titles(), []);
});

test("a message about a study is removed once the study has been listed and deleted", () => {
  post("added", { studies: ["a", "b"] });
  post("nothing was added");
  messages.forgetDeleted([]); // not listed yet
  messages.forgetDeleted(["a"]);
  assert.deepEqual(titles(), ["added", "nothing was added"]);
  messages.forgetDeleted(["c"]);
  assert.deepEqual(titles(), ["nothing was added"]);
});

test("without storage, messages are shown but not restored", () => {
  globalThis.sessionStorage = { setItem: () => assert.fail("full"), getItem: () => "{" };
  post("added");
  assert.deepEqual(titles(), ["added"]);
  messages.restore();
  assert.deepEqual(titles(), []);
});
