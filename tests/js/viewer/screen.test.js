// Zoom and middle, which linked screens share.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as screen from "../../../assets/js/viewer/screen.js";

test("a view begins with the whole image, and screens follow it but the one that moved it", () => {
  const view = screen.createView({ width: 10, height: 6 });
  assert.deepEqual([view.zoom, view.x, view.y], [1, 5, 3]);
  const drawn = [];
  const [one, other] = ["one", "other"].map((name) => ({ apply: () => drawn.push(name) }));
  view.screens.add(one).add(other);
  screen.moveView(view, { zoom: 2 });
  screen.moveView(view, { x: 1, y: 2 }, one);
  assert.deepEqual([view.zoom, view.x, view.y], [2, 1, 2]);
  assert.deepEqual(drawn, ["one", "other", "other"]);
});

test("zoom has two ends", () => {
  assert.deepEqual([0.1, 1.5, 99].map(screen.allowedZoom), [0.5, 1.5, 16]);
});
