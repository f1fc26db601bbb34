// @ts-check
/**
 * The 3D view: surfaces of head or brain and of the masks of AI, reader and reference, and the
 * plane of the slice in view. It is created when first chosen and lives while the study is open, so
 * that its camera stays as the reader turned it.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Amount, DrawnAxis, Scene, Surface, Trace } from "./space_data.js" */

import { byId } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import { loadPlotly } from "../frame/plotly.js";
import * as correction from "../correct/correction.js";
import * as correctionLayer from "../correct/correction_layer.js";
import * as amounts from "../viewer/amounts.js";
import * as linked from "../viewer/linked.js";
import { Wheel } from "../viewer/pointer.js";
import * as threshold from "../viewer/threshold.js";
import { numberOf, placeWords } from "../viewer/slices.js";
import * as viewer from "../viewer/viewer.js";
import * as spaceData from "./space_data.js";

/** @typedef {keyof typeof MASKS} MaskName */

/** @typedef {{ key: readonly unknown[] | null, found: Surface | null }} Mask */

/**
 * State for the open study.
 *
 * @typedef {object} Made
 * @property {Session} now
 * @property {PlotlyElement} figure
 * @property {Scene | null} scene Null until it is loaded.
 * @property {Record<MaskName, Mask>} masks
 * @property {AbortController} undo
 * @property {number} began
 * @property {number} k The slice whose plane is drawn.
 * @property {string} shown Which traces are visible, as JSON.
 * @property {boolean} ready
 * @property {boolean} busy
 * @property {number} revision
 */

/** Indices of traces in the figure, as in TRACES of dashboard/figures/space.py. */
const AI = 0;
const REFERENCE = 1;
const PLANE = 3;
const FRAME = 4;
const CORRECTION = 5;
/** The masks that change while the study is open. */
const MASKS = { ai: AI, correction: CORRECTION };
/** @type {readonly MaskName[]} */
const MASK_NAMES = ["ai", "correction"];
const GLASS = 0.3; // opacity of the AI mask around the reader's
const STILL_PX = 4; // a press that moves further is a rotation, not a click
const SETTLE_MS = 200; // waits until the threshold is no longer being dragged
const CONFIG = {
  displayModeBar: false,
  scrollZoom: false,
  doubleClick: false,
  showTips: false,
  responsive: true,
};
const NO_WEBGL =
  "3D is not available in this browser: WebGL is off or missing. All other views work without it.";
/** @type {Made | null} */
let made = null;
let timer = 0;

function hasWebgl() {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
}

/**
 * @param {"building" | "no-webgl" | "failed" | ""} code Is in the document too, for tests.
 * @param {string} [text]
 */
function message(code, text = "") {
  const place = byId("space-message");
  place.hidden = !code;
  place.textContent = text;
  place.dataset.code = code;
}

/**
 * Whether a request was cancelled.
 *
 * @param {unknown} error
 */
const isAbort = (error) => error instanceof Error && error.name === "AbortError";

/** @param {unknown} error */
const sentenceOf = (error) => (error instanceof Error ? error.message : String(error));

/** @param {Session} now */
async function start(now) {
  if (made?.now === now) return refresh();
  dispose();
  /** @type {Made} */
  const mine = {
    now,
    figure: /** @type {PlotlyElement} */ (byId("space-figure")),
    scene: null,
    masks: { ai: { key: null, found: null }, correction: { key: null, found: null } },
    undo: new AbortController(),
    began: performance.now(),
    k: -1,
    shown: "",
    ready: false,
    busy: false,
    revision: 0,
  };
  made = mine;
  if (!hasWebgl()) return message("no-webgl", NO_WEBGL);
  message("building", "Building surfaces");
  try {
    const [scene] = await Promise.all([
      spaceData.scene(now, mine.undo.signal),
      fetchMasks(mine),
      loadPlotly(),
    ]);
    if (made !== mine) return;
    mine.scene = scene;
    await drawFirst(mine, scene);
    if (made !== mine) return;
    listen(mine, scene);
    mine.figure.dataset.drawnMs = String(Math.round(performance.now() - mine.began)); // for tests
    mine.ready = true;
    message("");
    refresh();
  } catch (error) {
    if (made !== mine || isAbort(error)) return;
    made = null; // choosing 3D again retries
    mine.undo.abort();
    message("failed", `${sentenceOf(error)} Choose 3D again to retry.`);
  }
}

