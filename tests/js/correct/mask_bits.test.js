// Packed masks: their bits, differences for undo, and the form in which they travel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync, inflateSync } from "node:zlib";

import * as maskBits from "../../../assets/js/correct/mask_bits.js";
import * as maskShapes from "../../../assets/js/correct/mask_shapes.js";
import { createRandom, readCases, readPicture } from "../support.js";

const { pack, unpack, count, both, difference, flip, equal, encode, decode } = maskBits;

for (const length of [1, 7, 8, 9, 64, 1000, 5003]) {
  for (const share of [0, 0.01, 0.5, 1]) {
    test(`bits, differences and counts of ${length} pixels, ${share} of them inside`, () => {
      const random = createRandom(length);
      const make = () => Uint8Array.from({ length }, () => Number(random() < share));
      const [a, b] = [make(), make()];
      const [p, q] = [pack(a), pack(b)];
      const change = difference(p, q);
      assert.deepEqual(unpack(p, length), a);
      assert.deepEqual(flip(p, change), q);
      assert.deepEqual(flip(q, change), p);
      assert.equal(difference(p, p).length, 0);
      assert.equal(
        equal(p, q),
        a.every((value, i) => value === b[i]),
      );
      assert.equal(count(p), a.filter((value) => value).length);
      assert.equal(both(p, q), a.filter((value, i) => value && b[i]).length);
    });
  }
}

test("a brush stroke of a large slice is kept in a few bytes", () => {
  const image = { width: 512, height: 512 };
  const before = new Uint8Array(512 * 512);
  maskShapes.stroke(before, image, { x: 250, y: 250 }, { x: 260, y: 250 }, 80, 1);
  const after = before.slice();
  maskShapes.stroke(after, image, { x: 330, y: 250 }, { x: 350, y: 280 }, 10, 1);
  const kept = difference(pack(before), pack(after)).length;
  assert.ok(kept > 0 && kept < 1000, `${kept} of 32,768 bytes`);
});

test("a mask comes back as it was sent, its slices in order", async () => {
  const random = createRandom();
  const study = { n: 5, height: 9, width: 11 };
  const make = () => pack(Uint8Array.from({ length: 99 }, () => Number(random() > 0.5)));
  const slices = new Map([4, 0, 3].map((k) => [k, make()]));
  const found = await decode(await encode(slices, study), study);
  assert.deepEqual([...found.keys()], [0, 3, 4]);
  for (const [k, bits] of found) assert.deepEqual(bits, slices.get(k));
});

const TABLE = readCases("mask_encoding");
const studyOf = ([n, height, width]) => ({ n, height, width });
const bytesOf = ({ raw }) => Buffer.from(raw.replaceAll(" ", ""), "hex");
const compressed = (case_) => deflateSync(bytesOf(case_)).toString("base64");

for (const case_ of TABLE.cases) {
  const slices = new Map(
    Object.entries(case_.slices).map(([k, rows]) => [
      Number(k),
      pack(readPicture(rows.join(" ")).mask),
    ]),
  );

  test(`encoding: ${case_.name}`, async () => {
    const sent = await encode(slices, studyOf(case_.shape));
    assert.deepEqual(inflateSync(Buffer.from(sent, "base64")), bytesOf(case_));
  });

  test(`decoding: ${case_.name}`, async () => {
    const found = await decode(compressed(case_), studyOf(case_.shape));
    assert.deepEqual([...found].sort(), [...slices].sort());
  });
}

for (const case_ of TABLE.refused) {
  test(`refused: ${case_.name}`, async () => {
    await assert.rejects(decode(compressed(case_), studyOf(case_.shape)), {
      message: "The mask does not belong to this study.",
    });
  });
}
