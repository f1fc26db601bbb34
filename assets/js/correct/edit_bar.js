// @ts-check
/**
 * The edit row of the tool bar: buttons, keys, brush size, and the saving status as text.
 */

/** @import { Binding } from "../frame/keys.js" */

import { byId, letGoOfClick, makeRange } from "../frame/dom.js";
import { all, Events } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import * as reader from "../frame/reader.js";
import { timeSinceToday } from "../frame/times.js";
import * as lock from "../viewer/lock.js";
import * as tools from "../viewer/tools.js";
import * as viewer from "../viewer/viewer.js";
import * as correction from "./correction.js";
import * as correctionLayer from "./correction_layer.js";
import * as correctionStore from "./correction_store.js";
import { actions } from "./edit_actions.js";
import * as editTools from "./edit_tools.js";
import { note } from "../viewer/notes.js";

/** @typedef {keyof typeof actions} ActionName */

const isEditing = () => viewer.now !== null && tools.group() === "edit";
/** @type {(() => void) | null} removes the keys that other tools use too */
let removeSteps = null;

/** @type {Events<"words">} */
const events = new Events();
/** Listens to changes of the status text. */
export const { on } = events;

/** Saving status of the correction; "saving" includes changes that are about to be sent. */
function statusKind() {
  if (correctionStore.isLoading()) return "loading";
  const { kind } = correctionStore.status();
  const isAhead = correctionStore.isDirty() && ["none", "saved", "version"].includes(kind);
  return isAhead ? "saving" : kind;
}

/** Saving status of the correction as text. */
export function words() {
  const { at = "", sentence, line } = correctionStore.status();
  const kind = statusKind();
  if (kind === "loading") return "Loading your correction";
  if (kind === "saving") return "Saving draft";
  if (kind === "saved") return `Draft saved ${timeSinceToday(at)}`;
  if (kind === "version")
    return `Saved as version ${line?.number} by ${line?.author}, ${timeSinceToday(at)}`;
  if (kind === "failed" || kind === "refused") return `Not saved. ${sentence}`;
  if (kind === "conflict")
    return (
      `Not saved: this draft was changed in another window at ${timeSinceToday(at)}.` +
      " Both drafts are intact. Choose which one to continue with."
    );
  return correction.isThere() ? "No changes to save" : "No changes yet";
}

function show() {
  const { kind } = correctionStore.status();
  const { state } = correction;
  if (!state) return;
  const isConflict = kind === "conflict";
  const place = byId("edit-words");
  place.textContent = isConflict ? "Not saved: changed in another window" : words();
  place.title = words();
  place.dataset.status = statusKind();
  place.classList.toggle("edit-words--failed", ["failed", "refused", "conflict"].includes(kind));
  byId("edit-conflict-words").textContent = isConflict ? words() : "";
  byId("edit-conflict").hidden = !isConflict;
  byId("edit-undo", HTMLButtonElement).disabled = !correction.canMove(true);
  byId("edit-redo", HTMLButtonElement).disabled = !correction.canMove(false);
  byId("edit-save", HTMLButtonElement).disabled = !state.base || correctionStore.isSaved();
  events.emit("words");
}

function save() {
  if (lock.refuse()) return;
  if (!isEditing() || byId("edit-save", HTMLButtonElement).disabled)
    return void note("No changes since the last version.");
  const { state } = correction;
  const run = async () => {
    if (correction.state !== state) return;
    const line = await correctionStore.saveVersion();
    if (line && correction.state === state) note(`Saved as version ${line.number}.`);
  };
  reader.withName("Enter your name. It is saved with the version.", () => void run());
}

function showSize() {
  const diameter = editTools.brushSize();
  const mm = viewer.now?.study.spacing_mm;
  const pixels = `${diameter} px`;
  const spoken = mm ? `${pixels}, ${(diameter * Math.min(mm[1], mm[2])).toFixed(1)} mm` : pixels;
  const slider = byId("edit-size", HTMLInputElement);
  slider.value = String(diameter);
  slider.setAttribute("aria-valuetext", spoken);
  byId("edit-size-words").textContent = spoken;
}

function makeSlider() {
  const attributes = {
    id: "edit-size",
    class: "slider edit-size-slider",
    min: editTools.SMALLEST,
    max: editTools.LARGEST,
    step: 1,
    value: editTools.brushSize(),
    "aria-label": "Diameter of brush and eraser",
  };
  byId("edit-size-host").replaceChildren(makeRange(attributes, editTools.setSize));
  showSize();
}

