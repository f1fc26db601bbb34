// @ts-check
/**
 * Draws the reader's mask over the slice: a double line of its own colour, filled where the fill is
 * on. A saved version may stand in its place.
 */

/** @import { Pane } from "../viewer/panes.js" */
/** @import { Session } from "../viewer/session.js" */
/** @import { Study } from "../viewer/study.js" */
/** @import { Base, Slices, Spec } from "./correction.js" */
/** @import { Source } from "./mask_sources.js" */

import { makeSvg } from "../frame/dom.js";
import { all, Events } from "../frame/events.js";
import * as contours from "../viewer/contours.js";
import * as overlays from "../viewer/overlays.js";
import * as panes from "../viewer/panes.js";
import * as viewer from "../viewer/viewer.js";
import * as correction from "./correction.js";
import * as maskBits from "./mask_bits.js";
import * as maskSources from "./mask_sources.js";
import { say } from "./said.js";

/**
 * A saved version that is shown in place of the mask in hand.
 *
 * @typedef {object} Version
 * @property {number} number
 * @property {string} author
 * @property {Base} base
 * @property {Source} source
 */

/**
 * The mask that is drawn.
 *
 * @typedef {object} Drawn
 * @property {Slices} touched
 * @property {Source} under Of all other slices.
 * @property {Spec} spec What `under` is called on the server.
 */

const CLASSES = ["correction-fill", "correction-line", "correction-core"];
/** @type {Slices} */
const UNTOUCHED = new Map();
/** @type {WeakMap<Uint8Array, string>} outlines by the packed mask that they are of */
const outlines = new WeakMap();
/** @type {Readonly<Version> | null} */
export let version = null;
let scheduled = false;

/** @type {Events<"version">} */
const events = new Events();
/** Listens to which version is shown. */
export const { on } = events;

/** Number of the version that is shown, or null. */
export const versionShown = () => version?.number ?? null;

/**
 * @param {Uint8Array} mask
 * @param {Study} study
 */
const outline = (mask, { width, height }) => contours.path(mask, width, height, 0.5);

/**
 * @param {Uint8Array} bits
 * @param {Study} study
 */
function packedOutline(bits, study) {
  const known = outlines.get(bits);
  if (known !== undefined) return known;
  const made = outline(maskBits.unpack(bits, study.width * study.height), study);
  outlines.set(bits, made);
  return made;
}

/**
 * The outline of the slice in view, "" where there is nothing to show.
 *
 * @param {Session} now
 */
function current(now) {
  const { state } = correction;
  if (!state) return "";
  if (state.live?.k === now.k) return outline(state.live.mask, now.study);
  if (!version && !correction.isThere()) return "";
  const bits = version ? version.source.bits(now.k) : correction.bits(now.k);
  if (!bits) void correction.fetchBase(now.k);
  return bits ? packedOutline(bits, now.study) : "";
}

/**
 * @param {Session} now
 * @param {Pane} pane
 */
function draw(now, pane) {
  const { show } = now;
  const seen = !show.hidden && show.correction && panes.overlaysOf(now, pane).ai;
  const d = seen ? current(now) : "";
  const layer = pane.screen.layer("correction");
  if (!layer.firstChild) layer.append(...CLASSES.map((name) => makeSvg("path", { class: name })));
  for (const path of layer.children) {
    const wanted = path.classList.contains("correction-fill") && !show.fill ? "" : d;
    if (path.getAttribute("d") !== wanted) path.setAttribute("d", wanted);
  }
  layer.style.setProperty("--correction-opacity", String(show.opacity));
  layer.dataset.version = version ? String(version.number) : "";
}

/** Once a frame, however often it is asked for; the slice itself is not drawn again. */
function invalidate() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    const { now } = viewer;
    if (now) for (const pane of now.panes) if (pane.shown) draw(now, pane);
  });
}

/**
 * Whether a mask of the reader's, or a version, is drawn on slices that have one.
 *
 * @param {Session} session
 */
export const isShown = ({ show }) =>
  !show.hidden && show.correction && (version !== null || correction.isThere());

/**
 * The mask that is drawn where it is not hidden; null without one.
 *
 * @returns {Drawn | null}
 */
export function drawn() {
  if (version) return { touched: UNTOUCHED, under: version.source, spec: version.base.spec };
  const { state } = correction;
  if (!state?.base) return null;
  return { touched: state.touched, under: state.base.under, spec: state.base.spec };
}

/**
 * Shows a saved version, or with null the mask in hand again. Drawing anything goes back to that.
 *
 * @param {{ number: number, author: string, base: Base, mask: Slices } | null} line
 */
export function showVersion(line) {
  const { now } = viewer;
  version = null;
  if (line && now) {
    const { number, author, base, mask } = line;
    version = { number, author, base, source: maskSources.ofSlices(now.study, mask) };
    if (!now.show.correction) viewer.display({ show: { correction: true } });
  }
  invalidate();
  events.emit("version");
  overlays.layersChanged();
}

function putAway() {
  if (!version) return invalidate();
  const { number } = version;
  say(`Version ${number} is not shown any more: the tools work on your own mask.`);
  showVersion(null);
}

function onChange() {
  if (version) showVersion(null);
  else invalidate();
  overlays.layersChanged();
}

export function mount() {
  return all([
    overlays.addLayer({ draw, name: (now) => (isShown(now) ? "correction" : "") }),
    correction.on("change", onChange),
    correction.on("live", ({ live }) => (live ? putAway() : invalidate())),
    correction.on("loaded", invalidate),
    correction.on("close", () => (version = null)),
  ]);
}
