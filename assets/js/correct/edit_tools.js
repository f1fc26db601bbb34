// @ts-check
/**
 * The editing tools: brush, eraser, polygon, subtract polygon, fill hole. A stroke is shown
 * live and becomes an undoable step when it ends. Alt, or the eraser end of a pen, swaps brush and
 * eraser.
 */

/** @import { Point } from "../viewer/screen.js" */
/** @import { Session } from "../viewer/session.js" */
/** @import { Begin, Tool } from "../viewer/tools.js" */
/** @import { Study } from "../viewer/study.js" */
/** @import { Size } from "./mask_shapes.js" */

import { makeSvg, setAttributes } from "../frame/dom.js";
import { all, Events } from "../frame/events.js";
import { pixelUnit } from "../viewer/geometry.js";
import * as lock from "../viewer/lock.js";
import * as tools from "../viewer/tools.js";
import * as viewer from "../viewer/viewer.js";
import * as correction from "./correction.js";
import * as correctionStore from "./correction_store.js";
import * as maskShapes from "./mask_shapes.js";
import { note } from "../viewer/notes.js";

/**
 * A polygon that is being drawn.
 *
 * @typedef {object} Outline
 * @property {number} k
 * @property {number} value 1 adds, 0 subtracts.
 * @property {Point[]} points
 * @property {Point | null} at Position of the pointer.
 */

export const SMALLEST = 1;
export const LARGEST = 80;
const NEAR_PX = 10; // screen pixels: a click this close to the first point closes a polygon
const LASSO_PX = 6; // screen pixels between the points of a freehand polygon
const PEN_ERASER = 32;
let diameter = 9; // of the brush
/** @type {Outline | null} */
let outline = null;

/** @type {Events<"size", number>} */
const events = new Events();
/** Listens to changes of the brush diameter. */
export const { on } = events;

/** Brush diameter in pixels. */
export const brushSize = () => diameter;

/**
 * @param {Study} study
 * @returns {Required<Size>}
 */
export const size = ({ width, height, spacing_mm: mm }) => ({
  width,
  height,
  unit: pixelUnit(mm),
});

/**
 * A copy of a slice's mask to draw on; null, with a message, while it is loading or locked.
 *
 * @param {number} k
 */
export function maskOf(k) {
  if (lock.refuse()) return null;
  if (correctionStore.isLoading()) return note("Your correction is still loading.");
  const mask = correction.mask(k);
  if (mask) return mask;
  void correction.fetchBase(k);
  return note("The mask of this slice is still loading.");
}

/** The slice in view with its mask to draw on; null, with a message, while it is loading. */
function begin() {
  const { k } = viewer.opened();
  const mask = maskOf(k);
  return mask && { k, mask };
}

// ---- brush cursor ----
/** @param {string} name */
const markOf = (name) => viewer.now?.screen?.layer("edit").querySelector(`.${name}`) ?? null;

/**
 * @param {string} name
 * @param {"ellipse" | "path"} tag
 * @param {Record<string, string | number>} attributes
 */
function mark(name, tag, attributes) {
  const layer = viewer.now?.screen?.layer("edit");
  const node = markOf(name) ?? makeSvg(tag, { class: name });
  setAttributes(node, attributes);
  if (!node.parentNode) layer?.append(node);
}

/** @param {Point | null} point */
function showBrush(point) {
  if (!point || !viewer.now) return markOf("edit-brush")?.remove();
  const [ux, uy] = size(viewer.now.study).unit;
  const radius = diameter / 2;
  mark("edit-brush", "ellipse", { cx: point.x, cy: point.y, rx: radius / ux, ry: radius / uy });
}

// ---- brush and eraser ----
/**
 * @param {number} value
 * @returns {Begin}
 */
function stroke(value) {
  return (point, event) => {
    const drawn = begin();
    if (!drawn) return null;
    const isTurned = event.altKey || Boolean(event.buttons & PEN_ERASER);
    const set = isTurned ? 1 - value : value;
    const image = size(viewer.opened().study);
    let last = point;
    const to = (/** @type {Point} */ next) => {
      maskShapes.stroke(drawn.mask, image, last, next, diameter / 2, set);
      last = next;
      correction.showLive(drawn);
      showBrush(next);
    };
    to(point);
    return {
      move: to,
      end: () => void correction.change(set ? "Brush" : "Eraser", [drawn]),
      cancel: () => correction.showLive(null),
    };
  };
}

/** @param {number} wanted Diameter of the brush. */
export function setSize(wanted) {
  diameter = Math.min(LARGEST, Math.max(SMALLEST, Math.round(wanted)));
  const ring = markOf("edit-brush");
  if (ring) showBrush({ x: Number(ring.getAttribute("cx")), y: Number(ring.getAttribute("cy")) });
  events.emit("size", diameter);
}

/**
 * Changes the size by one pixel for small brushes, by more for large ones.
 *
 * @param {number} direction 1 or -1.
 */
export const resize = (direction) =>
  setSize(diameter + direction * Math.max(1, Math.round(diameter / 8)));

