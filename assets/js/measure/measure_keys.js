// @ts-check
/**
 * Keys and buttons of the measurements. While a mask is being edited, the keys for undo and redo
 * apply to the edit instead.
 */

/** @import { Binding } from "../frame/keys.js" */
/** @import { Session } from "../viewer/session.js" */
/** @import { Pair } from "../viewer/geometry.js" */
/** @import { DrawnKind } from "./measure_shapes.js" */

import { byId, letGoOfClick } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as correction from "../correct/correction.js";
import { actions } from "../correct/edit_actions.js";
import * as keys from "../frame/keys.js";
import * as lock from "../viewer/lock.js";
import { note } from "../viewer/notes.js";
import * as tools from "../viewer/tools.js";
import * as viewer from "../viewer/viewer.js";
import * as arrowText from "./arrow_text.js";
import * as bidimensional from "./bidimensional.js";
import * as measureShapes from "./measure_shapes.js";
import * as measureStore from "./measure_store.js";
import * as measureTools from "./measure_tools.js";

/** @param {(now: Session) => void} run Runs only while a study is open. */
const go = (run) => () => viewer.now && run(viewer.now);

/** @param {DrawnKind} name */
const tool = (name) => () => tools.choose(name);

/**
 * Selects the next measurement on the slice; after the last, the first.
 *
 * @param {Session} now
 */
function next(now) {
  const list = measureTools.here(now);
  if (!list.length) return void note("No measurement on this slice.", "no-measurement");
  const at = list.findIndex(({ item }) => item.id === measureTools.selected?.id);
  measureTools.select(list[(at + 1) % list.length].item.id);
}

/**
 * Cycles through the selected measurement as a whole and its ends.
 *
 * @param {Session} now
 */
function nextEnd(now) {
  const { selected } = measureTools;
  const one = selectedHere(now);
  if (!one || !selected) return next(now);
  const count = measureShapes.handles(one.item).length;
  const end = (selected.handle ?? -1) + 1;
  measureTools.select(one.item.id, end < count ? end : null);
}

/**
 * Moves the selection. Keys do not snap: a step of one pixel would never leave the border.
 *
 * @param {number} dx
 * @param {number} dy
 */
const nudge = (dx, dy) =>
  go((now) => {
    const { selected } = measureTools;
    const one = selectedHere(now);
    if (!one || !selected)
      return void note("Select a measurement on this slice first.", "not-selected");
    const { item, isAi } = one;
    const { handle } = selected;
    if (handle === null) {
      if (item.kind !== "diameters")
        measureStore.change(item.id, measureShapes.moved(item, dx, dy, now.study));
      return;
    }
    const [x, y] = measureShapes.handles(item)[handle];
    /** @type {Pair} */
    const to = [x + dx, y + dy];
    const id = isAi ? measureStore.newId() : item.id;
    const moved =
      item.kind === "diameters"
        ? measureTools.draggedDiameters(
            item,
            id,
            handle,
            to,
            bidimensional.mask(now, item.k),
            [1e6, 1e6],
          )
        : measureShapes.withHandle(item, handle, to, now.study);
    measureStore.change(id, moved);
    measureTools.select(id, handle);
  });

/** @param {string} id Of the measurement to delete. */
export function remove(id) {
  measureStore.change(id, null);
  measureTools.select(null);
}

/** @param {Session} now */
const selectedHere = (now) =>
  measureTools.here(now).find(({ item }) => item.id === measureTools.selected?.id);

/**
 * Deletes the selected measurement if the reader sees it.
 *
 * @param {Session} now
 */
function removeSelected(now) {
  const one = selectedHere(now);
  if (!one) note("Select a measurement on this slice first.", "not-selected");
  else if (one.isAi) note("Diameters measured on the mask cannot be deleted.", "not-own");
  else remove(one.item.id);
}

/**
 * Adds a measurement of the chosen kind at the centre of the view; keys can then move its ends.
 *
 * @param {Session} now
 */
function place(now) {
  if (!now.screen || lock.refuse()) return;
  const kind = measureShapes.DRAWN.find((one) => one === now.tool) ?? "ruler";
  const box = now.screen.root.getBoundingClientRect();
  const [sx, sy] = now.screen.scale();
  const { x, y } = now.screen.toImage(box.left + box.width / 2, box.top + box.height / 2);
  /**
   * @param {number} dx
   * @param {number} dy
   */
  const at = (dx, dy) => measureShapes.inside([x + dx / sx, y + dy / sy], now.study);
  const points = {
    ruler: [at(-60, 0), at(60, 0)],
    angle: [at(-60, -60), at(-60, 60), at(60, 60)],
    area: [at(-50, -50), at(50, -50), at(50, 50), at(-50, 50)],
    ellipse: [at(-60, -40), at(60, 40)],
    arrow: [at(0, 0), at(60, -40)],
  }[kind];
  const id = measureStore.newId();
  measureStore.change(id, { id, kind, k: now.k, points: measureShapes.rounded(points) });
  measureTools.select(id);
  if (kind === "arrow") arrowText.ask();
}

