// @ts-check
/**
 * State of the study in view. This module neither draws nor sends requests: others listen to its
 * events, first of all drawing.js.
 */

/** @import { Levels, Owned, Session, Show } from "./session.js" */
/** @import { Measures, Result, Study } from "./study.js" */

import { all, Events } from "../frame/events.js";

/**
 * open, close, slice (another one was chosen), painted (it is on the screen), failed (it could not
 * be loaded), display (toggles, window, tool), channel, mode, result, measures (of the result),
 * threshold (mask threshold or operating point), areas (reference areas became known), view (zoom,
 * position).
 *
 * @typedef {"open" | "close" | "slice" | "painted" | "failed" | "display" | "channel" | "mode"
 *   | "result" | "measures" | "threshold" | "areas" | "view"} ViewerEvent
 */

/**
 * This module's fields, which no other module writes.
 *
 * @typedef {Owned<"k" | "channel" | "windows" | "invert" | "slab" | "show" | "tool" | "threshold"
 *   | "operatingPoint" | "measures" | "referenceAreas" | "dragging">} Own
 */

/** @type {Show} */
const SHOWN = {
  ai: true,
  reference: true,
  correction: true,
  hidden: false,
  fill: false,
  diameters: true,
  opacity: 0.25,
  map: "none",
  mapOpacity: 0.6,
};

/** @type {Session | null} null while no study is open */
export let now = null;

/** @type {Events<ViewerEvent, Session>} */
const events = new Events();
/** Listens to events of the study in view. */
export const { on } = events;

/**
 * Emits an event of the study in view; called by the owner of the field that changed.
 *
 * @param {ViewerEvent} name
 */
export function emit(name) {
  if (now) events.emit(name, now);
}

/** @type {() => Own} the study in view, writable */
const own = () => opened();

/**
 * The study in view.
 *
 * @throws {Error} If none is open.
 */
export function opened() {
  if (!now) throw new Error("No study is open.");
  return now;
}

/**
 * Opens a study; the previous one has been closed.
 *
 * @param {Study} study
 * @param {number} k The first slice to show.
 * @param {Pick<Session, "channel" | "second" | "view" | "loader">} parts
 */
export function open(study, k, parts) {
  now = {
    study,
    k,
    ...parts,
    windows: study.windows.map(([low, high]) => ({ low, high })),
    invert: false,
    slab: 1,
    show: SHOWN,
    tool: "window",
    mode: "one",
    threshold: null,
    operatingPoint: null,
    measures: null,
    referenceAreas: study.reference_area_px ?? new Array(study.n).fill(null),
    dragging: false,
    panes: [],
    screen: null,
    scale: null,
    painted: null,
  };
  emit("open");
  emit("slice");
  return now;
}

/**
 * Runs what would compete with the first slice of a study: once that is on the screen, or could not
 * be loaded; at once if it is there; never if the study is closed before.
 *
 * @param {Session} session
 * @param {() => void} run
 */
export function afterFirstSlice(session, run) {
  if (session.painted) return run();
  const stop = all([
    on(["painted", "failed"], () => {
      stop();
      run();
    }),
    on("close", () => stop()),
  ]);
}

/** Closes the study; listeners of "close" are the last to see it. */
export function close() {
  emit("close");
  now = null;
}

/**
 * Goes to a slice; beyond the ends, to the first or the last one.
 *
 * @param {number} k
 */
export function goTo(k) {
  if (!now) return;
  const to = Math.min(now.study.n - 1, Math.max(0, Math.round(k)));
  if (to === now.k) return;
  own().k = to;
  emit("slice");
}

/**
 * @typedef {object} Change How the study is shown; omitted fields stay as they are.
 * @property {Partial<Show>} [show]
 * @property {boolean} [invert]
 * @property {number} [slab]
 * @property {string} [tool]
 * @property {Levels} [window]
 * @property {number} [channel] Channel of the window; by default the one in view.
 * @property {number | null} [threshold]
 * @property {number | null} [operatingPoint]
 */

/** @param {Change} change */
export function display(change) {
  const { show, invert, slab, tool, window, channel, threshold, operatingPoint } = change;
  if (!now) return;
  const mine = own();
  if (show) mine.show = { ...now.show, ...show };
  if (window) mine.windows = now.windows.with(channel ?? now.channel, window);
  if (invert !== undefined) mine.invert = invert;
  if (slab !== undefined) mine.slab = slab;
  if (tool) mine.tool = tool;
  if (threshold !== undefined) mine.threshold = threshold;
  if (operatingPoint !== undefined) mine.operatingPoint = operatingPoint;
  if (threshold !== undefined || operatingPoint !== undefined) emit("threshold");
  emit("display");
}

/** @param {number} channel */
export function chooseChannel(channel) {
  if (!now || channel === now.channel) return;
  own().channel = channel;
  emit("channel");
  emit("display");
}

/**
 * Sets what an analysis gave.
 *
 * @param {Result | null} result
 * @param {string | null} [noResult] Why the study has none.
 */
export function setResult(result, noResult = null) {
  if (!now) return;
  // other modules hold the study object, so it must stay the same one
  Object.assign(now.study, { result, no_result: noResult });
  Object.assign(own(), { measures: null, threshold: null, operatingPoint: null });
  emit("result");
  emit("slice");
}

/** @param {Measures} measures */
export function setMeasures(measures) {
  if (!now) return;
  own().measures = measures;
  if (measures.reference_px) own().referenceAreas = measures.reference_px;
  emit("measures");
  emit("areas");
}

/**
 * Sets the number of reference pixels on a slice.
 *
 * @param {number} k
 * @param {number} area
 */
export function setReferenceArea(k, area) {
  own().referenceAreas = opened().referenceAreas.with(k, area);
  emit("areas");
}

/** @param {boolean} dragging Whether a drag is in progress. */
export function setDragging(dragging) {
  if (now) own().dragging = dragging;
}
