// What the page says of a decision, of what is missing, and of the history.
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  lineText,
  missingText,
  reasonText,
  statusText,
} from "../../../assets/js/review/decision_panel.js";
import { durationText, eventText } from "../../../assets/js/review/reading_notes.js";

const decision = { verdict: "reject", reason: "false lesion", by: { author: "Ada" } };

test("a decision names reason and reader until it is signed", () => {
  const words = statusText({ decision, state: "read", records: [] });
  for (const part of ["Reject", "false lesion", "Ada"]) assert.ok(words.includes(part), words);
  assert.equal(statusText({ decision: null, state: "in review", records: [] }), "");
});

test("a signed study shows what was signed, not what is recorded since", () => {
  const records = [{ verdict: "accept", author: "Ben", signed_at: "2026-01-02T03:04:05Z" }];
  const words = statusText({ decision, state: "amended", records });
  assert.ok(words.includes("Accept") && words.includes("Ben") && !words.includes("Ada"), words);
});

test("a decision that waits for its reason leaves the recorded one in force", () => {
  assert.match(reasonText("reject", { verdict: "accept" }), /“Reject”.*“Accept” stays recorded/);
  assert.doesNotMatch(reasonText("reject", null), /recorded/);
});

test("what is recorded is always said, and that the mask contradicts it", () => {
  assert.equal(lineText("", "Accept.", false), "Accept.");
  assert.equal(lineText("Refused.", "Accept.", true), "Refused. Accept.");
  assert.match(lineText("", "Accept.", true), /Accept with changes.* Accept\.$/);
  assert.equal(lineText("", "", false), "");
});

test("missing slices are counted", () => {
  assert.equal(missingText(0), "");
  assert.match(missingText(1), /^1 marked slice /);
  assert.match(missingText(3), /^3 marked slices /);
});

test("durations", () => {
  assert.equal(durationText(5.4), "5 s");
  assert.equal(durationText(125), "2 min 5 s");
});

test("every event has its words, and an unknown one its name", () => {
  const details = {
    text: "t",
    number: 2,
    network: "ab".repeat(32),
    added: 3,
    removed: 4,
    open_s: 9,
  };
  assert.match(eventText({ event: "corrected", details }), /2.*3.*4/);
  assert.match(eventText({ event: "amended", details }), /2.*t/);
  assert.equal(eventText({ event: "later", details }), "later");
});
