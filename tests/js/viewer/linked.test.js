// Which views a study opens in.
import assert from "node:assert/strict";
import { test } from "node:test";

import * as linked from "../../../assets/js/viewer/linked.js";
import * as panes from "../../../assets/js/viewer/panes.js";

// A study of series by their sequences; "t1=flair" is missing and shows FLAIR instead.
function study(sequences, reference = false) {
  const names = sequences.split(" ").map((one) => one.split("="));
  return {
    reference_url: reference ? "/reference" : null,
    channels: names.map(([sequence, same]) => ({
      sequence,
      label: sequence.toUpperCase(),
      same_as: same ? names.findIndex(([other]) => other === same) : null,
    })),
  };
}

test("T1 post-contrast is the default partner where there is one", () => {
  assert.equal(panes.firstSecond(study("t1 flair t1c", true), 1), 2);
  assert.equal(panes.firstSecond(study("t1 flair", true), 1), "reference");
  assert.equal(panes.firstSecond(study("t1 flair"), 1), 0);
  assert.equal(panes.firstSecond(study("t1 flair t1c=flair", true), 1), "reference");
  assert.equal(panes.firstSecond(study("flair t1c", true), 1), "reference");
  assert.equal(panes.firstSecond(study("flair"), 0), "bare");
});

test("three views need three series, in their usual order", () => {
  assert.deepEqual(panes.companions(study("t1c flair t1"), 1), [2, 0]);
  assert.deepEqual(panes.companions(study("t1 flair t1c"), 0), [1, 2]);
  assert.deepEqual(panes.companions(study("t2 flair t1c"), 1), [2, 0]);
  assert.equal(panes.companions(study("t1 flair t1c=flair"), 1), null);
});

test("a study opens in the reader's views as far as it has their series", () => {
  const cases = [
    ["t1 flair t1c", "three", "", "three", 2],
    ["t1 flair", "three", "", "linked", 0],
    ["flair", "three", "", "one", "bare"],
    ["t1 flair t1c", "linked", "", "linked", 2],
    ["t1 flair t1c", "linked", "t1", "linked", 0],
    ["flair t1c", "linked", "t1", "linked", 1],
    ["flair", "linked", "t1c", "one", "bare"],
    ["flair", "linked", "bare", "linked", "bare"],
    ["t1 flair t1c", "one", "t1", "one", 0],
  ];
  for (const [sequences, view_mode, second_view, mode, second] of cases) {
    const one = study(sequences);
    const channel = one.channels.findIndex(({ sequence }) => sequence === "flair");
    const found = linked.hanging(one, channel, { view_mode, second_view });
    assert.deepEqual(found, { mode, second }, `${sequences} ${view_mode} ${second_view}`);
  }
});
