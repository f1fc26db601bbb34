// @ts-check
/**
 * Text in the corners of the image, orientation letters, the study line in the top bar, and the
 * titles of page and window.
 */

/** @import { Session } from "./session.js" */
/** @import { Orientation } from "./study.js" */

import { find, make } from "../frame/dom.js";
import { all } from "../frame/events.js";
import { withMinus } from "../frame/number_words.js";
import { acquired } from "./orientation.js";
import * as panes from "./panes.js";
import { placeWords } from "./slices.js";
import * as viewer from "./viewer.js";

/** @type {readonly (keyof Orientation)[]} */
const SIDES = ["left", "right", "top", "bottom"];

/**
 * @param {string} id
 * @param {...string} lines Empty ones are omitted.
 */
function write(id, ...lines) {
  const rows = lines.filter(Boolean).map((textContent) => make("div", { textContent }));
  find(id)?.replaceChildren(...rows);
}

/** @param {Orientation | null} orientation */
function plane(orientation) {
  const found = acquired(orientation);
  return found ? `, ${found.name}` : "";
}

/**
 * Slice location along the slice normal, with the letter of its side of the scanner's origin:
 * "S 50.0 mm".
 *
 * @param {Session} session
 */
function place({ study: { positions_mm: positions, orientation }, k }) {
  const found = acquired(orientation);
  if (!positions || !found) return "";
  return `${found.letters[positions[k] < 0 ? 0 : 1]} ${Math.abs(positions[k]).toFixed(1)} mm`;
}

/** @param {Session} now */
function study(now) {
  const { study: s } = now;
  const { name } = s;
  write("corner-patient", name, s.synthetic ? "Synthetic demo study" : s.description, s.study_date);
  for (const side of SIDES)
    for (const edge of document.querySelectorAll(`.screen .edge--${side}`))
      edge.textContent = s.orientation?.[side] ?? "";
  const parts = [name, s.description || "Brain MRI", s.study_date];
  const top = find("top-context");
  if (top) top.textContent = top.title = parts.filter(Boolean).join(" · ");
  const title = [name, s.description, s.study_date].filter(Boolean).join(" · ");
  write("review-title", title);
  document.title = `${title} · Overread`;
  series(now);
}

/** @param {Session} session */
function series({ study: s, channel }) {
  const mm = s.spacing_mm;
  write(
    "corner-series",
    s.channels[channel].label + plane(s.orientation),
    mm
      ? `${mm[2].toFixed(2)} × ${mm[1].toFixed(2)} × ${mm[0].toFixed(1)} mm`
      : "no pixel spacing: areas in pixels",
    s.entries.spacing_mm && s.entries.spacing_by ? `entered by ${s.entries.spacing_by.by}` : "",
    s.orientation_note || "",
  );
}

/** @param {Session} now */
function slice(now) {
  const { study: s, k } = now;
  write("corner-slice", `Slice ${placeWords(s, k, " / ")}`, place(now));
}

/**
 * @param {Session} session
 * @param {number} channel
 */
function windowOf({ study: s, windows, invert }, channel) {
  const { low, high } = windows[channel];
  const digits = Math.abs(s.windows[channel][1] - s.windows[channel][0]) < 20 ? 2 : 0;
  const width = (high - low).toFixed(digits);
  const level = withMinus(((low + high) / 2).toFixed(digits));
  return `W ${width}  L ${level}${invert ? "  inverted" : ""}`;
}

/** @param {Session} now */
function display(now) {
  const { channel, scale, study: s } = now;
  write("corner-window", windowOf(now, channel), scale ? `Zoom ${scale.toFixed(1)}×` : "");
  const projection = now.slab > 1 ? ", MIP" : "";
  for (const [i, name] of ["second", "third"].entries()) {
    const pane = now.panes[i + 1];
    const shown = pane ? panes.channelOf(now, pane) : null;
    write(`corner-series-${name}`, shown === null ? "" : s.channels[shown].label + projection);
    write(`corner-window-${name}`, shown === null ? "" : windowOf(now, shown));
  }
}

function clear() {
  const top = find("top-context");
  if (top) top.textContent = top.title = "";
  for (const corner of document.querySelectorAll(".corner, .edge")) corner.replaceChildren();
}

export function mount() {
  return all([
    viewer.on("open", study),
    viewer.on("open", display),
    viewer.on("channel", series),
    viewer.on("slice", slice),
    viewer.on(["display", "view", "mode"], display),
    viewer.on("close", clear),
  ]);
}
