// @ts-check
/**
 * Draws the reader's mask over the slice as a double line, filled while the fill is on. A saved
 * version can be shown in its place.
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
import { note } from "../viewer/notes.js";

/**
 * A saved version that is shown in place of the current mask.
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
 * @property {Source} under Mask of all other slices.
 * @property {Spec} spec Describes `under` to the server.
 */

const CLASSES = ["correction-fill", "correction-line", "correction-core"];
/** @type {Slices} */
const UNTOUCHED = new Map();
/** @type {WeakMap<Uint8Array, string>} outlines by packed mask */
const outlines = new WeakMap();
/** @type {Readonly<Version> | null} */
export let version = null;
let scheduled = false;

/** @type {Events<"version">} */
const events = new Events();
/** Listens to changes of the shown version. */
export const { on } = events;

/** Number of the shown version, or null. */
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
 * The outline of the slice in view, "" if there is nothing to show.
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

/** Redraws once per frame at most; the slice itself is not redrawn. */
function invalidate() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    const { now } = viewer;
    if (now) for (const pane of now.panes) if (pane.screen.shown()) draw(now, pane);
  });
}

/**
 * Whether the reader's mask or a version is shown.
 *
 * @param {Session} session
 */
export const isShown = ({ show }) =>
  !show.hidden && show.correction && (version !== null || correction.isThere());

/**
 * The mask that is drawn unless hidden; null without a correction.
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
 * Shows a saved version, or with null the current mask. Drawing returns to the current mask.
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

function hideVersion() {
  if (!version) return invalidate();
  note(`Version ${version.number} hidden: the tools edit your own mask.`, "version-hidden");
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
    correction.on("live", ({ live }) => (live ? hideVersion() : invalidate())),
    correction.on("loaded", invalidate),
    correction.on("close", () => (version = null)),
  ]);
}
