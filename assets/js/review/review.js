// @ts-check
/**
 * The review page as a whole: opens the study in the page's address and keeps the address up to
 * date.
 */

/** @import { Session } from "../viewer/session.js" */

import { register, setProps } from "../frame/dash.js";
import { byId, find, query } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as shell from "../frame/shell.js";
import * as correction from "../correct/correction.js";
import * as correctionLayer from "../correct/correction_layer.js";
import * as correctionStore from "../correct/correction_store.js";
import * as editBar from "../correct/edit_bar.js";
import * as editTools from "../correct/edit_tools.js";
import * as arrowText from "../measure/arrow_text.js";
import * as bidimensional from "../measure/bidimensional.js";
import * as measureCopy from "../measure/measure_copy.js";
import * as measureKeys from "../measure/measure_keys.js";
import * as measureList from "../measure/measure_list.js";
import * as measureStore from "../measure/measure_store.js";
import * as measureTools from "../measure/measure_tools.js";
import * as measures from "../measure/measures.js";
import * as cine from "../viewer/cine.js";
import * as corners from "../viewer/corners.js";
import * as drawing from "../viewer/drawing.js";
import { firstSlice } from "../viewer/slices.js";
import * as linked from "../viewer/linked.js";
import * as magnifier from "../viewer/magnifier.js";
import * as notes from "../viewer/notes.js";
import * as operatingPoint from "../viewer/operating_point.js";
import * as pixelValue from "../viewer/pixel_value.js";
import * as pointer from "../viewer/pointer.js";
import * as projection from "../viewer/projection.js";
import * as threshold from "../viewer/threshold.js";
import * as tools from "../viewer/tools.js";
import * as touch from "../viewer/touch.js";
import * as viewer from "../viewer/viewer.js";
import * as windowPresets from "../viewer/window_presets.js";
import * as planes from "../volume/planes.js";
import * as space from "../volume/space.js";
import * as analysis from "./analysis.js";
import * as correctionPanel from "./correction_panel.js";
import * as decisionPanel from "./decision_panel.js";
import * as exports from "./exports.js";
import * as findings from "./findings.js";
import * as input from "./input.js";
import * as leftOut from "./left_out.js";
import * as legend from "./legend.js";
import * as lesionList from "./lesion_list.js";
import * as next from "./next.js";
import * as priors from "./priors.js";
import * as rail from "./rail.js";
import * as readingNotes from "./reading_notes.js";
import * as readingStore from "./reading_store.js";
import * as strip from "./strip.js";
import * as studyEntries from "./study_entries.js";
import * as studyLoad from "./study_load.js";
import * as tour from "./tour.js";
import * as trust from "./trust.js";

/** @typedef {{ study_id: string, slice: number | null }} Wanted slice: its number in the file. */

const ADDRESS_MS = 250;
const STORED = "overread.last";
/** Parts of the page, in the order in which they receive events and list their keys. */
const PARTS = [
  drawing,
  pointer,
  tools,
  input,
  windowPresets,
  projection,
  cine,
  magnifier,
  linked,
  planes,
  space,
  strip,
  rail,
  corners,
  pixelValue,
  findings,
  trust,
  leftOut,
  measureStore,
  bidimensional,
  measureTools,
  measureKeys,
  arrowText,
  measureCopy,
  measureList,
  measures,
  legend,
  threshold,
  operatingPoint,
  analysis,
  correction,
  correctionLayer,
  correctionStore,
  notes,
  editTools,
  editBar,
  correctionPanel,
  studyEntries,
  readingStore,
  decisionPanel,
  readingNotes,
  exports,
  lesionList,
  priors,
  next,
  tour,
  touch,
];
/** @type {(() => void) | null} */
let unmount = null;
let addressTimer = 0;
let turn = 0;

/**
 * @param {string} title
 * @param {string} text
 */
function fail(title, text) {
  forget();
  document.querySelector(".review")?.setAttribute("hidden", "");
  const box = find("review-error");
  if (!box) return;
  box.hidden = false;
  byId("review-error-title").textContent = title;
  byId("review-error-text").textContent = text;
}

/** @param {Session} session */
function keepAddress({ study, k }) {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => {
    if (!location.pathname.endsWith("/review")) return;
    const address = `?study=${study.study_id}&slice=${study.indices[k]}`;
    history.replaceState(history.state, "", location.pathname + address);
    remember(address);
  }, ADDRESS_MS);
}

/** @param {string} address The query of the page's address. */
function remember(address) {
  try {
    sessionStorage.setItem(STORED, address);
  } catch {
    // the navigation then opens an empty review page
  }
  setProps("nav-review", { href: `/review${address}` });
}

function forget() {
  try {
    sessionStorage.removeItem(STORED);
  } catch {
    // nothing was stored
  }
}

function mount() {
  unmount?.();
  // React may reuse the page's elements for the next study: the signal removes our listeners.
  const leaving = new AbortController();
  unmount = all([
    ...PARTS.map((part) => part.mount(leaving.signal, openStudy)),
    viewer.on("slice", keepAddress),
    () => leaving.abort(),
  ]);
}

/** @param {Wanted} wanted */
function openStudy(wanted) {
  void open(wanted);
}

/**
 * Opens a study on the current page.
 *
 * @param {Wanted | null | undefined} wanted As in the page's store.
 */
export async function open(wanted) {
  const mine = ++turn;
  close();
  if (!wanted?.study_id || !document.querySelector(".review")) return;
  query(".review").hidden = false;
  byId("review-error").hidden = true;
  mount();
  try {
    const study = await studyLoad.get(wanted.study_id, () => mine === turn);
    if (!study) return;
    query(".review").removeAttribute("aria-busy");
    drawing.open(study, firstSlice(study, wanted.slice), studyLoad.loadedOf(study));
  } catch (error) {
    if (mine !== turn) return;
    fail("This study cannot be opened", error instanceof Error ? error.message : "");
  }
}

function close() {
  clearTimeout(addressTimer);
  drawing.close();
  unmount?.();
  unmount = null;
}

export function start() {
  shell.on("page", (path) => {
    if (path.startsWith("/review")) return;
    turn++;
    close();
  });
  next.start(openStudy);
  register("overread_review", { open: openStudy, job: analysis.update });
}
