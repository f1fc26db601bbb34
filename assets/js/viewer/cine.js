// @ts-check
/**
 * Cine: goes through the slices by itself, from the last back to the first, until it is stopped or
 * the image is pressed. A slice is followed by the next one only after it has been painted.
 */

import { byId } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import { note } from "./notes.js";
import * as viewer from "./viewer.js";

/** @type {{ at: number, timer: number } | null} when the last step was made; null while stopped */
let playing = null;

/** Slices a second, as chosen. */
const speed = () => Number(byId("cine-speed", HTMLSelectElement).value);

function show() {
  const button = byId("cine-play");
  button.setAttribute("aria-pressed", String(playing !== null));
  byId("cine-words").textContent = playing ? "Stop" : "Play";
}

function step() {
  const { now } = viewer;
  if (!playing || !now) return;
  playing.at = performance.now();
  viewer.goTo((now.k + 1) % now.study.n);
}

/** Schedules the next step, counted from the last one. */
function follow() {
  if (!playing) return;
  clearTimeout(playing.timer);
  const wait = 1000 / speed() - (performance.now() - playing.at);
  playing.timer = setTimeout(step, Math.max(0, wait));
}

function play() {
  if (!viewer.now) return;
  if (viewer.now.study.n < 2) return void note("This study has a single slice.", "single-slice");
  playing = { at: performance.now(), timer: 0 };
  follow();
  show();
}

function stop() {
  if (!playing) return;
  clearTimeout(playing.timer);
  playing = null;
  show();
}

const toggle = () => (playing ? stop() : play());

/** @type {keys.Binding[]} */
const KEYS = [{ id: "cine.play", key: "s", label: "Play or stop cine", run: toggle }];

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  byId("cine-play").addEventListener("click", toggle, { signal });
  const stage = byId("viewer-stage");
  stage.addEventListener("pointerdown", stop, { capture: true, signal });
  stage.addEventListener("wheel", stop, { capture: true, passive: true, signal });
  return all([
    viewer.on("painted", follow),
    viewer.on("close", stop),
    keys.add("Cine", KEYS),
    stop,
  ]);
}
