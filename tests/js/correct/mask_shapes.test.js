// What can be done to a mask on a slice.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as maskShapes from "../../../assets/js/correct/mask_shapes.js";
import { assertClose, createRandom, readPicture, readPoints, showPicture } from "../support.js";

const rows = (picture) => picture.trim().split(/\s+/).join(" ");

const GROWN = [
  {
    before: `.....
             .....
             ..#..
             .....`,
    grown: `.....
            ..#..
            .###.
            ..#..`,
    shrunk: "..... ..... ..... .....",
  },
  {
    before: `##...
             ##...
             .....
             ....#`,
    grown: `###..
            ###..
            ##..#
            ...##`,
    shrunk: "..... ..... ..... .....",
  },
  {
    before: `.....
             .###.
             .###.
             .###.
             .....`,
    grown: `.###.
            #####
            #####
            #####
            .###.`,
    shrunk: "..... ..... ..#.. ..... .....",
  },
  { before: "##### ##### #####", grown: "##### ##### #####", shrunk: "..... .###. ....." },
  { before: "... ...", grown: "... ...", shrunk: "... ..." },
];

for (const { before, grown, shrunk } of GROWN) {
  test(`grow and shrink ${rows(before)}`, () => {
    const { mask, width } = readPicture(before);
    assert.equal(showPicture(maskShapes.grow(mask, { width }), width), rows(grown));
    assert.equal(showPicture(maskShapes.shrink(mask, { width }), width), rows(shrunk));
  });
}

// A square in the middle of 9 x 9 pixels.
function square(edge) {
  const isInside = (x, y) => Math.max(Math.abs(x - 4), Math.abs(y - 4)) <= (edge - 1) / 2;
  const mask = Uint8Array.from({ length: 81 }, (_, i) =>
    Number(isInside(i % 9, Math.floor(i / 9))),
  );
  return showPicture(mask, 9);
}

const BETWEEN = [
  // half-way between a block of 3 and one of 7: one of 5
  [square(3), square(7), 0.5, square(5)],
  [square(7), square(3), 0.5, square(5)],
  // a quarter of the way, the ring around the block of 3 lies at -0.5 x 3/4 + 1.5 / 4 = 0
  [square(3), square(7), 0.25, square(3)],
  ["....... .#####. .......", "....... .#####. .......", 0.5, "....... .#####. ......."],
  // at the ends, the ends themselves
  ["....... ...#... .......", "....... .#####. .......", 0, "....... ...#... ......."],
  ["....... ...#... .......", "....... .#####. .......", 1, "....... .#####. ......."],
  // a block that moves by two columns lies one further half-way; its corners lie right on 0
  [
    "####... ####... ####... ####...",
    "..####. ..####. ..####. ..####.",
    0.5,
    "..##... .####.. .####.. ..##...",
  ],
  // what lies apart has nothing between it, nor has a mask and none
  ["#...... .......", "....... ......#", 0.5, "....... ......."],
  ["####... ####...", "....... .......", 0.5, "....... ......."],
  ["....... .......", "....... .......", 0.5, "....... ......."],
];

for (const [one, other, share, expected] of BETWEEN) {
  test(`${share} of the way from ${one} to ${other}`, () => {
    const { mask, width, height } = readPicture(one);
    const [made] = maskShapes.between(mask, readPicture(other).mask, { width, height }, [share]);
    assert.equal(showPicture(made, width), expected);
  });
}

test("distances are those between all pixels", () => {
  const random = createRandom();
  const width = 13;
  const height = 9;
  const mask = Uint8Array.from({ length: width * height }, () => Number(random() > 0.8));
  const inside = [...mask.keys()].filter((i) => mask[i]);
  const apart = (i, j) =>
    Math.hypot((i % width) - (j % width), 2.5 * (Math.floor(i / width) - Math.floor(j / width)));
  const expected = [...mask.keys()].map((i) => Math.min(...inside.map((j) => apart(i, j))));
  assertClose([...maskShapes.distances(mask, { width, height, unit: [1, 2.5] }, 1)], expected);
});

const STROKES = [
  [[2.5, 1.5], [2.5, 1.5], 0.5, [1, 1], "..... ..#.. ....."],
  [[2.9, 1.1], [2.9, 1.1], 0.5, [1, 1], "..... ..#.. ....."], // wherever in the pixel
  [[2.5, 1.5], [2.5, 1.5], 1, [1, 1], "..#.. .###. ..#.."],
  [[1.5, 1.5], [3.5, 1.5], 1, [1, 1], ".###. ##### .###."],
  [[0.5, 0.5], [4.5, 2.5], 0.3, [1, 1], "##... .###. ...##"], // no gap, however fast
  [[2.5, 1.5], [2.5, 1.5], 2, [1, 2], "..#.. ##### ..#.."], // round on the screen
  [[-9, -9], [-5, -9], 2, [1, 1], "..... ..... ....."],
  [[-1, 1.5], [0.5, 1.5], 1, [1, 1], "#.... ##... #...."],
];

const point = ([x, y]) => ({ x, y });

for (const [start, end, radius, unit, painted] of STROKES) {
  test(`a stroke of ${radius} from ${start} to ${end} on pixels of ${unit}`, () => {
    const mask = new Uint8Array(15);
    maskShapes.stroke(mask, { width: 5, height: 3, unit }, point(start), point(end), radius, 1);
    assert.equal(showPicture(mask, 5), painted);
  });
}

const POLYGONS = [
  ["1 1, 4 1, 4 3, 1 3", "..... .###. .###. ....."],
  ["1 1, 1 3, 4 3, 4 1", "..... .###. .###. ....."], // the other way round
  ["0 0, 4 0, 0 4", "###.. ##... #.... ....."], // centres right on the line stay out
  ["-3 -3, 9 -3, 9 9, -3 9", "##### ##### ##### #####"],
  ["1.6 1.6, 2.4 1.6, 2.4 2.4, 1.6 2.4", "..... ..... ..... ....."],
  ["1 0, 3 4, 3 0, 1 4", "..... .##.. .##.. ....."], // crosses itself
];

for (const [points, filled] of POLYGONS) {
  test(`polygon ${points}`, () => {
    const mask = new Uint8Array(20);
    maskShapes.polygon(mask, { width: 5, height: 4 }, readPoints(points).map(point), 1);
    assert.equal(showPicture(mask, 5), filled);
  });
}

test("a hole, a piece and the outside", () => {
  const image = readPicture(`.......
                             .###..#
                             .#.#..#
                             .###...
                             .......
                             ..#....`);
  const places = readPoints("2.5 2.5, 1.2 1.9, 6.5 1.5, 0.5 0.5, 2.5 5.5");
  const found = places.map((at) => {
    const { pixels, value, open } = maskShapes.region(image.mask, image, point(at));
    return [pixels.reduce((a, b) => a + b), value, open];
  });
  // corners do not join: the hole is one pixel, its ring eight
  assert.deepEqual(found, [
    [1, 0, false],
    [8, 1, false],
    [2, 1, true],
    [30, 0, true],
    [1, 1, true],
  ]);
});
