// @ts-check
/**
 * Viewer modes: single, two or three linked views, swipe; content of the second view; the swipe
 * divider. A study opens in the views that the reader chose last, as far as it has their series.
 */

/** @import { Mode, Second, Session } from "./session.js" */
/** @import { Study } from "./study.js" */

import { byId, listenerOf, make } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import * as reader from "../frame/reader.js";
import { note } from "./notes.js";
import * as overlays from "./overlays.js";
import * as panes from "./panes.js";
import * as viewer from "./viewer.js";

/** @type {readonly Mode[]} */
const MODES = ["one", "linked", "three", "swipe", "planes", "space"];
/** @typedef {reader.Reader["view_mode"]} Hanging Modes in which a study can open. */
/** @type {readonly Hanging[]} */
const CYCLE = ["one", "linked", "three", "swipe"];
const STEP = 0.02;
/** @type {Session | null} the study that was last put into the reader's views */
let hung = null;
let edge = 0.5; // position of the swipe divider, as a share of the width

/** @param {Mode} mode */
const isTwo = (mode) => mode === "linked" || mode === "swipe";

/** @param {Mode} mode Choosing the current mode returns to the single view. */
export function choose(mode) {
  if (!viewer.now || byId(`mode-${mode}`, HTMLButtonElement).disabled) return;
  change(viewer.now.mode === mode ? "one" : mode);
}

/**
 * @param {Mode} mode
 * @returns {mode is Hanging}
 */
const isHanging = (mode) => CYCLE.some((one) => one === mode);

/**
 * Changes the views, and remembers them for this reader's next study.
 *
 * @param {Mode} mode
 * @param {Second} [second]
 */
function change(mode, second) {
  panes.setMode(mode, second);
  const { now } = viewer;
  if (!now || !isHanging(mode)) return;
  // that of the mode's buttons leaves the content as it is
  const content = second === undefined ? reader.now.second_view : nameOf(now.study, second);
  if (mode === reader.now.view_mode && content === reader.now.second_view) return;
  void reader.change({ view_mode: mode, second_view: content });
}

/**
 * The name under which the content of the second view is remembered.
 *
 * @param {Study} study
 * @param {Second} second
 */
const nameOf = ({ channels }, second) =>
  typeof second === "number" ? channels[second].sequence : second;

/**
 * The views in which a study opens, given what the reader chose last.
 *
 * @param {Study} study
 * @param {number} channel The channel in view.
 * @param {Pick<reader.Reader, "view_mode" | "second_view">} wanted
 * @returns {{ mode: Hanging, second: Second }}
 */
export function hanging(study, channel, { view_mode: mode, second_view: name }) {
  const options = panes.choices(study, channel).map(([second]) => second);
  const known = options.find((second) => nameOf(study, second) === name);
  const second = known ?? panes.firstSecond(study, channel);
  if (mode === "three" && panes.companions(study, channel)) return { mode, second };
  const two = mode === "three" ? "linked" : mode;
  // a partner that is missing is not replaced by another view of the same series
  return { mode: known === undefined && second === "bare" ? "one" : two, second };
}

/**
 * Shows a new study in the reader's views, once its first slice is on the screen.
 *
 * @param {Session} now
 */
function hang(now) {
  if (hung === now || !reader.now.loaded || now.mode !== "one") return;
  hung = now;
  const { mode, second } = hanging(now.study, now.channel, reader.now);
  if (mode !== now.mode || second !== now.second) panes.setMode(mode, second);
}

/**
 * The entry after another one; after the last, the first.
 *
 * @template Entry
 * @param {readonly Entry[]} list
 * @param {Entry} entry
 */
const after = (list, entry) => list[(list.indexOf(entry) + 1) % list.length];

function cycle() {
  const { now } = viewer;
  if (!now) return;
  const modes = CYCLE.filter((mode) => !byId(`mode-${mode}`, HTMLButtonElement).disabled);
  change(after(/** @type {readonly Mode[]} */ (modes), now.mode));
}

/** Shows the next possible content in the second view. */
function nextSecond() {
  const { now } = viewer;
  if (!now) return;
  if (!isTwo(now.mode)) return change("linked");
  const options = panes.choices(now.study, now.channel).map(([second]) => second);
  if (options.length < 2)
    return void note("This study has no other series and no reference to compare.", "no-second");
  change(now.mode, after(options, now.second));
}

