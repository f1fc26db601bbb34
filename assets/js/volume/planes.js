// @ts-check
/**
 * Multiplanar reformats: the main view, and beside it the two planes that cross its slices. A
 * crosshair in each shows the position of the others. Zoom and centre are those of the main view.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { View } from "../viewer/screen.js" */
/** @import { Tool } from "../viewer/tools.js" */
/** @import { Cut } from "./plane_cuts.js" */
/** @import { PlanePane, Places } from "./plane_pane.js" */
/** @import { Axes, AxisName } from "./plane_views.js" */

import { byId, makeRange, makeSvg, query } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import * as correction from "../correct/correction.js";
import * as correctionLayer from "../correct/correction_layer.js";
import { firstSlice } from "../viewer/slices.js";
import * as greyscale from "../viewer/greyscale.js";
import * as linked from "../viewer/linked.js";
import { note } from "../viewer/notes.js";
import * as overlays from "../viewer/overlays.js";
import * as panes from "../viewer/panes.js";
import { homeWindow, Wheel } from "../viewer/pointer.js";
import { allowedZoom, moveView } from "../viewer/screen.js";
import * as threshold from "../viewer/threshold.js";
import * as tools from "../viewer/tools.js";
import * as viewer from "../viewer/viewer.js";
import * as planeCuts from "./plane_cuts.js";
import * as planePane from "./plane_pane.js";
import * as planeViews from "./plane_views.js";

/**
 * State while the mode is on.
 *
 * @typedef {object} Open
 * @property {Session} now
 * @property {View} view
 * @property {Axes} axes
 * @property {number} middle Slice position at the centre of the screen.
 * @property {ReturnType<typeof planeCuts.create>} cuts
 * @property {PlanePane[]} panes
 * @property {{ apply: () => void }} screen Follows the view that the main view's screens share.
 * @property {AbortController} undo
 * @property {number} timer
 * @property {boolean} scheduled
 * @property {{ key: string, values: Uint8Array }} greys
 */

const WORDS = { axial: "Axial", coronal: "Coronal", sagittal: "Sagittal" };
const PANES = ["plane-first", "plane-second"];
const AGAIN_MS = 120; // while slices are loading
/** @type {Open | null} */
let open = null;
/** @type {WeakMap<Session, { row: number, column: number }>} position of the crosshair */
const places = new WeakMap();

/** @param {Session} now */
function offer(now) {
  const { reason } = planeViews.of(now.study);
  const button = byId("mode-planes", HTMLButtonElement);
  button.disabled = Boolean(reason);
  button.dataset.title ??= button.title;
  button.title = reason || button.dataset.title;
}

/**
 * The centre of the outline on the slice in view, else on the slice that shows the lesion best,
 * else of the image.
 *
 * @param {Session} now
 */
function firstPlace(now) {
  const { study, k } = now;
  const middle = { row: study.height >> 1, column: study.width >> 1 };
  return middleOf(now, k) ?? middleOf(now, firstSlice(study, null)) ?? middle;
}

/**
 * @param {Session} now
 * @param {number} k
 */
function middleOf(now, k) {
  const { study, loader } = now;
  const isOutline = (/** @type {string} */ name) => name === "ai" || name === "reference";
  const source = overlays.sources(now, k).find(([name]) => isOutline(name));
  const map = source && loader.get(source[1]);
  const level = source?.[0] === "ai" ? threshold.level(now) : 128;
  let count = 0;
  let x = 0;
  let y = 0;
  for (let i = 0; map && i < map.length; i++) {
    if (map[i] < level) continue;
    count++;
    x += i % study.width;
    y += Math.floor(i / study.width);
  }
  return count ? { row: Math.round(y / count), column: Math.round(x / count) } : null;
}

/**
 * Position of the crosshair.
 *
 * @param {Session} now
 */
function placeOf(now) {
  const place = places.get(now) ?? firstPlace(now);
  places.set(now, place);
  return place;
}

