// @ts-check
/**
 * The measuring tools: drawing a new measurement by drag or by clicks, selecting one, dragging its
 * ends or all of it. Ends and lines can only be dragged, and handles are only drawn, while a
 * measuring tool is chosen. Of diameters, only the ends.
 */

/** @import { Pane } from "../viewer/panes.js" */
/** @import { Point, Screen } from "../viewer/screen.js" */
/** @import { Session } from "../viewer/session.js" */
/** @import { Action, Begin } from "../viewer/tools.js" */
/** @import { Pair } from "../viewer/geometry.js" */
/** @import { Drawn } from "./measure_draw.js" */
/** @import { DrawnKind, Item, Kind } from "./measure_shapes.js" */

import { listenerOf } from "../frame/dom.js";
import { all, Events } from "../frame/events.js";
import * as lock from "../viewer/lock.js";
import * as overlays from "../viewer/overlays.js";
import * as panes from "../viewer/panes.js";
import * as tools from "../viewer/tools.js";
import * as viewer from "../viewer/viewer.js";
import * as bidimensional from "./bidimensional.js";
import * as chordDrag from "./chord_drag.js";
import * as geometry from "../viewer/geometry.js";
import * as measureDraw from "./measure_draw.js";
import * as measureShapes from "./measure_shapes.js";
import * as measureStore from "./measure_store.js";

/** @typedef {{ id: string, handle: number | null }} Choice An item, or one of its ends. */

/** @typedef {{ item: Item, isAi: boolean }} Here A measurement on the slice in view. */

/** @typedef {{ one: Here, handle: number | null }} Picked */

const END_PX = 9;
const LINE_PX = 6;
const TOUCH = 2;
const CLICK_PX = 4;
const CLOSE_PX = 10;
const FREEHAND_PX = 1.5;
const MOST_POINTS = 1000; // as in dashboard/api/measurements.py
/** @type {Partial<Record<Kind, number>>} */
const COUNT = { ruler: 2, angle: 3, ellipse: 2, arrow: 2 };

/** @type {Choice | null} the selection */
export let selected = null;
/** @type {Choice | null} the item or end under the pointer */
let hovered = null;
/** @type {{ item: Item, session: Session } | null} the measurement that is being drawn */
let pending = null;
/** @type {{ id: string, from: string, item: Item } | null} shown in place of a dragged item */
let preview = null;
let scheduled = false;

/** @type {Events<"select" | "drawn">} */
const events = new Events();
/** Listens to changes of the selection, and to new measurements, which are selected then. */
export const { on } = events;

const isMeasuring = () => tools.group() === "measure";

/** Whether a measurement is being drawn. */
export const isDrawing = () => pending !== null;

// ---- drawing and selecting ----
/**
 * All measurements on the slice in view.
 *
 * @param {Session} now
 * @returns {Here[]}
 */
export function here(now) {
  /** @type {Here[]} */
  const own = measureStore
    .items()
    .filter(({ kind }) => kind !== "diameters")
    .map((item) => ({ item, isAi: false }));
  /** @type {Here[]} */
  const diameters = now.show.diameters ? bidimensional.all(now) : [];
  return [...diameters, ...own]
    .filter(({ item }) => item.k === now.k)
    .map((one) =>
      preview && (preview.id === one.item.id || preview.from === one.item.id)
        ? { ...one, item: preview.item, isAi: false }
        : one,
    );
}

/**
 * Draws the diameters measured on the mask, except any that are being dragged.
 *
 * @param {Session} now
 * @param {Pane} pane
 */
function drawLines(now, pane) {
  const isSeen = !now.show.hidden && panes.overlaysOf(now, pane).ai;
  const own = isSeen ? here(now).filter(({ isAi }) => isAi) : [];
  const d = own.map(({ item }) => measureShapes.path(item)).join("");
  pane.screen.outline("halo", d);
  pane.screen.outline("diameters", d);
}