/** @param {() => unknown} run Runs only while the edit row is shown. */
const editing = (run) => () => {
  if (isEditing()) run();
  else if (viewer.now) note("Start editing first.", "not-editing");
};

/** @param {string} name */
const tool = (name) => () => tools.choose(name);

/** @param {ActionName} name */
const action = (name) => editing(() => actions[name]());

function flip() {
  if (!correction.isThere() && correctionLayer.versionShown() === null)
    return void note("This study has no correction.", "no-correction");
  if (viewer.now) viewer.display({ show: { correction: !viewer.now.show.correction } });
}

/**
 * A binding that repeats while its key is held.
 *
 * @param {string} id
 * @param {string} key
 * @param {string} label
 * @param {() => void} run
 */
const held = (id, key, label, run) => ({ id, key, label, repeat: true, run });

/**
 * Readers' own keys are stored by these ids, which never change.
 *
 * @type {Binding[]}
 */
const KEYS = [
  {
    id: "edit.open",
    key: "e",
    label: "Start or stop editing",
    run: () => viewer.now && tools.toggleGroup("edit"),
  },
  { id: "edit.brush", key: "4", label: "Brush (Alt: erase)", run: tool("brush") },
  { id: "edit.eraser", key: "5", label: "Eraser (Alt: add)", run: tool("eraser") },
  { id: "edit.polygon", key: "6", label: "Polygon", run: tool("polygon") },
  { id: "edit.cut", key: "7", label: "Subtract polygon", run: tool("cut") },
  { id: "edit.fill", key: "8", label: "Fill hole (Alt: remove region)", run: tool("fill") },
  held(
    "edit.smaller",
    "<",
    "Smaller brush",
    editing(() => editTools.resize(-1)),
  ),
  held(
    "edit.larger",
    ">",
    "Larger brush",
    editing(() => editTools.resize(1)),
  ),
  held("edit.grow", "Shift+g", "Grow by one pixel", action("grow")),
  held("edit.shrink", "Shift+s", "Shrink by one pixel", action("shrink")),
  held("edit.copy-next", "Shift+PageDown", "Copy to next slice", action("copy-next")),
  held("edit.copy-previous", "Shift+PageUp", "Copy to previous slice", action("copy-previous")),
  {
    id: "edit.interpolate",
    key: "Shift+i",
    label: "Interpolate between corrected slices",
    run: action("interpolate"),
  },
  { id: "edit.clear", key: "Shift+x", label: "Clear this slice", run: action("clear") },
  {
    id: "edit.again",
    key: "Shift+z",
    label: "Revert this slice to the AI mask",
    run: action("again"),
  },
  { id: "show.correction", key: "Shift+m", label: "Correction on or off", run: flip },
];

/**
 * Keys that other tools use too: they are the edit row's while it is shown.
 *
 * @type {Binding[]}
 */
const STEPS = [
  held("edit.undo", "Ctrl+z", "Undo", action("undo")),
  held("edit.redo", "Ctrl+Shift+z", "Redo", action("redo")),
  { id: "edit.redo-too", key: "Ctrl+y", repeat: true, run: action("redo") },
  { id: "edit.save", key: "Ctrl+s", label: "Save version", run: editing(save) },
];

/** @type {ActionName[]} */
const BUTTONS = [
  "grow",
  "shrink",
  "copy-next",
  "copy-previous",
  "interpolate",
  "clear",
  "again",
  "undo",
  "redo",
];

function keepSteps() {
  if (isEditing() && !removeSteps) removeSteps = keys.add("Editing: undo and save", STEPS);
  else if (!isEditing() && removeSteps) {
    removeSteps();
    removeSteps = null;
  }
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  makeSlider();
  /**
   * @param {string} id
   * @param {() => unknown} run
   */
  const press = (id, run) => {
    const onClick = (/** @type {MouseEvent} */ event) => {
      letGoOfClick(event);
      if (viewer.now) run();
    };
    byId(`edit-${id}`).addEventListener("click", onClick, { signal });
  };
  for (const name of BUTTONS) press(name, actions[name]);
  press("save", save);
  press("keep-mine", correctionStore.keepMine);
  press("take-theirs", correctionStore.takeTheirs);
  byId("viewer-show-correction").addEventListener("click", flip, { signal });
  const remove = all([
    correction.on(["open", "change", "loaded"], show),
    correctionStore.on("status", show),
    editTools.on("size", showSize),
    viewer.on("open", showSize),
    viewer.on("display", keepSteps),
    keys.add("Editing", KEYS),
  ]);
  return () => {
    removeSteps?.();
    removeSteps = null;
    remove();
  };
}