/** @param {Session} now */
function start(now) {
  const found = planeViews.of(now.study);
  if (!("axes" in found)) return panes.setMode("one");
  const { view } = now;
  const { axes } = found;
  const middle = now.study.n / 2;
  placeOf(now);
  const centre = (/** @type {AxisName} */ axis) =>
    ({ slice: mine.middle, row: view.y, column: view.x })[axis];
  const layout = { axes, centre, zoom: () => view.zoom };
  // Keys and buttons that zoom, pan and reset the main view affect the planes through this.
  const apply = () => {
    if (view.zoom === 1) mine.middle = middle;
    invalidate();
  };
  /** @type {Open} */
  const mine = {
    now,
    view,
    axes,
    middle,
    cuts: planeCuts.create(now, invalidate),
    panes: found.views.map((plane, i) => planePane.create(byId(PANES[i]), plane, layout)),
    screen: { apply },
    undo: new AbortController(),
    timer: 0,
    scheduled: false,
    greys: { key: "", values: new Uint8Array() },
  };
  open = mine;
  view.screens.add(mine.screen);
  mine.panes.forEach((pane) => prepare(mine, pane));
  const observer = new ResizeObserver(() => {
    mine.panes.forEach((pane) => pane.measure());
    invalidate();
  });
  mine.panes.forEach(({ root }) => observer.observe(root));
  mine.undo.signal.addEventListener("abort", () => observer.disconnect());
  tools.choose("crosshair");
  invalidate();
}

function stop() {
  if (!open) return;
  const { now, view, cuts, screen, undo, timer } = open;
  open = null;
  clearTimeout(timer);
  undo.abort();
  view.screens.delete(screen);
  cuts.dispose();
  now.screen?.layer("crosshair").replaceChildren();
  if (viewer.now === now && now.tool === "crosshair") tools.choose("window");
}

function invalidate() {
  const mine = open;
  if (!mine || mine.scheduled) return;
  mine.scheduled = true;
  requestAnimationFrame(() => {
    mine.scheduled = false;
    if (open === mine && viewer.now === mine.now) draw(mine);
  });
}

/** @param {Open} mine */
function greysOf({ now, greys }) {
  const { study, channel, windows, invert } = now;
  const { low, high } = windows[channel];
  const key = `${channel} ${low} ${high} ${invert}`;
  if (greys.key !== key)
    Object.assign(greys, { key, values: greyscale.greysOf(study, windows[channel], invert) });
  return greys;
}

/** @param {Open} mine */
function draw(mine) {
  const { now, cuts } = mine;
  const { show, study } = now;
  const seen = !show.hidden;
  const at = { ...placeOf(now), slice: now.k };
  const greys = greysOf(mine);
  const wanted = {
    ai: seen && show.ai && Boolean(study.result),
    reference: seen && show.reference && Boolean(study.reference_url),
    correction: correctionLayer.isShown(now) ? correctionLayer.drawn() : null,
  };
  let isWaiting = false;
  cuts.begin();
  for (const pane of mine.panes) {
    const { fixed } = pane.view;
    const place = at[fixed];
    const own = wanted.correction;
    const pixels = cuts.get("pixels", fixed, place);
    const ai = wanted.ai ? cuts.get("ai", fixed, place) : null;
    const reference = wanted.reference ? cuts.get("reference", fixed, place) : null;
    const corrected = own && cuts.getCorrected(own, fixed, place);
    isWaiting ||=
      !pixels ||
      (wanted.ai && !ai) ||
      (wanted.reference && !reference) ||
      (own !== null && !corrected);
    pane.draw({
      pixels,
      ai,
      reference,
      correction: corrected,
      table: greys.values,
      tableKey: greys.key,
      level: study.result ? threshold.level(now) : 0,
      fill: show.fill ? show.opacity : 0,
      at: seen ? at : null,
    });
    label(mine, pane, place, pixels);
  }
  cuts.end();
  crosshair(now, seen ? at : null);
  clearTimeout(mine.timer);
  // slices loaded for the main view are not reported here
  if (isWaiting) mine.timer = setTimeout(invalidate, AGAIN_MS);
}

