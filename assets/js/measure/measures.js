// @ts-check
/**
 * Loads the measures of a result (diameters of the lesions, areas by threshold) once, from an
 * address that contains its digest, and shows the diameters in the findings panel.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { MaskName, One } from "./bidimensional.js" */

import { byId, find, letGoOfClick, make } from "../frame/dom.js";
import { all } from "../frame/events.js";
import { ask, pauseOf } from "../frame/server.js";
import * as correction from "../correct/correction.js";
import { numberOf } from "../viewer/slices.js";
import * as viewer from "../viewer/viewer.js";
import * as bidimensional from "./bidimensional.js";
import * as geometry from "../viewer/geometry.js";
import { spacing } from "./measure_shapes.js";
import * as measureStore from "./measure_store.js";

const MEASURING = "Measuring diameters.";

/**
 * @param {Session} session
 * @param {number} tries
 */
async function fetchFor(session, tries = 0) {
  const { result } = session.study;
  if (!result) return;
  // React may take the page away before the viewer hears that it was left.
  const isShown = () => find("viewer-threshold") !== null;
  const isWanted = () => viewer.now === session && session.study.result === result && isShown();
  const { ok, body } = await ask(result.measures_url);
  if (!isWanted()) return;
  if (ok) return viewer.setMeasures(body);
  byId("finding-rano").hidden = false;
  showState("failed", "Diameters could not be loaded. Retrying.");
  setTimeout(() => isWanted() && void fetchFor(session, tries + 1), pauseOf(tries));
}

/**
 * Diameters of the largest lesion of a mask; null until they are measured.
 *
 * @param {Session} now
 * @param {MaskName} which
 */
const main = (now, which) =>
  (now.measures && bidimensional.all(now, which).find(({ lesion }) => lesion?.number === 1)) ??
  null;

/**
 * The size as ["56 × 55", " mm"].
 *
 * @param {Session} now
 * @param {One} one
 */
function sizes({ measures, study }, { item: { points }, isAi, lesion }) {
  const isMm = measures?.unit === "mm";
  const mm = spacing(study);
  const lengths =
    isAi && lesion
      ? [lesion.longest.length, lesion.perpendicular.length]
      : [0, 2].map((i) => geometry.distance(points[i], points[i + 1], mm));
  const words = lengths.map((value) => value.toFixed(isMm && value < 10 ? 1 : 0));
  return [words.join(" × "), isMm ? " mm" : " pixels"];
}

/** What the two numbers of diameters are, in their order. */
export const LABELS = "long × short";

/**
 * Which lesion diameters belong to, beside the volume of all of them; "" where there is only one.
 *
 * @param {number} count Lesions of the mask, the first of which is the largest.
 */
export const lesionPrefix = (count) => (count > 1 ? `lesion 1 of ${count}, ` : "");

/**
 * The RANO assessment; "" while it is unknown.
 *
 * @param {Session} now
 * @param {MaskName} which
 * @param {One} one
 */
function rano(now, which, one) {
  const reason = bidimensional.reason(now, which, one);
  const mask = which === "ai" && bidimensional.isCorrected() ? " (AI mask)" : "";
  return reason && `RANO 2.0${mask}: ${reason}`;
}

/**
 * Shows the diameters of the AI mask, whether or not the reader has corrected it: "56 × 55 mm" as a
 * button that goes to the slice, and the RANO assessment.
 *
 * @param {Session} now
 */
function show(now) {
  if (now !== viewer.now) return;
  const one = main(now, "ai");
  const failure = bidimensional.sentence("ai");
  const isLate = bidimensional.isLate("ai");
  byId("finding-diameters-line").hidden = !one;
  for (const id of ["finding-diameters-line", "finding-measurable"])
    byId(id).setAttribute("aria-busy", String(isLate));
  byId("finding-rano").hidden = !now.measures || !(one || isLate || failure);
  byId("diameters-own").hidden = !one || one.isAi;
  if (one) describe(now, one);
  else if (failure) showState("failed", `Diameters of this mask could not be measured. ${failure}`);
  else showState("measuring", MEASURING);
}

/**
 * Shows the RANO assessment, or why it is not available.
 *
 * @param {"assessed" | "measuring" | "failed"} state Is in the document too, for tests.
 * @param {string} text
 */
