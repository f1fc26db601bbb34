// Named windows, relative to the one in which a series opened.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as windowPresets from "../../../assets/js/viewer/window_presets.js";

test("windows of presets follow from the one in which the series opened", () => {
  const cases = {
    opened: { low: 100, high: 300 },
    contrast: { low: 140, high: 260 },
    soft: { low: 40, high: 360 },
    bright: { low: 190, high: 310 },
    dark: { low: 90, high: 210 },
  };
  for (const [name, levels] of Object.entries(cases))
    assert.deepEqual(windowPresets.relative(name, [100, 300]), levels, name);
  for (const name of ["auto", "full", "custom"])
    assert.equal(windowPresets.relative(name, [100, 300]), null, name);
});

test("no two presets are the same window", () => {
  const windows = windowPresets.NAMES.map((name) => windowPresets.relative(name, [0, 1]))
    .filter(Boolean)
    .map(({ low, high }) => `${low} ${high}`);
  assert.equal(new Set(windows).size, windows.length);
});
