// The data of a chart in a table, and the names of its files.
import assert from "node:assert/strict";
import { test } from "node:test";

import { cellWords, fileNameOf } from "../../../assets/js/charts/chart_data.js";

test("a table shows whole numbers whole and others with three decimals", () => {
  const cells = [1105, 0.97961, null, "fold 1", 0];
  assert.deepEqual(cells.map(cellWords), ["1,105", "0.980", "–", "fold 1", "0"]);
});

test("a file is named after the chart", () => {
  assert.equal(fileNameOf("ROC curve: slice score (AUC)"), "roc-curve-slice-score-auc");
  assert.equal(fileNameOf("—"), "chart");
});
