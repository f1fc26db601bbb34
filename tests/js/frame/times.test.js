// Dates and times in words.
import assert from "node:assert/strict";
import { test } from "node:test";

import { dateAndTime, dateOf, timeSinceToday } from "../../../assets/js/frame/times.js";

test("dates and times are those of the browser's time zone", () => {
  const at = new Date(2026, 0, 2, 3, 4).toISOString();
  assert.equal(dateOf(at), "2026-01-02");
  assert.equal(dateAndTime(at), "2026-01-02 03:04");
});

test("a time of today has no date", () => {
  const now = new Date().toISOString();
  assert.equal(`${dateOf(now)} ${timeSinceToday(now)}`, dateAndTime(now));
  const before = new Date(2020, 5, 7, 8, 9).toISOString();
  assert.equal(timeSinceToday(before), "2020-06-07 08:09");
});