/** Draws once per frame at most. */
function render() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    if (viewer.now) paint(viewer.now);
  });
}

/**
 * Draws immediately, together with the slice that has just been painted.
 *
 * @param {Session} now
 */
function paint(now) {
  if (!now.screen) return;
  if (pending && (pending.session !== now || pending.item.k !== now.k)) pending = null;
  const isSeen = !now.show.hidden;
  const measuring = isMeasuring();
  /** @type {Drawn[]} */
  const drawn = (isSeen ? here(now) : []).map(({ item, isAi }) => ({
    item,
    isAi,
    isSelected: selected?.id === item.id,
    isHovered: measuring && hovered?.id === item.id,
    handle: pointedAt(item.id),
  }));
  if (pending && isSeen) {
    const { item } = pending;
    drawn.push({ item, isAi: false, isSelected: true, isHovered: false, handle: null });
  }
  for (const pane of now.panes) drawLines(now, pane);
  measureDraw.draw(now, drawn, measuring);
}

/** @param {string} id */
function pointedAt(id) {
  if (hovered?.id === id && hovered.handle !== null) return hovered.handle;
  return selected?.id === id ? selected.handle : null;
}

/**
 * Selects a measurement or one of its ends.
 *
 * @param {string | null} id
 * @param {number | null} [handle]
 */
export function select(id, handle = null) {
  if (selected?.id === id && selected?.handle === handle) return;
  selected = id === null ? null : { id, handle };
  events.emit("select");
  render();
}

/**
 * What a press at a point would drag: an end, else a whole measurement by its line. The lines of
 * diameters cannot be dragged, so that a new measurement can start on them.
 *
 * @param {Point} point
 * @param {PointerEvent} event
 * @param {Screen} screen
 * @param {boolean} withLines
 * @returns {Picked | null}
 */
function pick(point, event, screen, withLines) {
  const { now } = viewer;
  if (!now || now.show.hidden) return null;
  const scale = screen.scale();
  const wider = event.pointerType === "touch" ? TOUCH : 1;
  const list = here(now);
  const ends = list.flatMap((one) =>
    measureShapes.handles(one.item).map(([x, y], handle) => {
      const away = Math.hypot((x - point.x) * scale[0], (y - point.y) * scale[1]);
      return { one, handle, away };
    }),
  );
  const end = nearest(ends, END_PX * wider);
  if (end || !withLines) return end;
  const movable = list.filter(({ item }) => item.kind !== "diameters");
  const lines = movable.map((one) => {
    const away = measureShapes.distance(one.item, [point.x, point.y], scale);
    return { one, handle: null, away };
  });
  return nearest(lines, LINE_PX * wider);
}

/**
 * @param {(Picked & { away: number })[]} found
 * @param {number} within
 * @returns {Picked | null}
 */
function nearest(found, within) {
  /** @type {(Picked & { away: number }) | null} */
  let best = null;
  for (const one of found) if (one.away < (best?.away ?? within)) best = one;
  return best;
}

// ---- dragging ----
/**
 * @param {Picked} picked
 * @param {Point} point
 * @param {Screen} screen
 * @returns {Action}
 */
function drag({ one, handle }, point, screen) {
  const { study } = viewer.opened();
  const { item } = one;
  select(item.id, handle);
  const id = one.isAi ? measureStore.newId() : item.id;
  const mask = item.kind === "diameters" ? bidimensional.mask(viewer.opened(), item.k) : null;
  document.body.classList.add("measure-dragging");
  /**
   * @param {Point} to
   * @returns {Item}
   */
  const make = ({ x, y }) => {
    if (handle === null) return measureShapes.moved(item, x - point.x, y - point.y, study);
    if (item.kind !== "diameters") return measureShapes.withHandle(item, handle, [x, y], study);
    return draggedDiameters(item, id, handle, [x, y], mask, screen.scale());
  };
  const letGo = () => {
    const made = preview?.item;
    preview = null;
    document.body.classList.remove("measure-dragging");
    render();
    return made;
  };
  return {
    move(to) {
      preview = { id, from: item.id, item: make(to) };
      if (selected?.id !== id) selected = { id, handle };
      render();
    },
    end() {
      const made = letGo();
      if (made) measureStore.change(id, made);
    },
    cancel() {
      letGo();
      select(item.id, handle);
    },
  };
}

