// @ts-check
/**
 * Loads and draws what the viewer's state requires. Each slice is requested from the server once.
 */

/** @import { Owned, Session } from "./session.js" */
/** @import { Study } from "./study.js" */
/** @import { Values, Wish } from "./pixels.js" */

import { byId, find } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as overlays from "./overlays.js";
import * as panes from "./panes.js";
import { address, createLoader } from "./pixels.js";
import { createView } from "./screen.js";
import { numberOf } from "./slices.js";
import * as viewer from "./viewer.js";

/** @typedef {Owned<"scale" | "painted">} Own This module's fields. */

const BUDGET_BYTES = 64 * 1024 * 1024;
const PATIENCE_MS = 150; // how long the previous slice stays in view while the next one loads

let scheduled = false;
let patience = 0;
let isFirstShown = false; // or failed
/** @type {Map<string, number>} positions of reference slices by address */
let referenceSlices = new Map();

/**
 * Requests slices: the one in view, then its neighbours, as many as fit the budget. When a study
 * opens, neighbours wait until the first slice is shown.
 */
function wish() {
  const now = viewer.opened();
  const { study, k, loader } = now;
  const channels = panes.channels(now);
  const length = study.width * study.height;
  const each = length * (study.pixel_type === "uint16" ? 2 : 1) * channels.length + 3 * length;
  const most = Math.max(4, Math.floor((BUDGET_BYTES * 0.8) / each / 2));
  const reach = isFirstShown ? most : 0;
  /** @type {Wish[]} */
  const list = [];
  for (let step = 0; step <= Math.min(reach, study.n); step++) {
    for (const j of step ? [k + step, k - step] : [k]) {
      if (j < 0 || j >= study.n) continue;
      for (const channel of channels) {
        const url = address(study.pixels_url, j, channel);
        list.push({ url, type: study.pixel_type, length });
      }
      for (const [, url] of overlays.sources(now, j)) list.push({ url, type: "uint8", length });
    }
  }
  loader.want(list);
}

/** Whether the screens exist: React removes them before the viewer is closed. */
function isThere() {
  const { now } = viewer;
  return Boolean(now?.screen && now.panes.every(({ screen }) => screen.isAlive()));
}

/** Draws once per frame, however many changes there were. */
function invalidate() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    if (isThere()) draw(viewer.opened());
  });
}

/** @param {Session} session */
function draw(session) {
  const { k, study } = session;
  const states = session.panes.map((pane) => panes.paint(session, pane));
  if (states.includes("missing") || states.includes("failed")) wait(session, states);
  else clearTimeout(patience);
  if (states[0] !== "painted") return;
  let missing = false;
  session.panes.forEach((pane, i) => {
    if (states[i] === "painted") missing = overlays.draw(session, pane) || missing;
  });
  if (missing)
    say("mask-failed", `Mask of slice ${numberOf(study, k)} could not be loaded. Retrying.`);
  else clearMessage();
  const [main] = session.panes;
  const shown = main.screen.shown();
  if (session.painted === shown) return;
  /** @type {Own} */
  const own = session;
  own.painted = shown;
  main.screen.root.dataset.slice = String(numberOf(study, k)); // read by tests
  viewer.emit("painted");
}

/**
 * Keeps the previous slice in view for a moment, then clears the image and shows a message.
 *
 * @param {Session} session
 * @param {readonly string[]} states Of the panes.
 */
function wait(session, states) {
  const { k, study } = session;
  const failed = states.includes("failed");
  clearTimeout(patience);
  const run = () => {
    if (viewer.now !== session || session.k !== k || !isThere()) return;
    const { loader } = session;
    const isEmpty = (/** @type {string} */ url) => !loader.get(url);
    const empty = session.panes.filter((pane) => panes.sources(session, pane).some(isEmpty));
    for (const { screen } of empty) {
      screen.clear();
      delete screen.root.dataset.slice;
      overlays.clear(screen);
    }
    if (!empty.length) return;
    /** @type {Own} */
    const own = session;
    own.painted = null; // so that the slice counts as painted again when it is back
    const number = numberOf(study, k);
    if (!failed) return say("loading", `Loading slice ${number}`);
    say("slice-failed", `Slice ${number} could not be loaded. Retrying.`);
    viewer.emit("failed");
  };
  patience = setTimeout(run, failed ? 0 : PATIENCE_MS);
}

