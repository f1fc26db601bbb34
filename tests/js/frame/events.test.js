// Who is called when something happens.
import assert from "node:assert/strict";
import { test } from "node:test";

import { all, Events } from "../../../assets/js/frame/events.js";

test("listeners of a name are called in turn, until they are removed", () => {
  const events = new Events();
  const seen = [];
  const removers = ["a", "b"].map((name) => events.on("open", (given) => seen.push(name + given)));
  events.on("close", () => seen.push("closed"));
  events.emit("open", 1);
  removers[0]();
  events.emit("open", 2);
  all(removers)();
  events.emit("open", 3);
  events.emit("close");
  events.emit("nothing listens to this");
  assert.deepEqual(seen, ["a1", "b1", "b2", "closed"]);
});

test("one listener of several names is removed from all of them", () => {
  const events = new Events();
  let calls = 0;
  const remove = events.on(["open", "close"], () => calls++);
  events.emit("open");
  events.emit("close");
  remove();
  events.emit("open");
  assert.equal(calls, 2);
});