/**
 * @param {Made} mine
 * @param {Scene} scene
 */
async function drawFirst(mine, { figure: { data, layout }, space }) {
  for (const name of MASK_NAMES)
    data[MASKS[name]] = mine.masks[name].found?.trace ?? data[MASKS[name]];
  placeSlice(mine, data);
  applyShow(mine, data);
  const lesion = [data[AI], data[REFERENCE]].find((trace) => trace.x?.length);
  // view from the side of the lesion
  if (lesion && !spaceData.isOnFarSide(space, { x: lesion.x })) layout.scene.camera.eye.x *= -1;
  await Plotly.newPlot(mine.figure, data, layout, CONFIG);
}

/**
 * Fetches the masks in view, except those that are loaded.
 *
 * @param {Made} mine
 */
const fetchMasks = (mine) => Promise.all(MASK_NAMES.map((name) => fetchMask(mine, name)));

/**
 * @param {Made} mine
 * @param {MaskName} name
 */
async function fetchMask(mine, name) {
  const part = mine.masks[name];
  const wanted = spaceData.MASKS[name](mine.now);
  if (!wanted) return void Object.assign(part, { key: null, found: null });
  const { key } = wanted;
  if (part.key?.every((one, i) => one === key[i])) return;
  part.key = key;
  try {
    const found = await wanted.fetch(mine.undo.signal);
    if (part.key === key) part.found = found; // else the mask has changed again
  } catch (error) {
    if (part.key === key) part.key = null; // the next change retries
    throw error;
  }
}

/**
 * @param {Made} mine
 * @param {Trace[]} data
 */
function placeSlice(mine, data) {
  if (!mine.scene) return;
  const at = spaceData.corners(mine.scene.space, mine.now.k);
  Object.assign(data[PLANE], at, { i: [0, 0], j: [1, 2], k: [2, 3], visible: true });
  const closed = Object.entries(at).map(([axis, values]) => [axis, [...values, values[0]]]);
  Object.assign(data[FRAME], Object.fromEntries(closed), { visible: true });
  mine.k = mine.now.k;
  mine.figure.dataset.slice = String(numberOf(mine.now.study, mine.now.k));
}

/** @param {Made} mine */
function visible({ now, masks, scene }) {
  const { show } = now;
  const seen = !show.hidden;
  const isThere = (/** @type {MaskName} */ name) => Boolean(masks[name].found?.amount.voxels);
  return {
    ai: seen && show.ai && isThere("ai"),
    reference: seen && show.reference && Boolean(scene?.reference?.voxels),
    correction: correctionLayer.isShown(now) && isThere("correction"),
  };
}

/**
 * @param {Made} mine
 * @param {Trace[]} data
 */
function applyShow(mine, data) {
  const shown = visible(mine);
  data[AI].visible = shown.ai;
  data[AI].opacity = shown.correction ? GLASS : 1;
  data[REFERENCE].visible = shown.reference;
  data[CORRECTION].visible = shown.correction;
  mine.shown = JSON.stringify(shown);
}

/** Updates the figure, one drawing at a time, however many changes there were. */
function refresh() {
  const mine = made;
  if (!mine || mine.now.mode !== "space") return;
  describe(mine);
  if (!mine.ready || mine.busy) return;
  mine.busy = true;
  requestAnimationFrame(async () => {
    try {
      while (made === mine && mine.now.mode === "space" && (await step(mine)));
    } finally {
      mine.busy = false;
    }
  });
}

/**
 * Draws what has changed; returns false if nothing has.
 *
 * @param {Made} mine
 */
