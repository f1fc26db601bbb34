// @ts-check
/**
 * The panes that show the slice in view, one to three depending on the mode. `second` is the
 * content of the second of two panes: "reference" (then the first pane shows only the AI outline),
 * "bare" (no overlays), or a channel. Three panes show three channels.
 */

/** @import { Mode, Owned, Second, Session } from "./session.js" */
/** @import { Screen } from "./screen.js" */
/** @import { Study } from "./study.js" */
/** @import { Values } from "./pixels.js" */

import { byId, query } from "../frame/dom.js";
import * as greyscale from "./greyscale.js";
import { address } from "./pixels.js";
import * as screens from "./screen.js";
import * as viewer from "./viewer.js";

/**
 * @typedef {object} Pane
 * @property {Screen} screen
 * @property {boolean} isMain
 * @property {number} index 0 for the main one.
 */

/** @typedef {Owned<"panes" | "screen" | "mode" | "second">} Own This module's fields. */

const CONTRAST = "t1c";
const ORDER = ["flair", "t1", "t1c"]; // from left to right in three views
/** @type {ReadonlySet<Mode>} */
const TWO = new Set(["linked", "swipe"]);
const IDS = ["viewer-screen", "viewer-second", "viewer-third"];

/**
 * Grey levels by channel.
 *
 * @type {WeakMap<Session, Map<number, { key: string, values: Uint8Array }>>}
 */
const tables = new WeakMap();

/**
 * Possible contents of the second view, with their labels.
 *
 * @param {Study} study
 * @param {number} channel The channel in view.
 * @returns {[Second, string][]}
 */
export function choices(study, channel) {
  /** @type {[Second, string][]} */
  const reference = study.reference_url ? [["reference", "Reference outline"]] : [];
  /** @type {[Second, string][]} */
  const others = study.channels.flatMap(({ label, same_as: same }, i) =>
    same === null && i !== channel ? [[i, label]] : [],
  );
  return [...reference, ...others, ["bare", "No overlays"]];
}

/**
 * The default content of the second view: T1 post-contrast where there is one, else the first
 * possible.
 *
 * @param {Study} study
 * @param {number} channel The channel in view.
 */
export function firstSecond(study, channel) {
  const options = choices(study, channel).map(([second]) => second);
  const isContrast = (/** @type {Second} */ one) =>
    typeof one === "number" && study.channels[one].sequence === CONTRAST;
  return options.find(isContrast) ?? options[0];
}

/**
 * The channels beside the main one in three views; null unless the study has three.
 *
 * @param {Study} study
 * @param {number} channel The channel in view.
 * @returns {readonly number[] | null}
 */
export function companions({ channels: all }, channel) {
  const others = all.flatMap(({ same_as: same }, i) => (same === null && i !== channel ? [i] : []));
  const rank = (/** @type {number} */ i) => (ORDER.indexOf(all[i].sequence) + 1 || 9) - 1;
  return others.length < 2 ? null : others.sort((a, b) => rank(a) - rank(b)).slice(0, 2);
}

/**
 * @param {Session} now
 * @param {Pick<Pane, "index">} pane
 */
export function channelOf(now, { index }) {
  if (index === 0) return now.channel;
  if (now.mode === "three") return companions(now.study, now.channel)?.[index - 1] ?? now.channel;
  return typeof now.second === "number" ? now.second : now.channel;
}

/**
 * Addresses of all pixels that a pane needs: of its slice, or of its projection.
 *
 * @param {Session} now
 * @param {Pane} pane
 */
export function sources(now, pane) {
  const [first, last] = slabOf(now, now.k, now.study.n);
  const slices = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return slices.map((j) => address(now.study.pixels_url, j, channelOf(now, pane)));
}

/**
 * The channels in view, the main one first.
 *
 * @param {Session} now
 */
export const channels = (now) => [
  ...new Set([now.channel, ...now.panes.map((pane) => channelOf(now, pane))]),
];

/**
 * Which overlays belong in a pane, before the reader's toggles.
 *
 * @param {Session} now
 * @param {Pane} pane
 */
export function overlaysOf(now, pane) {
  if (!TWO.has(now.mode) || typeof now.second === "number") return { ai: true, reference: true };
  if (now.second === "reference") return { ai: pane.isMain, reference: !pane.isMain };
  return { ai: pane.isMain, reference: pane.isMain };
}

/**
 * The pane that contains an element, else the main pane.
 *
 * @param {Session} now
 * @param {Element} surface
 */
