// @ts-check
/**
 * The panes that show the slice in view, one or two depending on the mode. `second` is the content
 * of the second pane: "reference" (then the first pane shows only the AI outline), "bare" (no
 * overlays), or a channel.
 */

/** @import { Mode, Owned, Second, Session } from "./session.js" */
/** @import { Screen } from "./screen.js" */
/** @import { Study } from "./study.js" */

import { byId, query } from "../frame/dom.js";
import * as greyscale from "./greyscale.js";
import { address } from "./pixels.js";
import * as screens from "./screen.js";
import * as viewer from "./viewer.js";

/**
 * @typedef {object} Pane
 * @property {Screen} screen
 * @property {boolean} isMain
 * @property {string | null} shown Address of the picture on it.
 */

/** @typedef {Owned<"panes" | "screen" | "mode" | "second">} Own This module's fields. */

const PICTURE_BYTES = 96 * 1024 * 1024; // decoded, four bytes a pixel
/** @type {ReadonlySet<Mode>} */
const TWO = new Set(["linked", "swipe"]);

/**
 * Caches for making pictures: grey levels by channel, decoded pictures.
 *
 * @type {WeakMap<Session, { tables: Map<number, { key: string, values: Uint8Array }>,
 *   pictures: ReturnType<typeof greyscale.createPictures> }>}
 */
const darkrooms = new WeakMap();

/** @param {Session} session */
function darkroomOf(session) {
  const known = darkrooms.get(session);
  if (known) return known;
  const { width, height } = session.study;
  const most = Math.floor(PICTURE_BYTES / (4 * width * height));
  const pictures = greyscale.createPictures(Math.max(16, Math.min(160, most)));
  const made = { tables: new Map(), pictures };
  darkrooms.set(session, made);
  return made;
}

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
 * @param {Study} study
 * @param {number} channel
 */
export const firstSecond = (study, channel) => choices(study, channel)[0][0];

/**
 * @param {Session} now
 * @param {Pane} pane
 */
export const channelOf = (now, pane) =>
  pane.isMain || typeof now.second !== "number" ? now.channel : now.second;

/**
 * Address of the pixels that a pane shows.
 *
 * @param {Session} now
 * @param {Pane} pane
 */
export const source = (now, pane) => address(now.study.pixels_url, now.k, channelOf(now, pane));

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
  const { tables } = darkroomOf(now);
  const levels = now.windows[channel];
  const key = `${levels.low} ${levels.high} ${invert}`;
  const known = tables.get(channel);
  if (known?.key === key) return known.values;
  const values = greyscale.greysOf(study, levels, invert);
  tables.set(channel, { key, values });
  return values;
}

/**
 * The decoded picture of a slice; null while its pixels are loading.
 *
 * @param {Session} now
 * @param {number} j
 * @param {number} channel
 */
export function picture(now, j, channel) {
  const { study, loader, invert } = now;
  const stored = loader.get(address(study.pixels_url, j, channel));
  if (!stored) return null;
  const { low, high } = now.windows[channel];
  const { width, height } = study;
  return darkroomOf(now).pictures.get(`${channel} ${j} ${low} ${high} ${invert}`, () =>
    greyscale.picture(stored, width, height, greysOf(now, channel)),
  );
}

/**
 * Paints the slice in view.
 *
 * @param {Session} now
 * @param {Pane} pane
 * @param {() => void} again Called once the picture is decoded.
 * @returns {"painted" | "decoding" | "missing" | "failed" | "unreadable"}
 */
export function paint(now, pane, again) {
  const entry = picture(now, now.k, channelOf(now, pane));
  if (!entry) return now.loader.hasFailed(source(now, pane)) ? "failed" : "missing";
  if (entry.isBroken) return "unreadable";
  if (!entry.isReady) {
    entry.done.then(again, () => {
      entry.isBroken = true;
      again();
    });
    return "decoding";
  }
  pane.screen.show(entry.url);
  pane.screen.fillOpacity(now.show.opacity);
  pane.shown = entry.url;
  return "painted";
}

/**
 * @param {Session} session
 * @param {string} id
 * @param {(scale: number) => void} onView
 * @returns {Promise<Pane>}
 */
async function create(session, id, onView) {
  const { study, view } = session;
  const settings = { width: study.width, height: study.height, spacing: study.spacing_mm, view };
  const screen = await screens.create(byId(id), settings, onView);
  return { screen, isMain: id === "viewer-screen", shown: null };
}

/**
 * Makes the main pane.
 *
 * @param {Session} session
 * @param {(scale: number) => void} onView Called when zoom or size has changed.
 */
export async function open(session, onView) {
  const pane = await create(session, "viewer-screen", onView);
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
export async function setMode(mode, second = viewer.now?.second) {
  const session = viewer.now;
  if (!session || second === undefined) return;
  /** @type {Own} */
  const own = session;
  Object.assign(own, { mode, second });
  await arrange(session);
  if (viewer.now === session) viewer.emit("mode");
}

/**
 * Creates or removes the second pane, as the mode requires.
 *
 * @param {Session} session
 */
async function arrange(session) {
  query(".viewer").dataset.mode = session.mode;
  const wanted = () => TWO.has(session.mode);
  /** @type {Own} */
  const own = session;
  if (wanted() && session.panes.length === 1) {
    const second = await create(session, "viewer-second", () => {});
    if (wanted() && session.panes.length === 1 && viewer.now === session)
      own.panes = [...session.panes, second];
    else second.screen.dispose();
  }
  if (!wanted() && session.panes.length === 2) {
    session.panes[1].screen.dispose();
    own.panes = session.panes.slice(0, 1);
  }
}

/** @param {Session} session */
export function dispose(session) {
  for (const { screen } of session.panes) screen.dispose();
  /** @type {Own} */
  const own = session;
  own.panes = [];
  darkrooms.get(session)?.pictures.dispose();
  darkrooms.delete(session);
  const page = /** @type {HTMLElement | null} */ (document.querySelector(".viewer"));
  if (page) page.dataset.mode = "one";
}