/**
 * Diameters with one end moved, as the reader's own measurement.
 *
 * @param {Item} item
 * @param {string} id Id of the reader's measurement.
 * @param {number} handle
 * @param {Pair} to
 * @param {ReturnType<typeof bidimensional.mask>} mask
 * @param {readonly [number, number]} scale
 * @returns {Item}
 */
export function draggedDiameters(item, id, handle, to, mask, scale) {
  const { study } = viewer.opened();
  const settings = { mask, spacing: measureShapes.spacing(study) ?? [1, 1], scale };
  const points = chordDrag
    .drag(item.points, handle, measureShapes.inside(to, study), settings)
    .map((end) => measureShapes.inside(end, study));
  return { ...item, id, points: measureShapes.rounded(points) };
}

/** @type {Begin} grabs an end under the pointer before the chosen tool gets the press */
function grab(point, event, screen) {
  if (!isMeasuring() || pending || lock.isLocked()) return null;
  const found = pick(point, event, screen, false);
  return found && drag(found, point, screen);
}

// ---- drawing a new measurement ----
/**
 * @param {DrawnKind} kind
 * @returns {Begin}
 */
function begin(kind) {
  return (point, event, screen) => {
    if (lock.refuse()) return null;
    const now = viewer.opened();
    if (pending && pending.item.kind !== kind) pending = null;
    if (!pending) {
      const found = pick(point, event, screen, true);
      if (found) return drag(found, point, screen);
      select(null);
    }
    const at = insideImage(point);
    if (!pending) {
      /** @type {Item} */
      const item = { id: "new", kind, k: now.k, points: [at, at] };
      pending = { session: now, item };
    } else setLast(at);
    render();
    return kind === "area" ? freehand(at, event, screen) : stretch(event);
  };
}

/** @param {Point} point */
const insideImage = ({ x, y }) => measureShapes.inside([x, y], viewer.opened().study);

/** @param {readonly Pair[]} points */
function setPoints(points) {
  if (!pending) return;
  pending.item = { ...pending.item, points };
  render();
}

/** @param {Pair} at */
function setLast(at) {
  if (pending) setPoints([...pending.item.points.slice(0, -1), at]);
}

/**
 * Whether only the first press has been made.
 *
 * @param {Item} item
 */
const isFirstPress = ({ points }) => points.length === 2 && points[0] === points[1];

/**
 * @param {MouseEvent} event
 * @param {MouseEvent} start
 */
const isFar = (event, start) =>
  Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > CLICK_PX;

/** Cancels the measurement that is being drawn. */
export function drop() {
  pending = null;
  render();
}

/**
 * A drag sets the last point where it ends; after a click, the next press sets it.
 *
 * @param {PointerEvent} start
 * @returns {Action}
 */
function stretch(start) {
  return {
    move: (point) => setLast(insideImage(point)),
    end(point, event) {
      if (!pending) return;
      // a click: the next press sets the other end
      if (isFirstPress(pending.item) && !isFar(event, start)) return;
      setLast(insideImage(point));
      const { kind, points } = pending.item;
      if (points.length >= (COUNT[kind] ?? 0)) finish(pending.item);
      else setPoints([...points, points[points.length - 1]]);
    },
    cancel: drop,
  };
}

/**
 * A drag draws a closed freehand area; clicks set corners until the first one is clicked again, or
 * a double click.
 *
 * @param {Pair} at
 * @param {PointerEvent} start
 * @param {Screen} screen
 * @returns {Action}
 */