/** @typedef {"loading" | "slice-failed" | "mask-failed" | "study-failed"} Message */

/**
 * Shows a message in place of the image, with a button to retry what failed.
 *
 * @param {Message} code Is in the document too (`data-code`), for tests.
 * @param {string} text
 */
export function say(code, text) {
  const box = find("viewer-message");
  if (!box) return;
  box.hidden = false;
  box.dataset.code = code;
  byId("viewer-message-text").textContent = text;
  byId("viewer-retry").hidden = !code.endsWith("failed");
}

export function clearMessage() {
  const box = find("viewer-message");
  if (!box) return;
  box.hidden = true;
  delete box.dataset.code;
}

/** Requests again what could not be loaded of the slice in view. */
export function retry() {
  const { now } = viewer;
  if (!now) return;
  const { k, loader } = now;
  for (const pane of now.panes) for (const url of panes.sources(now, pane)) loader.retry(url);
  for (const [, url] of overlays.sources(now, k)) loader.retry(url);
  invalidate();
}

/** @param {string} url Of a slice or map that has loaded or failed. */
function arrived(url) {
  const { now } = viewer;
  if (!now) return;
  const position = referenceSlices.get(url);
  const map = position === undefined ? undefined : now.loader.get(url);
  if (position !== undefined && map && now.referenceAreas[position] === null) {
    let area = 0;
    for (let i = 0; i < map.length; i++) if (map[i] > 127) area++;
    viewer.setReferenceArea(position, area);
  }
  const isInView = now.panes.some((pane) => panes.sources(now, pane).includes(url));
  if (isInView || overlays.sources(now, now.k).some(([, mask]) => mask === url)) invalidate();
}

/** Stored values of the slice in view, undefined while they are loading. */
export function pixelsInView() {
  const { now } = viewer;
  return now?.loader.get(address(now.study.pixels_url, now.k, now.channel));
}

/**
 * Opens a study and closes the previous one.
 *
 * @param {Study} study
 * @param {number} k The first slice to show.
 * @param {ReadonlyMap<string, Values>} [loaded] What has been loaded of it before, by address.
 */
export function open(study, k, loaded = new Map()) {
  close();
  isFirstShown = false;
  const { reference_url: reference } = study;
  referenceSlices = new Map(
    reference ? study.indices.map((_, j) => [address(reference, j), j]) : [],
  );
  const channel = Math.max(
    0,
    study.channels.findIndex(({ start }) => start),
  );
  const session = viewer.open(study, k, {
    channel,
    second: panes.firstSecond(study, channel),
    view: createView(study),
    loader: createLoader({ budgetBytes: BUDGET_BYTES, loaded, onChange: arrived }),
  });
  for (const url of loaded.keys()) arrived(url);
  /** @type {Own} */
  const own = session;
  panes.open(session, (scale) => {
    own.scale = scale;
    if (viewer.now === session) viewer.emit("view");
  });
  viewer.afterFirstSlice(session, () => {
    isFirstShown = true;
    wish();
  });
  invalidate();
}

/** Closes the study in view. */
export function close() {
  const session = viewer.now;
  if (!session) return;
  viewer.close();
  clearTimeout(patience);
  session.loader.dispose();
  panes.dispose(session);
  clearMessage();
}

/** Follows the viewer's state while the page is mounted. */
export function mount() {
  let map = "none";
  const again = () => {
    wish();
    invalidate();
  };
  return all([
    viewer.on(["slice", "channel", "mode", "result"], again),
    viewer.on("threshold", wish), // more slices may have a mask now
    viewer.on("measures", invalidate),
    viewer.on("display", ({ show }) => {
      if (show.map !== map) wish();
      map = show.map;
      invalidate();
    }),
  ]);
}
