// @ts-check
/**
 * Named windows: a list in the View menu, and a key that goes through them. All but "auto" and
 * "full" follow from the window in which the series opened.
 */

/** @import { Levels, Session } from "./session.js" */

import { byId } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import * as drawing from "./drawing.js";
import * as greyscale from "./greyscale.js";
import { note } from "./notes.js";
import * as viewer from "./viewer.js";

/** @typedef {"opened" | "auto" | "full" | "contrast" | "soft" | "bright" | "dark"} Name */

/** @type {readonly Name[]} as in dashboard/pages/review/tool_bar.py */
export const NAMES = ["opened", "auto", "full", "contrast", "soft", "bright", "dark"];
const CUSTOM = "custom";
/**
 * Width and level relative to the window in which the series opened: times its width, moved by so
 * many of its widths.
 *
 * @type {Readonly<Record<string, readonly [number, number]>>}
 */
const RELATIVE = {
  opened: [1, 0],
  contrast: [0.6, 0],
  soft: [1.6, 0],
  bright: [0.6, 0.25],
  dark: [0.6, -0.25],
};
/** @type {Levels | null} what "auto" found last */
let found = null;

/**
 * A window that follows from the one in which the series opened; null for other presets.
 *
 * @param {string} name
 * @param {readonly [number, number]} home
 * @returns {Levels | null}
 */
export function relative(name, [low, high]) {
  const factors = RELATIVE[name];
  if (!factors) return null;
  const level = (low + high) / 2 + factors[1] * (high - low);
  const half = (factors[0] * (high - low)) / 2;
  return { low: level - half, high: level + half };
}

/** @param {Session} now */
function full({ study, channel }) {
  const { slope, intercept } = study;
  const top = study.pixel_type === "uint16" ? 65535 : 255;
  const ends = study.value_range?.[channel] ?? [intercept, top * slope + intercept];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

/** @param {Session} now */
function auto({ study: { width, slope, intercept } }) {
  const stored = drawing.pixelsInView();
  found = stored ? greyscale.autoWindow(stored, width, slope, intercept) : null;
  return found;
}

/**
 * The window of a preset; null while the pixels that it needs are loading.
 *
 * @param {Session} now
 * @param {Name} name
 */
function levelsOf(now, name) {
  if (name === "auto") return auto(now);
  if (name === "full") return full(now);
  return relative(name, now.study.windows[now.channel]);
}

/** @param {Name} name */
function choose(name) {
  const { now } = viewer;
  if (!now) return;
  const window = levelsOf(now, name);
  if (window) return viewer.display({ window });
  note("The slice is still loading.", "slice-loading");
  show(now); // the list keeps the window in effect
}

/**
 * @param {Levels | null} a
 * @param {Levels} b
 */
const isSame = (a, b) => a !== null && Math.abs(a.low - b.low) + Math.abs(a.high - b.high) < 1e-9;

/**
 * The preset in effect; "custom" if no preset matches the window.
 *
 * @param {Session} now
 */
function current(now) {
  const levels = now.windows[now.channel];
  const home = now.study.windows[now.channel];
  const name = NAMES.find((one) => isSame(relative(one, home), levels));
  if (name) return name;
  if (isSame(full(now), levels)) return "full";
  return isSame(found, levels) ? "auto" : CUSTOM;
}

function next() {
  const { now } = viewer;
  if (!now) return;
  const at = NAMES.findIndex((name) => name === current(now));
  choose(NAMES[(at + 1) % NAMES.length]);
}

/** @param {Session} now */
function show(now) {
  byId("window-preset", HTMLSelectElement).value = current(now);
}

const KEYS = [
  {
    id: "window.auto",
    key: "Shift+b",
    label: "Auto window for the brain in this slice",
    run: () => choose("auto"),
  },
  { id: "window.next", key: "Shift+w", label: "Next window preset", run: next },
];

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  found = null;
  const select = byId("window-preset", HTMLSelectElement);
  const onChange = () => {
    const name = NAMES.find((one) => one === select.value);
    if (name) choose(name);
  };
  select.addEventListener("change", onChange, { signal });
  return all([viewer.on(["open", "display", "channel"], show), keys.add("Window", KEYS)]);
}