/**
 * @param {Open} mine
 * @param {PlanePane} pane
 * @param {number} place
 * @param {Cut | null} pixels
 */
function label({ axes, cuts }, { view, root }, place, pixels) {
  const { fixed, name } = view;
  const { length } = axes[fixed];
  const waiting = cuts.hasFailed(fixed, place) ? "This plane could not be loaded." : "Loading";
  query(".plane-title", root).textContent = `${WORDS[name]}  ${place + 1} / ${length}`;
  query(".plane-note", root).textContent =
    `interpolated, slice spacing ${axes.slice.mm.toFixed(1)} mm`;
  query(".plane-state", root).textContent = pixels ? "" : waiting;
  if (pixels) root.dataset.place = String(place); // read by tests
  const slider = root.querySelector("input");
  if (!slider) return;
  slider.value = String(place + 1);
  slider.setAttribute("aria-valuetext", `${place + 1} of ${length}`);
}

/**
 * Draws the crosshair over the main view, in image coordinates, with a gap at its centre.
 *
 * @param {Session} session
 * @param {Places | null} at
 */
function crosshair({ screen, study }, at) {
  if (!screen) return;
  const layer = screen.layer("crosshair");
  const path = layer.firstElementChild ?? layer.appendChild(makeSvg("path"));
  if (!at) return path.setAttribute("d", "");
  const [sx, sy] = screen.scale();
  const x = at.column + 0.5;
  const y = at.row + 0.5;
  const gx = 9 / sx;
  const gy = 9 / sy;
  const far = 10 * Math.max(study.width, study.height);
  const level = `M${-far} ${y}H${x - gx}M${x + gx} ${y}H${far}`;
  path.setAttribute("d", `${level}M${x} ${-far}V${y - gy}M${x} ${y + gy}V${far}`);
}

/**
 * Moves the crosshair, and with it the slice in view.
 *
 * @param {Partial<Places>} change
 */
function moveTo({ slice, row, column }) {
  if (!open) return;
  const { now, axes } = open;
  /**
   * @param {number} value
   * @param {AxisName} axis
   */
  const inside = (value, axis) => Math.min(axes[axis].length - 1, Math.max(0, Math.floor(value)));
  const current = placeOf(now);
  if (row !== undefined) current.row = inside(row, "row");
  if (column !== undefined) current.column = inside(column, "column");
  if (slice !== undefined) viewer.goTo(slice);
  invalidate();
}

/**
 * Zooms around the point under the pointer.
 *
 * @param {PlanePane} pane
 * @param {number} factor
 * @param {MouseEvent} event
 */
function zoomAt(pane, factor, event) {
  if (!open) return;
  const { view, middle } = open;
  const { slice = middle, row = view.y, column = view.x } = pane.placesAt(event);
  const zoom = allowedZoom(view.zoom * factor);
  const part = 1 - view.zoom / zoom;
  const by = { row: (row - view.y) * part, column: (column - view.x) * part };
  shift({ slice: (slice - middle) * part, ...by }, zoom);
}

/**
 * @param {Partial<Places>} by
 * @param {number} [zoom] Unchanged by default.
 */
function shift({ slice = 0, row = 0, column = 0 }, zoom = viewer.opened().view.zoom) {
  if (!open) return;
  const { view, screen } = open;
  open.middle += slice;
  moveView(view, { zoom, x: view.x + column, y: view.y + row }, screen);
  invalidate();
}

/**
 * @param {PlanePane} pane
 * @param {Wheel} wheel
 */