async function step(mine) {
  const { data, layout } = mine.figure;
  const others = MASK_NAMES.flatMap((name) => {
    const trace = mine.masks[name].found?.trace;
    return trace && data[MASKS[name]] !== trace ? [{ index: MASKS[name], trace }] : [];
  });
  const isMoved = mine.k !== mine.now.k;
  const isSame = !others.length && mine.shown === JSON.stringify(visible(mine));
  if (!isMoved && isSame) return false;
  if (isMoved) placeSlice(mine, data);
  if (isSame && moveDrawn(mine)) return nextFrame();
  for (const { index, trace } of others) data[index] = trace;
  applyShow(mine, data);
  mine.revision += 1;
  await Plotly.react(mine.figure, data, { ...layout, datarevision: mine.revision }, CONFIG);
  return true;
}

/** @returns {Promise<boolean>} */
const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => resolve(true)));

/**
 * Moves only the plane: Plotly's own update would upload every surface again, a hundred times the
 * work. Returns false if Plotly's internals are not as expected.
 *
 * @param {Made} mine
 */
function moveDrawn({ figure }) {
  const scene = figure._fullLayout?.scene?._scene;
  const parts = [PLANE, FRAME].map((index) => ({
    drawn: scene?.traces?.[figure._fullData[index]?.uid],
    full: figure._fullData[index],
    wanted: figure.data[index],
  }));
  if (!scene?.glplot?.redraw || parts.some(({ drawn }) => !drawn?.update)) return false;
  for (const { drawn, full, wanted } of parts) {
    const { x, y, z } = wanted;
    drawn.update(Object.assign(full, { x, y, z }));
  }
  scene.glplot.redraw();
  return true;
}

/**
 * A click goes to the slice at the point under the pointer; a rotation does not. Plotly emits a
 * "click" with every frame drawn while the button is down, including a rotation, so its events only
 * provide the point under the pointer, and the pointer events decide whether it was a click.
 *
 * @param {Made} mine
 * @param {Scene} scene
 */
function listen({ now, figure, undo: { signal } }, { space }) {
  /** @typedef {Readonly<Record<DrawnAxis, number>>} Place */
  /** @type {Place | null} */
  let under = null;
  /** @type {{ x: number, y: number, under: Place | null, isClick: boolean } | null} */
  let pressed = null;
  let late = false;
  const go = (/** @type {Place} */ point) =>
    viewer.now === now && viewer.goTo(spaceData.sliceAt(space, point));
  const see = (/** @type {{ points: Place[] }} */ { points: [point] }) => {
    under = point;
    if (late) go(point);
    late = false;
  };
  figure.on("plotly_hover", see);
  figure.on("plotly_click", see);
  figure.on("plotly_unhover", () => (under = null));
  /** @param {PointerEvent} event */
  const begin = ({ clientX: x, clientY: y, button }) => {
    late = false;
    pressed = { x, y, under, isClick: button === 0 };
  };
  /** @param {PointerEvent} event */
  const move = ({ clientX: x, clientY: y }) => {
    const isFar = pressed && Math.hypot(x - pressed.x, y - pressed.y) >= STILL_PX;
    if (pressed && isFar) pressed.isClick = false; // even if the pointer returns
  };
  /** @param {PointerEvent} event */
  const end = (event) => {
    move(event);
    const point = under ?? pressed?.under;
    const isClick = Boolean(pressed?.isClick);
    if (isClick && point) go(point);
    // a finger does not hover: the next frame provides the point under it
    late = isClick && !point && event.pointerType === "touch";
    pressed = null;
  };
  const options = { signal, capture: true };
  figure.addEventListener("pointerdown", begin, options);
  figure.addEventListener("pointermove", move, options);
  figure.addEventListener("pointerup", end, options);
  figure.addEventListener("pointercancel", () => (pressed = null), options);
}

/** @param {Amount} amount */
const amountWords = ({ voxels, volume_ml: ml }) =>
  voxels ? amounts.volumeWords(voxels, ml) : "empty";

/**
 * @param {string} name
 * @param {boolean} isThere
 * @param {boolean} isOn
 * @param {string} words
 */
function row(name, isThere, isOn, words) {
  byId(`space-row-${name}`).hidden = !isThere;
  byId(`space-row-${name}`).classList.toggle("space-row--off", !isOn);
  byId(`space-amount-${name}`).textContent = words;
}

