// @ts-check
/**
 * The overlays on the slice in view: outlines, fill, one of the maps, and the layers that other
 * modules add (diameters, the reader's mask). drawing.js draws them with each slice.
 */

/** @import { Session } from "./session.js" */
/** @import { Pane } from "./panes.js" */
/** @import { Screen } from "./screen.js" */
/** @import { Study } from "./study.js" */

import { Events } from "../frame/events.js";
import * as operatingPoint from "./operating_point.js";
import * as contours from "./contours.js";
import * as maps from "./maps.js";
import * as panes from "./panes.js";
import { address } from "./pixels.js";
import * as threshold from "./threshold.js";

/**
 * An overlay that another module draws.
 *
 * @typedef {object} Layer
 * @property {(now: Session, pane: Pane) => void} draw
 * @property {(now: Session) => string} [name] What it shows, "" while it shows nothing.
 */

/** @typedef {"ai" | "leftOut" | "reference" | maps.RampName} SourceName */

const MOST_PATHS = 600; // over all slices and thresholds

/** @type {Set<Layer>} */
const layers = new Set();
/** @type {Events<"change">} */
const events = new Events();
/** @type {WeakMap<Session, Map<string, string>>} SVG paths of outlines, by address and level */
const outlines = new WeakMap();

/**
 * @param {Layer} layer
 * @returns {() => void} Removes it.
 */
export function addLayer(layer) {
  layers.add(layer);
  return () => void layers.delete(layer);
}

/** @param {() => void} run Called when a layer's content changes. */
export const onLayers = (run) => events.on("change", run);

/** Reports that a layer's content has changed. */
export const layersChanged = () => events.emit("change");

/**
 * Names of the layers that are showing something.
 *
 * @param {Session} now
 */
export const shownLayers = (now) => [...layers].flatMap((layer) => layer.name?.(now) || []);

/**
 * Pixels on a slice that were segmented but excluded from the mask because the region is small.
 *
 * @param {Study} study
 * @param {number} k
 */
export const leftOutPx = ({ result }, k) => result?.slices[k].left_out_px || 0;

/**
 * Addresses of all maps that a slice needs with the overlays in effect.
 *
 * @param {Session} now
 * @param {number} k
 * @returns {[SourceName, string][]}
 */
export function sources(now, k) {
  const { study, show } = now;
  const { result } = study;
  /** @type {[SourceName, string][]} */
  const found = [];
  if (result && operatingPoint.hasMask(now, k))
    found.push(["ai", address(result.probability_url, k)]);
  if (result && leftOutPx(study, k)) found.push(["leftOut", address(result.left_out_url, k)]);
  if (study.reference_url && now.referenceAreas[k] !== 0)
    found.push(["reference", address(study.reference_url, k)]);
  if (result && result.slices[k].outline_evidence !== null)
    for (const name of maps.RAMPED)
      if (name === show.map) found.push([name, address(result[maps.MAPS[name].url], k)]);
  return found;
}

/**
 * An outline as an SVG path, "" while its map is loading.
 *
 * @param {Session} now
 * @param {string} url
 * @param {number} level
 */
function path(now, url, level) {
  const { study, loader } = now;
  const known = outlines.get(now) ?? new Map();
  outlines.set(now, known);
  const key = `${url} ${level}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const map = loader.get(url);
  if (!map) return "";
  const d = contours.path(map, study.width, study.height, level);
  if (known.size >= MOST_PATHS) known.clear();
  known.set(key, d);
  return d;
}

/**
 * The contour level of an outline: half a step below the smallest value inside.
 *
 * @param {Session} now
 * @param {SourceName} name
 */
function levelOf(now, name) {
  if (name === "reference") return 127.5;
  if (name === "leftOut") return threshold.toLevel(threshold.defaultValue(now)) - 0.5;
  return threshold.level(now) - 0.5;
}

/**
 * Contours at both ends of the threshold band, a cue besides the colours.
 *
 * @param {Session} now
 * @param {string} url
 */
const band = (now, url) =>
  threshold.BAND.map((share) => path(now, url, threshold.toLevel(share) - 0.5)).join("");

/**
 * Draws the overlays in a pane.
 *
 * @param {Session} now
 * @param {Pane} pane
 * @returns {boolean} Whether a map failed to load.
 */
export function draw(now, pane) {
  const { show, loader, k } = now;
  const { screen } = pane;
  const has = panes.overlaysOf(now, pane);
  const d = { ai: "", reference: "", leftOut: "", band: "" };
  /** @type {Record<string, ArrayLike<number> | undefined>} */
  const found = {};
  let missing = false;
  for (const [name, url] of sources(now, k)) {
    found[name] = loader.get(url);
    if (!found[name]) missing ||= loader.hasFailed(url);
    else if (name === "probability") d.band = band(now, url);
    else if (name === "ai" || name === "reference" || name === "leftOut")
      d[name] = path(now, url, levelOf(now, name));
  }
  const seen = !show.hidden;
  const ai = seen && has.ai;
  screen.outline("ai", ai && show.ai ? d.ai : "");
  screen.outline("fill", ai && show.ai && show.fill ? d.ai : "");
  screen.outline("reference", seen && has.reference && show.reference ? d.reference : "");
  screen.outline("leftOut", ai && show.ai ? d.leftOut : "");
  screen.outline("band", ai ? d.band : "");
  for (const layer of layers) layer.draw(now, pane);
  screen.showMap(ai && now.study.result ? maps.make(now, found) : null, show.mapOpacity);
  return missing;
}

/** @param {Screen} screen */
export function clear(screen) {
  screen.clearOutlines();
  screen.showMap(null);
}