function freehand(at, start, screen) {
  const corners = !pending || isFirstPress(pending.item) ? [] : pending.item.points.slice(0, -1);
  const line = [at];
  const [sx, sy] = screen.scale();
  const apart = (/** @type {Pair} */ a, /** @type {Pair} */ b) =>
    Math.hypot((a[0] - b[0]) * sx, (a[1] - b[1]) * sy);
  return {
    move(point, event) {
      if (!pending || (line.length === 1 && !isFar(event, start))) return;
      const next = insideImage(point);
      if (apart(next, line[line.length - 1]) < FREEHAND_PX) return;
      line.push(next);
      setPoints([...corners, ...line]);
    },
    end() {
      if (!pending) return;
      const points = [...corners, ...line];
      const onFirst = corners.length > 2 && apart(at, corners[0]) < CLOSE_PX;
      if (onFirst) finish({ ...pending.item, points: corners });
      else if (line.length > 3)
        finish({ ...pending.item, points: geometry.simplify(points, 0.6 / Math.min(sx, sy)) });
      else setPoints([...points, at]);
    },
    cancel: drop,
  };
}

/**
 * Closes the area that is being drawn, without the corner that follows the pointer and the
 * duplicate from a double click.
 */
export function closeArea() {
  if (pending?.item.kind !== "area") return;
  const points = pending.item.points
    .slice(0, -1)
    .filter(([x, y], i, list) => !i || Math.hypot(x - list[i - 1][0], y - list[i - 1][1]) > 1e-6);
  finish({ ...pending.item, points });
}

/** @param {Item} item The drawn measurement, which is stored unless it is too small. */
function finish({ kind, k, points }) {
  pending = null;
  const size =
    kind === "area"
      ? geometry.polygonArea(points, null)
      : Math.max(...points.map((point) => geometry.distance(point, points[0], null)));
  const isFlat = kind === "ellipse" && geometry.ellipseArea(points, null) <= 0.2;
  if (points.length < (COUNT[kind] ?? 3) || size <= 0.2 || isFlat) return render();
  const id = measureStore.newId();
  selected = { id, handle: null };
  const stored = measureShapes.rounded(points).slice(0, MOST_POINTS);
  measureStore.change(id, { id, kind, k, points: stored });
  events.emit("drawn");
}

// ---- hovering ----
/** @param {PointerEvent} event */
function onMove(event) {
  const { now } = viewer;
  if (!now?.screen || event.buttons) return;
  const surface = listenerOf(event);
  const pane = now.panes.find(({ screen }) => screen.root.contains(surface));
  const found =
    !pending && pane && isMeasuring()
      ? pick(pane.screen.toImage(event.clientX, event.clientY), event, pane.screen, true)
      : null;
  const next = found && { id: found.one.item.id, handle: found.handle };
  surface.classList.toggle("measure-grab", Boolean(found));
  if (next?.id === hovered?.id && next?.handle === hovered?.handle) return;
  hovered = next;
  render();
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  selected = hovered = pending = preview = null;
  const hover = (/** @type {Point} */ point) => setLast(insideImage(point));
  const asTools = measureShapes.DRAWN.map((kind) =>
    tools.add({
      name: kind,
      group: "measure",
      cursor: "crosshair",
      hover,
      begin: begin(kind),
      double: closeArea,
    }),
  );
  /** @type {NodeListOf<HTMLElement>} */
  const surfaces = document.querySelectorAll(".screen-surface");
  for (const surface of surfaces) surface.addEventListener("pointermove", onMove, { signal });
  return all([
    ...asTools,
    () => document.body.classList.remove("measure-dragging"), // the study was left during a drag
    tools.addGrab(grab),
    overlays.addLayer({ draw: drawLines }),
    viewer.on(["threshold", "view", "display", "channel", "mode", "measures"], render),
    viewer.on("painted", paint),
    measureStore.on(render),
    bidimensional.on(render),
    viewer.on("display", ({ tool }) => {
      if (pending && pending.item.kind !== tool) drop();
    }),
  ]);
}
