// What is measured by hand: cases that a reader can check.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as geometry from "../../../assets/js/viewer/geometry.js";
import { assertClose, createRandom, readCases, readPoints } from "../support.js";

for (const { start, end, spacing, length } of readCases("lengths").cases) {
  test(`length from ${start} to ${end} at ${spacing}`, () =>
    assertClose(geometry.distance(start, end, spacing), length));
}

const drawn = readCases("drawn");

for (const { points, spacing, degrees } of drawn.angles) {
  test(`angle of ${degrees} degrees at ${points}`, () => {
    const found = geometry.angle(points, spacing);
    if (degrees === null) assert.equal(found, null);
    else assertClose(found, degrees);
  });
}

for (const { points, spacing, area } of drawn.polygons) {
  test(`area of ${points} at ${spacing}`, () => {
    assertClose(geometry.polygonArea(points, spacing), area);
  });
}

for (const { points, spacing, area } of drawn.ellipses) {
  test(`area of the ellipse in ${points} at ${spacing}`, () => {
    assertClose(geometry.ellipseArea(points, spacing), area);
  });
}

const PICTURE = Array.from({ length: 63 }, (_, i) => 3 * (i % 9) + 40 * Math.floor(i / 9));

for (const { kind, points, n, ...values } of drawn.pixels) {
  test(`pixels inside ${kind} ${points}`, () => {
    const runs = (kind === "area" ? geometry.polygonRuns : geometry.ellipseRuns)(points, 9, 7);
    const found = geometry.statistics(PICTURE, 9, runs);
    assert.equal(found?.n ?? 0, n);
    if (found) for (const name of Object.keys(values)) assertClose(found[name], values[name]);
  });
}

test("an ellipse has its corners in any order", () => {
  assert.deepEqual(geometry.ellipse(readPoints("10 20, 4 30")), { x: 7, y: 25, rx: 3, ry: 5 });
});

const inside = (runs) =>
  runs.flatMap(([y, from, to]) => Array.from({ length: to - from }, (_, i) => `${from + i} ${y}`));

function pixels(width, height, holds) {
  const list = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (holds(x + 0.5, y + 0.5)) list.push(`${x} ${y}`);
  return list;
}

const BOXES = {
  inside: "3.2 2.1, 17.9 11.4",
  "over the left edge": "-4 -3, 9 8",
  "over the right edge": "12 9, 40 30",
  "one pixel": "5 5, 6 6",
};

for (const [name, box] of Object.entries(BOXES)) {
  test(`statistics of an ellipse ${name}`, () => {
    const random = createRandom();
    const image = Uint16Array.from({ length: 21 * 16 }, () => Math.floor(65536 * random()));
    const [[ax, ay], [bx, by]] = readPoints(box);
    const runs = geometry.ellipseRuns(readPoints(box), 21, 16);
    const share = (at, from, to) => (2 * at - from - to) / (to - from); // of a half axis
    const isInside = (x, y) => share(x, ax, bx) ** 2 + share(y, ay, by) ** 2 <= 1;
    const expected = pixels(21, 16, isInside);
    assert.deepEqual(inside(runs), expected);
    const places = expected.map((place) => place.split(" ").map(Number));
    const values = places.map(([x, y]) => image[y * 21 + x] * 0.25 - 40);
    const meanOf = (numbers) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
    const mean = meanOf(values);
    const sd = Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
    const found = geometry.statistics(image, 21, runs, 0.25, -40);
    assert.equal(found.n, values.length);
    assertClose([found.mean, found.sd], [mean, sd]);
    assertClose([found.min, found.max], [Math.min(...values), Math.max(...values)]);
  });
}

test("a polygon takes the pixels whose centres lie inside", () => {
  const image = Uint8Array.from({ length: 100 }, (_, i) => i);
  const runs = geometry.polygonRuns(readPoints("2 3, 5 3, 5 7, 2 7"), 10, 10);
  const expected = pixels(10, 10, (x, y) => x > 2 && x < 5 && y > 3 && y < 7);
  assert.deepEqual(inside(runs), expected);
  const { mean, min, max } = geometry.statistics(image, 10, runs);
  assert.deepEqual([mean, min, max], [48, 32, 64]);
});

test("a centre right on a line belongs to what lies on its right", () => {
  const runs = geometry.polygonRuns(readPoints("1.5 0, 3.5 0, 3.5 2, 1.5 2"), 6, 3);
  assert.deepEqual(inside(runs), ["1 0", "2 0", "1 1", "2 1"]);
});

const UNITS = [
  { spacing: null, unit: [1, 1] },
  { spacing: [5, 1, 1], unit: [1, 1] },
  { spacing: [5, 0.5, 1.5], unit: [3, 1] },
  { spacing: [5, 2, 0.5], unit: [1, 4] },
];

for (const { spacing, unit } of UNITS) {
  test(`sizes of a pixel of ${spacing}`, () => assert.deepEqual(geometry.pixelUnit(spacing), unit));
}

test("nothing inside has no statistics", () => {
  assert.deepEqual(geometry.ellipseRuns(readPoints("3 3, 3 3"), 10, 10), []);
  assert.equal(geometry.statistics([1, 2], 2, []), null);
});

test("a falling scale keeps least and greatest apart", () => {
  const { min, max, sd } = geometry.statistics([0, 10], 2, [[0, 0, 2]], -2, 5);
  assert.deepEqual([min, max, sd], [-15, 5, 10]);
});

const LINES = [
  [[0, 3], "0 0, 10 0", null, 3],
  [[13, 4], "0 0, 10 0", null, 5], // beyond the end
  [[0, 3], "0 0, 10 0", [2, 1], 6],
  [[1, 1], "4 5, 4 5", null, 5],
];

for (const [point, line, spacing, expected] of LINES) {
  test(`distance of ${point} from the line ${line}`, () => {
    assertClose(geometry.toLine(point, ...readPoints(line), spacing), expected);
  });
}

test("simplifying keeps corners", () => {
  const line = readPoints("0 0, 1 0.01, 2 -0.01, 3 0, 3 2, 3 4");
  assert.deepEqual(geometry.simplify(line, 0.1), readPoints("0 0, 3 0, 3 4"));
  const circle = Array.from({ length: 360 }, (_, k) => (k * Math.PI) / 180).map((angle) => [
    10 * Math.cos(angle),
    10 * Math.sin(angle),
  ]);
  const fewer = geometry.simplify(circle, 0.1);
  assert.ok(fewer.length < 60);
  assertClose(geometry.polygonArea(fewer, null), 100 * Math.PI, 0.02);
});
