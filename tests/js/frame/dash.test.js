// What Dash and the modules have of each other.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as dash from "../../../assets/js/frame/dash.js";

const NO_UPDATE = { description: "no update" };

beforeEach(() => {
  globalThis.window = { dash_clientside: { no_update: NO_UPDATE } };
});

const ANSWERS = [
  [undefined, NO_UPDATE],
  [null, NO_UPDATE],
  [0, 0],
  ["", ""],
  [false, false],
];

for (const [answer, output] of ANSWERS) {
  test(`a function that returns ${JSON.stringify(answer)}`, () => {
    dash.register("page", { run: () => answer });
    assert.equal(window.dash_clientside.page.run(), output);
  });
}

test("a function is given the callback's inputs, and a promise is handed on", async () => {
  dash.register("page", { sum: async (one, other) => one + other });
  assert.equal(await window.dash_clientside.page.sum(2, 3), 5);
});

test("namespaces stand beside each other, before Dash has begun too", () => {
  globalThis.window = {};
  dash.register("one", { run: () => 1 });
  dash.register("other", { run: () => 2 });
  assert.deepEqual(Object.keys(window.dash_clientside), ["one", "other"]);
});

test("properties are set through Dash, and by nobody before it has begun", () => {
  const calls = [];
  window.dash_clientside.set_props = (...given) => calls.push(given);
  dash.setProps("store", { data: 1 });
  globalThis.window = {};
  dash.setProps("store", { data: 2 });
  assert.deepEqual(calls, [["store", { data: 1 }]]);
});