/**
 * Readers' own keys are stored by these ids, which never change.
 *
 * @type {Binding[]}
 */
const TOOLS = [
  { id: "measure.ruler", key: "k", label: "Ruler", run: tool("ruler") },
  { id: "measure.angle", key: "Shift+v", label: "Angle", run: tool("angle") },
  { id: "measure.area", key: "q", label: "Area, freehand or polygon", run: tool("area") },
  { id: "measure.ellipse", key: "o", label: "Ellipse ROI with statistics", run: tool("ellipse") },
  { id: "measure.arrow", key: "Shift+t", label: "Arrow with text", run: tool("arrow") },
  {
    id: "measure.next",
    key: "Shift+k",
    label: "Select next measurement on this slice",
    repeat: true,
    run: go(next),
  },
  {
    id: "measure.end",
    key: "Shift+o",
    label: "Select next end of the measurement",
    repeat: true,
    run: go(nextEnd),
  },
  {
    id: "measure.left",
    key: "Shift+ArrowLeft",
    label: "Move selection by one pixel",
    repeat: true,
    run: nudge(-1, 0),
  },
  { id: "measure.right", key: "Shift+ArrowRight", repeat: true, run: nudge(1, 0) },
  { id: "measure.up", key: "Shift+ArrowUp", repeat: true, run: nudge(0, -1) },
  { id: "measure.down", key: "Shift+ArrowDown", repeat: true, run: nudge(0, 1) },
  {
    id: "measure.delete",
    key: "Delete",
    label: "Delete selected measurement",
    run: go(removeSelected),
  },
];
/**
 * Undoes or redoes the last change of measurements or mask: lesions are removed and added without
 * the editing tools.
 *
 * @param {boolean} back
 */
function move(back) {
  if (lock.refuse()) return;
  const canMeasure = back ? measureStore.canUndo() : measureStore.canRedo();
  const isLater = correction.lastChange() > measureStore.lastChange();
  const isMask = correction.canMove(back) && (isLater || !canMeasure);
  if (isMask) return (back ? actions.undo : actions.redo)();
  const step = (back ? measureStore.undo : measureStore.redo)();
  if (!step) return void note(back ? "Nothing to undo." : "Nothing to redo.", "no-step");
  const item = step.after ?? step.before;
  if (item) viewer.goTo(item.k); // the reader sees what changed
}
const [undo, redo] = [() => move(true), () => move(false)];
/** @type {Binding[]} */
const STEPS = [
  { id: "measure.undo", key: "Ctrl+z", label: "Undo", repeat: true, run: go(undo) },
  { id: "measure.redo", key: "Ctrl+Shift+z", label: "Redo", repeat: true, run: go(redo) },
  { id: "measure.redo-y", key: "Ctrl+y", repeat: true, run: go(redo) },
];

/**
 * Enter and Escape finish and cancel a measurement that is being drawn; Escape also deselects.
 *
 * @param {KeyboardEvent} event
 */
function onKey(event) {
  if (event.key !== "Escape" && event.key !== "Enter") return;
  if (measureTools.isDrawing()) {
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") measureTools.closeArea();
    else measureTools.drop();
  } else if (event.key === "Escape" && !document.querySelector("dialog[open]"))
    measureTools.select(null);
}

function showButtons() {
  const one = viewer.now && selectedHere(viewer.now);
  byId("measure-undo", HTMLButtonElement).disabled = !measureStore.canUndo();
  byId("measure-redo", HTMLButtonElement).disabled = !measureStore.canRedo();
  byId("measure-delete", HTMLButtonElement).disabled = !one || one.isAi;
  byId("measure-note").textContent =
    !viewer.now || viewer.now.study.spacing_mm ? "" : "No pixel spacing: lengths in pixels.";
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  /** @type {(() => void) | null} removes the keys for undo and redo */
  let removeSteps = null;
  const keepSteps = () => {
    const isEditing = tools.group() === "edit";
    if (!isEditing) removeSteps ??= keys.add("Measurements: undo", STEPS);
    else if (removeSteps) {
      removeSteps();
      removeSteps = null;
    }
  };
  document.addEventListener("keydown", onKey, { capture: true, signal });
  /** @type {Record<string, (now: Session) => void>} */
  const buttons = {
    "measure-undo": undo,
    "measure-redo": redo,
    "measure-delete": removeSelected,
    "measure-place": place,
  };
  for (const [id, run] of Object.entries(buttons)) {
    const onClick = (/** @type {MouseEvent} */ event) => {
      letGoOfClick(event);
      if (viewer.now?.screen) run(viewer.now);
    };
    byId(id).addEventListener("click", onClick, { signal });
  }
  const removers = all([
    keys.add("Measurements", TOOLS),
    measureStore.on(showButtons),
    measureTools.on("select", showButtons),
    viewer.on(["open", "slice"], showButtons),
    viewer.on("display", keepSteps),
  ]);
  keepSteps();
  return () => {
    removers();
    removeSteps?.();
  };
}
