// The longest perpendicular inside a shape, as Python's tests have it.
import { test } from "node:test";

import * as chords from "../../../assets/js/measure/chords.js";
import { assertClose, readCases, readPicture } from "../support.js";

for (const { name, rows, spacing, chord, start, ...expected } of readCases("perpendiculars")
  .cases) {
  test(name, () => {
    const { mask: data, width: w, height: h } = readPicture(rows.join(" "));
    const [x1, y1, x2, y2] = chord;
    const found = chords.perpendicular({ w, h, data }, { x1, y1, x2, y2 }, spacing, start);
    assertClose([found.x1, found.y1, found.x2, found.y2], expected.perpendicular, 1e-6);
    assertClose(found.length, expected.length, 1e-6);
  });
}
