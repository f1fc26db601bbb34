// @ts-check
/**
 * Viewer modes: single, side by side, swipe; content of the second view; the swipe divider.
 */

/** @import { Mode, Second, Session } from "./session.js" */

import { byId, listenerOf, make } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import * as overlays from "./overlays.js";
import * as panes from "./panes.js";
import * as viewer from "./viewer.js";

/** @type {readonly Mode[]} */
const MODES = ["one", "linked", "swipe", "planes", "space"];
/** @type {readonly Mode[]} */
const CYCLE = ["one", "linked", "swipe"];
const STEP = 0.02;
let edge = 0.5; // position of the swipe divider, as a share of the width

/** @param {Mode} mode */
const isTwo = (mode) => mode === "linked" || mode === "swipe";

/** @param {Mode} mode Choosing the current mode returns to the single view. */
export function choose(mode) {
  if (!viewer.now || byId(`mode-${mode}`, HTMLButtonElement).disabled) return;
  void panes.setMode(viewer.now.mode === mode ? "one" : mode);
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
  if (viewer.now) void panes.setMode(after(CYCLE, viewer.now.mode));
}

/** Shows the next possible content in the second view. */
function nextSecond() {
  const { now } = viewer;
  if (!now) return;
  if (!isTwo(now.mode)) return void panes.setMode("linked");
  const options = panes.choices(now.study, now.channel).map(([second]) => second);
  void panes.setMode(now.mode, after(options, now.second));
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
  else void panes.setMode(now.mode, panes.firstSecond(now.study, now.channel));
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
  if (viewer.now) void panes.setMode(viewer.now.mode, second);
  select.blur();
}

const KEYS = [
  { id: "mode.cycle", key: "v", label: "Single, side by side, swipe", run: cycle },
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
    overlays.onLayers(() => viewer.now && showNames(viewer.now)),
    keys.add("Views", KEYS),
  ]);
}
