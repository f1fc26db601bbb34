// Names of keys, and which key a binding has.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import * as keys from "../../../assets/js/frame/keys.js";

afterEach(() => keys.use({}));

const NAMES = [
  [{ key: "n" }, "n"],
  [{ key: "N", shiftKey: true }, "Shift+n"],
  [{ key: "?", shiftKey: true }, "?"], // Shift is in the sign already
  [{ key: "ArrowDown", shiftKey: true }, "Shift+ArrowDown"],
  [{ key: "z", ctrlKey: true }, "Ctrl+z"],
  [{ key: "Z", metaKey: true, shiftKey: true }, "Ctrl+Shift+z"],
  [{ key: " " }, " "],
];

for (const [event, name] of NAMES) {
  test(`the name of ${JSON.stringify(event)}`, () => assert.equal(keys.name(event), name));
}

const CAPS = [
  ["n", "N"],
  ["Shift+n", "Shift N"],
  [" ", "Space"],
  ["ArrowUp", "↑"],
  ["+", "+"],
  ["Ctrl++", "Ctrl +"],
  ["Ctrl+Shift+PageDown", "Ctrl Shift Page down"],
];

for (const [key, caps] of CAPS) {
  test(`the caps of ${key}`, () => assert.equal(keys.names(key).join(" "), caps));
}

const mask = { id: "mask", key: "m", label: "Mask" };
const help = { id: "help", key: "?", label: "This list", fixed: true };

test("the reader's keys replace the defaults", () => {
  const heard = [];
  const remove = keys.on("change", () => heard.push(keys.keyOf(mask)));
  keys.use({ mask: "x", help: "h" });
  assert.deepEqual([keys.keyOf(mask), keys.keyOf(help)], ["x", "?"]); // that one stays
  keys.use({ mask: "" });
  remove();
  keys.use({});
  assert.deepEqual(heard, ["x", ""]);
  assert.equal(keys.keyOf(mask), "m");
});

test("only listed keys with an id can be changed", () => {
  const bindings = [mask, help, { ...mask, id: undefined }, { ...mask, label: undefined }];
  assert.deepEqual(bindings.map(keys.canChange), [true, false, false, false]);
});

test("a group takes the place of one of its name, and goes only once", () => {
  const ids = () => keys.all().map(({ group, binding }) => `${group} ${binding.id}`);
  const removeFirst = keys.add("View", [mask]);
  const removeSecond = keys.add("View", [help]);
  removeFirst();
  assert.deepEqual(ids(), ["View help"]);
  removeSecond();
  assert.deepEqual(ids(), []);
});

test("a key that the reader chose comes before a newer default, and the clash is known", () => {
  const accept = { id: "accept", key: "a", label: "Accept" };
  const angle = { id: "angle", key: "v", label: "Angle" };
  const removers = [keys.add("Decision", [accept]), keys.add("Measure", [angle])];
  assert.equal(keys.bindingFor("a"), accept);
  assert.equal(keys.clashOf(accept), undefined);
  keys.use({ angle: "a" });
  assert.equal(keys.bindingFor("a"), angle);
  assert.deepEqual([keys.clashOf(accept), keys.clashOf(angle)], [angle, accept]);
  removers.forEach((remove) => remove());
});
