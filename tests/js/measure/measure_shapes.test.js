// Kinds of measurements: their lines, their ends, what they say.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as shapes from "../../../assets/js/measure/measure_shapes.js";
import { assertClose, readCases, readPoints } from "../support.js";

const SIZE = { width: 20, height: 10 };
const make = (kind, points) => ({ id: "x", kind, k: 0, points: readPoints(points) });

const TABLE = readCases("measurements");

// The lines of a path; a closed one ends where it begins.
const linesOf = (path) =>
  [...path.matchAll(/M([^MZ]+)(Z?)/g)].map(([, line, closed]) => {
    const points = line.split("L").map((point) => point.split(" ").map(Number));
    return closed ? [...points, points[0]] : points;
  });

for (const { kind, points, lines } of TABLE.lines) {
  test(`the lines of ${kind}`, () => {
    assert.deepEqual(linesOf(shapes.path({ id: "x", kind, k: 0, points })), lines);
  });
}

for (const { points, centre, radii } of TABLE.ellipses) {
  test(`the ellipse in ${points}`, () => {
    const [rx, ry] = radii;
    const start = `${(centre[0] - rx).toFixed(2)} ${centre[1].toFixed(2)}`;
    const half = `a${rx} ${ry} 0 1 0`;
    const path = `M${start}${half} ${2 * rx} 0${half} ${-2 * rx} 0Z`;
    assert.equal(shapes.path({ id: "x", kind: "ellipse", k: 0, points }), path);
  });
}

for (const { points, scale, sides } of TABLE.arrow_heads) {
  test(`the head of the arrow ${points}`, () => {
    const [line] = linesOf(shapes.arrowHead(points, scale));
    const shown = line.map(([x, y]) => [x * scale[0], y * scale[1]]);
    const tip = [points[0][0] * scale[0], points[0][1] * scale[1]];
    assertClose(shown, [sides[0], tip, sides[1]], 0.01); // a path has two decimals
  });
}

test("an ellipse is changed by the ends of its axes", () => {
  const ellipse = make("ellipse", "6 3, 2 1");
  assert.deepEqual(shapes.handles(ellipse), readPoints("2 2, 6 2, 4 1, 4 3"));
  const wider = shapes.withHandle(ellipse, 1, [9, 7], SIZE);
  assert.deepEqual(wider.points, readPoints("2 1, 9 3"));
});

test("an end stays on the image", () => {
  const ruler = shapes.withHandle(make("ruler", "1 2, 3 4"), 0, [-5, 99], SIZE);
  assert.deepEqual(ruler.points, readPoints("0 10, 3 4"));
});

test("what is moved keeps its form at the edge", () => {
  const moved = shapes.moved(make("ruler", "1 2, 5 4"), 99, -99, SIZE);
  assert.deepEqual(moved.points, readPoints("16 0, 20 2"));
});

const DISTANCES = [
  { kind: "ruler", points: "0 0, 10 0", point: [5, 3], scale: [1, 1], pixels: 3 },
  { kind: "ruler", points: "0 0, 10 0", point: [5, 3], scale: [4, 2], pixels: 6 },
  { kind: "area", points: "0 0, 4 0, 4 4", point: [2, 2], scale: [1, 1], pixels: 0 }, // closed
  { kind: "angle", points: "0 0, 4 0, 4 4", point: [2, 2], scale: [1, 1], pixels: 2 },
  { kind: "diameters", points: "0 0, 8 0, 4 1, 4 5", point: [5, 4], scale: [1, 1], pixels: 1 },
];

for (const { kind, points, point, scale, pixels } of DISTANCES) {
  test(`${point} is ${pixels} screen pixels from ${kind} ${points}`, () => {
    assertClose(shapes.distance(make(kind, points), point, scale), pixels);
  });
}

const WORDS = [
  ["ruler", "0 0, 3 4", null, "5.0 px"],
  ["ruler", "0 0, 3 4", [9, 2, 1], "8.5 mm"],
  ["angle", "1 0, 0 0, 0 1", null, "90.0°"],
  ["angle", "1 0, 1 0", null, "no angle"],
  ["diameters", "0 0, 8 0, 4 1, 4 5", [9, 1, 1], `long 8.0 × short 4.0 mm; ${shapes.EDITED}`],
  ["area", "0 0, 40 0, 40 30, 0 30", null, "1,200 px"],
  ["area", "0 0, 4 0, 4 3, 0 3", [9, 2, 1], "24.0 mm²"],
  ["area", "0 0, 40 0, 40 30, 0 30", [9, 1, 1], "12.00 cm²"],
];

for (const [kind, points, spacing, words] of WORDS) {
  test(`${kind} ${points} at ${spacing} says ${words}`, () => {
    const study = { spacing_mm: spacing, pixels_url: "/{slice}", ...SIZE };
    const now = { study, channel: 0, loader: { get: () => undefined } }; // no pixels yet
    assert.equal(shapes.words(make(kind, points), now).join("; "), words);
  });
}

test("an area says what its pixels are", () => {
  const study = {
    ...SIZE,
    spacing_mm: null,
    pixels_url: "/{slice}",
    slope: 2,
    intercept: -10,
    channels: [{ label: "FLAIR" }],
  };
  const stored = Uint8Array.from({ length: 200 }, (_, i) => i % 20);
  const now = { study, channel: 0, loader: { get: (url) => (url === "/0" ? stored : undefined) } };
  const found = shapes.words(make("area", "2 0, 6 0, 6 2, 2 2"), now);
  assert.deepEqual(found, ["8 px", "Mean −3.00  SD 2.24", "Min −6  Max 0", "FLAIR"]);
});

test("the head of an arrow is at its first end and keeps its size on the screen", () => {
  for (const scale of [
    [1, 1],
    [4, 2],
  ]) {
    const found = shapes.arrowHead(readPoints("5 5, 15 5"), scale);
    const [first, tip, last] = found
      .slice(1)
      .split("L")
      .map((one) => one.split(" ").map(Number));
    assert.deepEqual(tip, [5, 5]);
    for (const side of [first, last]) {
      const [dx, dy] = [(side[0] - 5) * scale[0], (side[1] - 5) * scale[1]];
      assertClose(Math.hypot(dx, dy), 14, 0.01);
      assert.ok(dx > 10);
    }
    assertClose(first[1] + last[1], 10, 0.01);
  }
});

test("an arrow says its text", () => {
  const now = { study: { spacing_mm: null } };
  assert.deepEqual(shapes.words({ ...make("arrow", "1 2, 3 4"), text: "edema" }, now), ["edema"]);
});
