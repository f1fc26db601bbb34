// Display windows and grey levels, as Python's tests have them.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as greyscale from "../../../assets/js/viewer/greyscale.js";
import { assertClose, readCases } from "../support.js";

const TABLE = readCases("windows");

function draw({ size: [width, height], background, boxes }, Values) {
  const values = new Values(width * height).fill(background);
  for (const [left, top, w, h, value] of boxes) {
    for (let y = top; y < top + h; y++) values.fill(value, y * width + left, y * width + left + w);
  }
  return values;
}

for (const case_ of TABLE.windows) {
  for (const Values of [Uint8Array, Uint16Array]) {
    test(`window, ${Values.name}: ${case_.name}`, () => {
      const { slope, intercept } = case_;
      const { low, high } = greyscale.autoWindow(
        draw(case_, Values),
        case_.size[0],
        slope,
        intercept,
      );
      assertClose([low, high], [case_.low, case_.high]);
    });
  }
}

for (const { low, high, values, greys } of TABLE.greys) {
  test(`greys between ${low} and ${high}`, () => {
    const table = greyscale.lookup(256, 1, 0, { low, high }, false);
    assert.deepEqual(
      values.map((value) => table[value]),
      greys,
    );
    const inverted = greyscale.lookup(256, 1, 0, { low, high }, true);
    values.forEach((value) => assert.ok(Math.abs(255 - table[value] - inverted[value]) <= 1));
  });
}

test("grey levels follow the scale of stored values", () => {
  const table = greyscale.lookup(256, 2, -100, { low: -100, high: 155 }, false);
  assert.deepEqual(
    [0, 50, 127, 200].map((stored) => table[stored]),
    [0, 100, 254, 255],
  );
});

test("a picture has the grey of each stored value and is opaque", () => {
  const image = /** @type {any} */ ({ data: new Uint8ClampedArray(12) });
  const table = greyscale.lookup(65536, 1, 0, { low: 0, high: 65535 }, false);
  greyscale.paintGreys(image, Uint16Array.of(0, 32896, 65535), table);
  assert.deepEqual([...image.data], [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255]);
});