function onWheel(pane, wheel) {
  return (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    if (event.ctrlKey) return zoomAt(pane, Wheel.zoom(event), event);
    const steps = wheel.steps(event);
    const { fixed } = pane.view;
    if (steps && viewer.now) moveTo({ [fixed]: placeOf(viewer.now)[fixed] + steps });
  };
}

/** @param {PlanePane} pane */
function onPress(pane) {
  const { canvas, view } = pane;
  return (/** @type {PointerEvent} */ event) => {
    if (event.button > 2) return;
    event.preventDefault();
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    canvas.setPointerCapture(event.pointerId);
    const pans = event.button === 1 || (event.button === 0 && event.shiftKey);
    let last = event;
    const move = (/** @type {PointerEvent} */ moved) => {
      if (!open || moved.pointerId !== event.pointerId) return;
      const [sx, sy] = pane.scale();
      const dx = moved.clientX - last.clientX;
      const dy = moved.clientY - last.clientY;
      if (pans) shift({ [view.across.axis]: -dx / sx, [view.down.axis]: -dy / sy });
      else if (event.button === 2) zoomAt(pane, Math.exp(-dy / 150), event);
      else moveTo(pane.reach(moved));
      last = moved;
    };
    const done = new AbortController();
    const { signal } = done;
    const session = viewer.now;
    viewer.setDragging(true);
    const finish = () => {
      if (viewer.now === session) viewer.setDragging(false);
      done.abort();
    };
    canvas.addEventListener("pointermove", move, { signal });
    canvas.addEventListener("lostpointercapture", finish, { signal });
    if (event.button === 0 && !pans) moveTo(pane.reach(event));
  };
}

/**
 * @param {Open} mine
 * @param {PlanePane} pane
 */
function prepare({ axes, undo: { signal } }, pane) {
  const { root, view, canvas } = pane;
  const name = `${WORDS[view.name]} plane`;
  canvas.setAttribute("aria-label", `${name}, interpolated between slices`);
  pane.measure();
  for (const [side, letter] of Object.entries(view.letters))
    query(`.plane-edge--${side}`, root).textContent = letter;
  const { length } = axes[view.fixed];
  const attributes = { class: "plane-slider", min: 1, max: length, "aria-label": name };
  const slider = makeRange(attributes, (value) => moveTo({ [view.fixed]: value - 1 }));
  query(".plane-slider-host", root).replaceChildren(slider);
  const home = () => homeWindow();
  canvas.addEventListener("wheel", onWheel(pane, new Wheel()), { passive: false, signal });
  canvas.addEventListener("pointerdown", onPress(pane), { signal });
  canvas.addEventListener("dblclick", home, { signal });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
}

/** @type {Tool} */
const TOOL = {
  name: "crosshair",
  group: "view",
  begin(point) {
    if (!open) return null;
    const move = (/** @type {{ x: number, y: number }} */ { x, y }) =>
      moveTo({ column: x, row: y });
    move(point);
    return { move };
  },
};

/** @param {Session} now */
function follow(now) {
  if (now.mode === "planes" && open?.now !== now) start(now);
  else if (now.mode !== "planes") stop();
}

/** Chooses the mode, or shows why there are no planes (as the button's tooltip does). */
function choose() {
  if (!viewer.now) return;
  if (!byId("mode-planes", HTMLButtonElement).disabled) return linked.choose("planes");
  note(planeViews.of(viewer.now.study).reason, "no-planes");
}

export function mount() {
  const bindings = [
    { id: "mode.planes", key: "y", label: "MPR (axial, coronal, sagittal)", run: choose },
  ];
  const removers = all([
    viewer.on("open", offer),
    viewer.on("mode", follow),
    viewer.on("close", stop),
    viewer.on(["slice", "display", "channel", "result", "threshold"], invalidate),
    correction.on(["change", "loaded"], invalidate),
    correctionLayer.on("version", invalidate),
    keys.add("MPR", bindings),
    tools.add(TOOL),
  ]);
  return () => {
    stop();
    removers();
  };
}