function showState(state, text) {
  byId("finding-measurable").textContent = text;
  byId("finding-measurable").dataset.state = state;
}

/**
 * @param {Session} now
 * @param {One} one
 */
function describe(now, one) {
  const { item, isAi } = one;
  const [size, unit] = sizes(now, one);
  byId("finding-diameters").textContent = size;
  byId("finding-diameters-unit").textContent = unit;
  const count = bidimensional.lesions(now, "ai")?.length ?? 0;
  const which = count > 1 ? `Largest of ${count} lesions` : "Single lesion";
  // The longest diameter may be longer on another slice: explain how this one was chosen.
  const number = numberOf(now.study, item.k);
  const place = `slice ${number}`;
  const words = isAi
    ? `${which}: longest diameter and longest perpendicular on ${place}, where their product is` +
      " largest"
    : `${which}: diameters edited by the reader, on ${place}`;
  const line = byId("finding-diameters-line");
  const where = `go to ${place} of ${now.study.n}`;
  line.setAttribute("aria-label", `${size} ${now.measures?.unit}: ${where}`);
  line.title = `${words}. Click to go there.`;
  const caption = byId("finding-diameters-caption");
  const shown = `${lesionPrefix(count)}${LABELS}, ${place}`;
  caption.textContent = bidimensional.isLate("ai") ? "measuring" : shown;
  caption.dataset.slice = String(number);
  const assessment = rano(now, "ai", one);
  showState(assessment ? "assessed" : "measuring", assessment || MEASURING);
  const notes = [`${words}.`, ...bidimensional.notes(now, "ai")];
  const paragraphs = notes.map((text) =>
    make("p", { className: "finding-text", textContent: text }),
  );
  byId("finding-notes").replaceChildren(...paragraphs);
}

/**
 * Diameters of the corrected mask.
 *
 * @typedef {object} OwnDiameters
 * @property {string} size "56 × 55", or why it is missing; "" if nothing is to be measured.
 * @property {string} unit
 * @property {number | null} k Position of their slice; null without diameters.
 * @property {string} where Their slice, and whether the reader has edited them.
 * @property {string} criterion The RANO assessment, or why measuring failed.
 * @property {boolean} isLate
 * @property {string} which Which lesion it is, where there are several.
 */

/** @type {OwnDiameters} */
export const NO_DIAMETERS = {
  size: "",
  unit: "",
  k: null,
  where: "",
  criterion: "",
  isLate: false,
  which: "",
};

/**
 * @param {Session} now
 * @returns {OwnDiameters}
 */
export function ofCorrection(now) {
  const failure = bidimensional.sentence("own");
  const one = bidimensional.isCorrected() && main(now, "own");
  if (failure) return { ...NO_DIAMETERS, size: "not measured", criterion: failure };
  if (!one) return { ...NO_DIAMETERS, size: bidimensional.isLate("own") ? "measuring" : "" };
  const [size, unit] = sizes(now, one);
  const edited = one.isAi ? "" : ", edited by the reader";
  const where = `slice ${numberOf(now.study, one.item.k)}${edited}`;
  const criterion = rano(now, "own", one); // may start a request
  const isLate = bidimensional.isLate("own");
  const count = bidimensional.lesions(now, "own")?.length ?? 0;
  return { size, unit, k: one.item.k, where, criterion, isLate, which: lesionPrefix(count) };
}

/** The diameters of the AI mask in the findings panel. */
const shown = () => viewer.now && main(viewer.now, "ai");

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  const begin = (/** @type {Session} */ session) => {
    show(session);
    viewer.afterFirstSlice(session, () => void fetchFor(session));
  };
  const goThere = (/** @type {MouseEvent} */ event) => {
    letGoOfClick(event);
    const one = shown();
    if (one) viewer.goTo(one.item.k);
  };
  const takeBack = () => {
    const one = shown();
    if (one && !one.isAi) measureStore.change(one.item.id, null);
  };
  byId("finding-diameters-line").addEventListener("click", goThere, { signal });
  byId("diameters-back").addEventListener("click", takeBack, { signal });
  return all([
    viewer.on(["open", "result"], begin),
    viewer.on("measures", show),
    bidimensional.on(show),
    correction.on("change", ({ now }) => show(now)),
  ]);
}