/** @param {Made} mine */
function describe({ now, scene, masks }) {
  const { show } = now;
  const seen = !show.hidden;
  const shown = correctionLayer.isShown(now);
  const { version } = correctionLayer;
  const { ai, correction: own } = masks;
  const reference = scene?.reference;
  const head = scene?.space.head;
  row("ai", Boolean(ai.found), seen && show.ai, ai.found ? amountWords(ai.found.amount) : "");
  row("correction", Boolean(own.found), shown, own.found ? amountWords(own.found.amount) : "");
  row(
    "reference",
    Boolean(reference),
    seen && show.reference,
    reference ? amountWords(reference) : "",
  );
  row("head", Boolean(head), true, "");
  row("slice", true, true, placeWords(now.study, now.k, " / "));
  const isGlass = shown && own.found?.amount.voxels;
  byId("space-looks-ai").textContent = isGlass ? "transparent, amber" : "solid, amber";
  byId("space-name-correction").textContent = version
    ? `Version ${version.number}, ${version.author}`
    : "Your correction";
  byId("space-name-head").textContent = head === "brain" ? "Brain surface" : "Head surface";
  byId("space-row-head").dataset.surface = head ?? "";
  const isDefault = !now.study.result || threshold.isUnchanged(now);
  byId("space-threshold").hidden = isDefault;
  byId("space-threshold").textContent = isDefault ? "" : "Not at the default thresholds.";
  byId("space-scale").hidden = scene?.space.unit !== "pixels";
  byId("space-scale").textContent =
    "No spacing in the files: slice distance is assumed, sizes are not to scale.";
}

/**
 * Schedules an update after a change of threshold, result or correction.
 *
 * @param {Session} now
 */
function changed(now) {
  if (made?.now !== now || now.mode !== "space") return;
  clearTimeout(timer);
  timer = setTimeout(() => void update(now), SETTLE_MS);
}

/** @param {Session} now */
async function update(now) {
  const mine = made;
  if (mine?.now !== now) return;
  try {
    await fetchMasks(mine);
  } catch (error) {
    if (!isAbort(error)) message("failed", `${sentenceOf(error)} Choose 3D again to retry.`);
    return;
  }
  if (made !== mine) return;
  if (mine.ready) message(""); // an earlier failure
  refresh();
}

function dispose() {
  clearTimeout(timer);
  if (!made) return;
  const { figure, undo } = made;
  made = null;
  undo.abort();
  if (figure.isConnected && figure.data) Plotly.purge(figure);
  delete figure.dataset.slice;
  delete figure.dataset.drawnMs;
  message("");
}

/** @param {Session} now */
function follow(now) {
  if (now.mode !== "space") return;
  void start(now);
  changed(now);
}

/** @param {WheelEvent} event */
function onWheel(event) {
  if (!made?.ready) return;
  event.preventDefault();
  event.stopPropagation();
  const { now, figure } = made;
  if (!event.ctrlKey) return viewer.goTo(now.k + Math.sign(event.deltaY || event.deltaX));
  const { eye } = figure._fullLayout.scene.camera;
  const factor = 1 / Wheel.zoom(event);
  const nearer = { x: eye.x * factor, y: eye.y * factor, z: eye.z * factor };
  void Plotly.relayout(figure, { "scene.camera.eye": nearer });
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  const host = byId("viewer-space");
  host.addEventListener("wheel", onWheel, { passive: false, capture: true, signal });
  host.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  const bindings = [
    { id: "mode.space", key: "j", label: "3D surfaces", run: () => linked.choose("space") },
  ];
  const removers = all([
    viewer.on("mode", follow),
    viewer.on("close", dispose),
    viewer.on(["slice", "display"], refresh),
    viewer.on(["result", "threshold"], changed),
    correction.on("change", ({ now }) => changed(now)),
    correction.on("loaded", ({ now }) => changed(now)),
    correctionLayer.on("version", () => viewer.now && changed(viewer.now)),
    keys.add("3D", bindings),
  ]);
  return () => {
    dispose();
    removers();
  };
}
