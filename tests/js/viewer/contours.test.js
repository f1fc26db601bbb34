// Outlines of masks: they lie half-way between pixels inside and outside.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as contours from "../../../assets/js/viewer/contours.js";
import { readPicture, readPoints } from "../support.js";

const pairs = (line) =>
  Array.from({ length: line.length / 2 }, (_, i) => [line[2 * i], line[2 * i + 1]]);

// The corners of a line, from the first by x and y on, in the line's order: inside on its right.
function corners(line) {
  const points = pairs(line);
  const [first] = points.toSorted(([ax, ay], [bx, by]) => ax - bx || ay - by);
  const from = points.indexOf(first);
  return [...points.slice(from), ...points.slice(0, from)];
}

// The lines around what a picture shows, at a level of a map of 0 and 100.
function linesAround(picture, level) {
  const { mask, width, height } = readPicture(picture);
  const map = mask.map((pixel) => pixel * 100);
  return contours.lines(map, width, height, level);
}

const LINES = [
  ["... ... ...", []],
  // one pixel: a diamond half a pixel around its centre (1.5, 1.5)
  ["... .#. ...", ["1 1.5, 1.5 1, 2 1.5, 1.5 2"]],
  // a pixel in the corner is closed along the image's edge
  ["#.. ... ...", ["0 0.5, 0.5 0, 1 0.5, 0.5 1"]],
  // two that touch at a corner are joined: half of the four corners' sum reaches the level
  ["#. .#", ["0 0.5, 0.5 0, 1 0.5, 1.5 1, 2 1.5, 1.5 2, 1 1.5, 0.5 1"]],
];

for (const [picture, expected] of LINES) {
  test(`lines around ${picture}`, () => {
    assert.deepEqual(linesAround(picture, 50).map(corners), expected.map(readPoints));
  });
}

test("two pixels that touch at a corner are apart where the level is above half", () => {
  assert.equal(linesAround("#. .#", 60).length, 2);
});

test("between pixels a line lies where the level is reached", () => {
  const map = Uint8Array.from([0, 100, 200, 0]);
  const [line] = contours.lines(map, 4, 1, 50);
  const columns = pairs(line).map(([x]) => x);
  assert.deepEqual([Math.min(...columns), Math.max(...columns)], [1, 3.25]);
});

test("a hole has a line of its own, the other way round", () => {
  const lines = linesAround("..... .###. .#.#. .###. .....", 50).map(pairs);
  const turn = (line) =>
    line.reduce((sum, [ax, ay], i) => {
      const [bx, by] = line[(i + 1) % line.length];
      return sum + ax * by - bx * ay;
    }, 0);
  assert.deepEqual(lines.map((line) => Math.sign(turn(line))).sort(), [-1, 1]);
});