/** @param {number} share */
function moveEdge(share) {
  edge = Math.min(0.98, Math.max(0.02, share));
  byId("viewer-stage").style.setProperty("--edge", `${100 * edge}%`);
  byId("swipe-edge").setAttribute("aria-valuenow", String(Math.round(100 * edge)));
}

/**
 * Labels of the left and right view.
 *
 * @param {Session} now
 */
function names(now) {
  const options = panes.choices(now.study, now.channel);
  const label = options.find(([second]) => second === now.second)?.[1] ?? "";
  if (now.second === "reference")
    return [["FLAIR abnormality (AI)", ...overlays.shownLayers(now)].join(" and "), label];
  return [now.second === "bare" ? "With overlays" : now.study.channels[now.channel].label, label];
}

/** @param {Session} now */
function show(now) {
  for (const mode of MODES)
    byId(`mode-${mode}`).setAttribute("aria-pressed", String(now.mode === mode));
  byId("second-choice").hidden = !isTwo(now.mode);
  byId("mode-three", HTMLButtonElement).disabled = !panes.companions(now.study, now.channel);
  const options = panes
    .choices(now.study, now.channel)
    .map(([second, textContent]) => make("option", { value: String(second), textContent }));
  const select = byId("second-content", HTMLSelectElement);
  select.replaceChildren(...options);
  select.value = String(now.second);
  byId("swipe-edge").hidden = now.mode !== "swipe";
  showNames(now);
}

/** @param {Session} now */
function showNames(now) {
  const [left, right] = names(now);
  for (const [id, words] of [
    ["pane-name-left", left],
    ["pane-name-right", right],
  ]) {
    byId(id).hidden = !isTwo(now.mode);
    byId(id).textContent = words;
  }
}

/**
 * Chooses another second series if the current one has become the main one.
 *
 * @param {Session} now
 */
function keepDifferent(now) {
  const options = panes.choices(now.study, now.channel);
  if (options.some(([second]) => second === now.second)) show(now);
  else panes.setMode(now.mode, panes.firstSecond(now.study, now.channel));
}

/** @param {PointerEvent} event */
function dragEdge(event) {
  event.preventDefault();
  const handle = listenerOf(event);
  const box = byId("viewer-stage").getBoundingClientRect();
  handle.setPointerCapture(event.pointerId);
  handle.focus();
  const move = (/** @type {PointerEvent} */ moved) =>
    moveEdge((moved.clientX - box.left) / box.width);
  const end = () => handle.removeEventListener("pointermove", move);
  handle.addEventListener("pointermove", move);
  handle.addEventListener("lostpointercapture", end, { once: true });
}

/** @param {KeyboardEvent} event */
function edgeKey(event) {
  /** @type {Record<string, number>} */
  const steps = { ArrowLeft: -STEP, ArrowRight: STEP, Home: -1, End: 1 };
  const step = steps[event.key];
  if (!step) return;
  event.preventDefault(); // while the divider has the focus, arrow keys move it, not the slice
  moveEdge(edge + step);
}

function chooseSecond() {
  const select = byId("second-content", HTMLSelectElement);
  const { value } = select;
  const second = /^[0-9]+$/.test(value) ? Number(value) : /** @type {Second} */ (value);
  if (viewer.now) change(viewer.now.mode, second);
  select.blur();
}

const KEYS = [
  { id: "mode.cycle", key: "v", label: "Single, two, three, swipe", run: cycle },
  { id: "mode.second", key: "x", label: "Content of the second view", run: nextSecond },
];

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  for (const mode of MODES)
    byId(`mode-${mode}`).addEventListener("click", () => choose(mode), { signal });
  byId("second-content").addEventListener("change", chooseSecond, { signal });
  byId("swipe-edge").addEventListener("pointerdown", dragEdge, { signal });
  byId("swipe-edge").addEventListener("keydown", edgeKey, { signal });
  moveEdge(0.5);
  return all([
    viewer.on(["open", "mode", "result"], show),
    viewer.on("display", showNames),
    viewer.on("channel", keepDifferent),
    viewer.on("painted", hang),
    reader.on("change", () => viewer.now?.painted && hang(viewer.now)),
    overlays.onLayers(() => viewer.now && showNames(viewer.now)),
    keys.add("Views", KEYS),
  ]);
}
