// Outlines of masks: they lie half-way between pixels inside and outside.
import assert from "node:assert/strict";
import { test } from "node:test";

import { load, readPicture } from "./load.mjs";

const { contours } = load("contours");

// The corners of a line, from the first by x and y on, in the line's order: inside lies on its right.
function corners(line) {
  const points = Array.from({ length: line.length / 2 }, (_, i) => [line[2 * i], line[2 * i + 1]]);
  const first = points.reduce((best, p, i) => (p[0] < points[best][0] || (p[0] === points[best][0] && p[1] < points[best][1]) ? i : best), 0);
  return [...points.slice(first), ...points.slice(0, first)];
}

const LINES = [
  ["... ... ...", []],
  // one pixel: a diamond half a pixel around its centre (1.5, 1.5)
  ["... .#. ...", [[[1, 1.5], [1.5, 1], [2, 1.5], [1.5, 2]]]],
  // a pixel in the corner is closed along the image's edge
  ["#.. ... ...", [[[0, 0.5], [0.5, 0], [1, 0.5], [0.5, 1]]]],
  // two that touch at a corner are joined: half of the four corners' sum reaches the level
  ["#. .#", [[[0, 0.5], [0.5, 0], [1, 0.5], [1.5, 1], [2, 1.5], [1.5, 2], [1, 1.5], [0.5, 1]]]],
];

for (const [picture, expected] of LINES) {
  test(`lines around ${picture}`, () => {
    const { mask, width, height } = readPicture(picture);
    const map = mask.map((pixel) => pixel * 255);
    assert.deepEqual(contours.lines(map, width, height, 127.5).map(corners), expected);
  });
}

test("two pixels that touch at a corner are apart where the level is above half", () => {
  const { mask, width, height } = readPicture("#. .#");
  const lines = contours.lines(mask.map((pixel) => pixel * 100), width, height, 60);
  assert.equal(lines.length, 2);
});

test("between pixels a line lies where the level is reached", () => {
  const map = Uint8Array.from([0, 100, 200, 0]);
  const [line] = contours.lines(map, 4, 1, 50).map(corners);
  assert.deepEqual([Math.min(...line.map(([x]) => x)), Math.max(...line.map(([x]) => x))], [1, 3.25]);
});

test("a hole has a line of its own, the other way round", () => {
  const { mask, width, height } = readPicture("..... .###. .#.#. .###. .....");
  const lines = contours.lines(mask.map((pixel) => pixel * 255), width, height, 127.5);
  const area = (line) => line.reduce((sum, _, i) => (i % 2 ? sum : sum + line[i] * line[(i + 3) % line.length] - line[(i + 2) % line.length] * line[i + 1]), 0) / 2;
  assert.equal(lines.length, 2);
  assert.deepEqual(lines.map((line) => Math.sign(area(line))).sort(), [-1, 1]);
});
