// @ts-check
/** The entry: modules do nothing when loaded; they are started here. */

import * as charts from "./charts/charts.js";
import * as comparisons from "./comparisons/comparisons.js";
import * as keyChoice from "./frame/key_choice.js";
import * as keys from "./frame/keys.js";
import * as pageRequests from "./frame/page_requests.js";
import * as reader from "./frame/reader.js";
import * as shell from "./frame/shell.js";
import * as review from "./review/review.js";
import * as studyLoad from "./review/study_load.js";
import * as tour from "./review/tour.js";
import * as uploadPanel from "./worklist/upload_panel.js";
import * as uploadSend from "./worklist/upload_send.js";
import * as worklist from "./worklist/worklist.js";
import * as worklistCells from "./worklist/worklist_cells.js";

/** In the order in which they receive events. */
const PARTS = [
  pageRequests,
  keyChoice, // before keys, whose events it may take
  tour,
  keys,
  reader,
  shell,
  worklistCells,
  worklist,
  uploadSend,
  uploadPanel,
  charts,
  comparisons,
  studyLoad,
  review,
];

for (const part of PARTS) part.start();