// ---- polygons ----
function drawOutline() {
  const points = outline?.points ?? [];
  const screen = viewer.now?.screen;
  if (!points.length || !screen) {
    for (const name of ["edit-polygon-halo", "edit-polygon", "edit-first"]) markOf(name)?.remove();
    return;
  }
  const corners = outline?.at ? [...points, outline.at] : points;
  const d = corners
    .map(({ x, y }, i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`)
    .join("");
  mark("edit-polygon-halo", "path", { d });
  mark("edit-polygon", "path", { d });
  const [{ x: cx, y: cy }] = points;
  const [sx, sy] = screen.scale();
  mark("edit-first", "ellipse", { cx, cy, rx: 4 / sx, ry: 4 / sy });
}

/**
 * Distance in screen pixels.
 *
 * @param {Point} a
 * @param {Point} b
 */
function distance(a, b) {
  const [sx, sy] = viewer.opened().screen?.scale() ?? [1, 1];
  return Math.hypot((a.x - b.x) * sx, (a.y - b.y) * sy);
}

/**
 * @param {number} value
 * @returns {Begin}
 */
function addPoint(value) {
  return (point) => {
    const { k } = viewer.opened();
    if (outline && (outline.k !== k || outline.value !== value)) dropOutline();
    if (outline && outline.points.length > 2 && distance(point, outline.points[0]) < NEAR_PX) {
      closeOutline();
      return null;
    }
    outline ??= { k, value, points: [], at: null };
    const mine = outline;
    const { points } = mine;
    // the second click of a double click adds no point
    if (!points.length || distance(point, points[points.length - 1]) >= 2) points.push(point);
    drawOutline();
    return {
      move(next) {
        if (outline !== mine) return;
        if (distance(next, points[points.length - 1]) >= LASSO_PX) points.push(next);
        drawOutline();
      },
      cancel: dropOutline,
    };
  };
}

/** @param {Point} point */
function hoverOutline(point) {
  if (!outline) return;
  outline.at = point;
  drawOutline();
}

function dropOutline() {
  outline = null;
  drawOutline();
}

function dropLastPoint() {
  outline?.points.pop();
  if (!outline?.points.length) outline = null;
  drawOutline();
}

function closeOutline() {
  if (!outline) return;
  const { points, value, k } = outline;
  if (points.length < 3) return void note("A polygon needs at least three points.");
  const drawn = k === viewer.opened().k ? begin() : null;
  if (!drawn) return; // the polygon stays until the mask has loaded
  dropOutline();
  maskShapes.polygon(drawn.mask, size(viewer.opened().study), points, value);
  correction.change(value ? "Polygon" : "Subtract polygon", [drawn]);
}

/**
 * Enter, Escape and Backspace close, cancel and shorten a polygon that is being drawn.
 *
 * @param {KeyboardEvent} event
 */
function outlineKey(event) {
  if (!outline || document.querySelector("dialog[open]")) return;
  /** @type {Record<string, () => void>} */
  const keys = { Enter: closeOutline, Escape: dropOutline, Backspace: dropLastPoint };
  const run = keys[event.key];
  if (!run) return;
  event.preventDefault();
  run();
}

// ---- fill ----
/** @type {Begin} */
function fill(point, event) {
  const { study } = viewer.opened();
  const drawn = begin();
  const isInside = point.x >= 0 && point.y >= 0 && point.x < study.width && point.y < study.height;
  if (!drawn || !isInside) return null;
  const { pixels, value, open } = maskShapes.region(drawn.mask, size(study), point);
  if (value && !event.altKey)
    return note("Click inside a hole to fill it. Alt-click a region to remove it.", "not-in-hole");
  if (!value && open) return note("Not a hole: the region touches the image edge.", "not-a-hole");
  const mask = drawn.mask.map((pixel, i) => (pixels[i] ? 1 - value : pixel));
  correction.change(value ? "Remove region" : "Fill hole", [{ k: drawn.k, mask }]);
  return null;
}

const leave = () => showBrush(null);
const nothing = () => {};
/** @type {Tool[]} */
const TOOLS = [
  { name: "brush", begin: stroke(1), hover: showBrush, leave, double: nothing, cursor: "none" },
  { name: "eraser", begin: stroke(0), hover: showBrush, leave, double: nothing, cursor: "none" },
  { name: "polygon", begin: addPoint(1), hover: hoverOutline, double: closeOutline },
  { name: "cut", begin: addPoint(0), hover: hoverOutline, double: closeOutline },
  { name: "fill", begin: fill, double: nothing, cursor: "cell" },
].map((tool) => ({ cursor: "crosshair", ...tool, group: "edit" }));

/** @param {Session} session */
function show({ tool }) {
  if (tool !== "brush" && tool !== "eraser") showBrush(null);
  if (outline && tool !== (outline.value ? "polygon" : "cut")) dropOutline();
}

/** @param {AbortSignal} signal Removes the listeners from the document. */
export function mount(signal) {
  document.addEventListener("keydown", outlineKey, { capture: true, signal });
  return all([
    ...TOOLS.map(tools.add),
    viewer.on("display", show),
    viewer.on("view", () => outline && drawOutline()),
    viewer.on("slice", () => outline && dropOutline()),
    viewer.on("close", () => (outline = null)),
  ]);
}