export const paneAt = (now, surface) =>
  now.panes.find(({ screen }) => screen.root.contains(surface)) ?? now.panes[0];

/**
 * Grey levels of stored values with the window in effect.
 *
 * @param {Session} now
 * @param {number} channel
 */
function greysOf(now, channel) {
  const { study, invert } = now;
  const made = tables.get(now) ?? new Map();
  tables.set(now, made);
  const levels = now.windows[channel];
  const key = `${levels.low} ${levels.high} ${invert}`;
  const known = made.get(channel);
  if (known?.key === key) return known.values;
  const values = greyscale.greysOf(study, levels, invert);
  made.set(channel, { key, values });
  return values;
}

/**
 * First and last slice of the projection around a slice; both are that slice without a projection.
 *
 * @param {Pick<Session, "slab">} now
 * @param {number} j
 * @param {number} n Slices of the study.
 * @returns {[number, number]}
 */
export function slabOf({ slab }, j, n) {
  const half = Math.floor(slab / 2);
  return [Math.max(0, j - half), Math.min(n - 1, j + half)];
}

/**
 * Stored values of a slice, or of the maximum intensity projection around it; null while any of
 * them is loading.
 *
 * @param {Session} now
 * @param {number} j
 * @param {number} channel
 * @returns {Values | null}
 */
export function valuesOf(now, j, channel) {
  const { study, loader } = now;
  const [first, last] = slabOf(now, j, study.n);
  const slices = [];
  for (let i = first; i <= last; i++) {
    const stored = loader.get(address(study.pixels_url, i, channel));
    if (!stored) return null;
    slices.push(stored);
  }
  return greyscale.project(slices, study.slope);
}

/**
 * Paints the slice in view.
 *
 * @param {Session} now
 * @param {Pane} pane
 * @returns {"painted" | "missing" | "failed"}
 */
export function paint(now, pane) {
  const { k, invert, slab, show } = now;
  const { screen } = pane;
  const channel = channelOf(now, pane);
  const { low, high } = now.windows[channel];
  const key = `${channel} ${k} ${low} ${high} ${invert} ${slab}`;
  if (screen.shown() !== key) {
    const values = valuesOf(now, k, channel);
    if (!values) return sources(now, pane).some(now.loader.hasFailed) ? "failed" : "missing";
    screen.show(key, values, greysOf(now, channel));
  }
  screen.fillOpacity(show.opacity);
  return "painted";
}

/**
 * @param {Session} session
 * @param {number} index
 * @param {(scale: number) => void} onView
 * @returns {Pane}
 */
function create(session, index, onView) {
  const { study, view } = session;
  const settings = { width: study.width, height: study.height, spacing: study.spacing_mm, view };
  const screen = screens.create(byId(IDS[index]), settings, onView);
  return { screen, isMain: index === 0, index };
}

/**
 * Makes the main pane.
 *
 * @param {Session} session
 * @param {(scale: number) => void} onView Called when zoom or size has changed.
 */
export function open(session, onView) {
  const pane = create(session, 0, onView);
  /** @type {Own} */
  const own = session;
  Object.assign(own, { panes: [pane], screen: pane.screen });
}

/**
 * Changes the mode.
 *
 * @param {Mode} mode
 * @param {Second} [second] Content of the second view; unchanged by default.
 */
export function setMode(mode, second = viewer.now?.second) {
  const session = viewer.now;
  if (!session || second === undefined) return;
  /** @type {Own} */
  const own = session;
  Object.assign(own, { mode, second });
  arrange(session);
  viewer.emit("mode");
}

/**
 * Creates or removes the panes beside the main one, as the mode requires.
 *
 * @param {Session} session
 */
function arrange(session) {
  query(".viewer").dataset.mode = session.mode;
  const wanted = session.mode === "three" ? 3 : TWO.has(session.mode) ? 2 : 1;
  /** @type {Own} */
  const own = session;
  for (const { screen } of session.panes.slice(wanted)) screen.dispose();
  own.panes = session.panes.slice(0, wanted);
  while (session.panes.length < wanted)
    own.panes = [...session.panes, create(session, session.panes.length, () => {})];
}

/** @param {Session} session */
export function dispose(session) {
  for (const { screen } of session.panes) screen.dispose();
  /** @type {Own} */
  const own = session;
  own.panes = [];
  const page = /** @type {HTMLElement | null} */ (document.querySelector(".viewer"));
  if (page) page.dataset.mode = "one";
}
