// Rows as comma-separated values.
import assert from "node:assert/strict";
import { test } from "node:test";

import { csvOf, spreadsheetText } from "../../../assets/js/frame/csv.js";
import { readCases } from "../support.js";

for (const { text, cell } of readCases("spreadsheet_texts").texts) {
  test(`the text ${JSON.stringify(text)}`, () => assert.equal(spreadsheetText(text), cell));
}

test("numbers are in full, what is missing is empty, and quotes are where they must be", () => {
  const rows = [
    ["Case", "Dice"],
    ["a, b", 0.123456789],
    ['say "no"', null],
    ["two\nlines", -3],
    ["=1,2", true],
  ];
  const lines = ["Case,Dice", '"a, b",0.123456789', '"say ""no""",', '"two\nlines",-3'];
  assert.equal(csvOf(rows), `${lines.join("\r\n")}\r\n"'=1,2",true\r\n`);
});
