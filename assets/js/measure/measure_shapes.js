// @ts-check
/**
 * The kinds of measurements: their lines, handles, dragging and labels. Points are in image
 * coordinates, as in geometry.js.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Study } from "../viewer/study.js" */
/** @import { Pair, Spacing } from "../viewer/geometry.js" */

import { digits, withMinus } from "../frame/number_words.js";
import { address } from "../viewer/pixels.js";
import * as geometry from "../viewer/geometry.js";

/** The kinds that the reader draws. */
export const DRAWN = /** @type {const} */ (["ruler", "angle", "area", "ellipse", "arrow"]);

/** @typedef {(typeof DRAWN)[number]} DrawnKind */

/** @typedef {DrawnKind | "diameters"} Kind */

/**
 * A measurement as the server stores it.
 *
 * @typedef {object} Item
 * @property {string} id
 * @property {Kind} kind
 * @property {number} k Position of its slice.
 * @property {readonly Pair[]} points Diameters: ends of the longest, then of the perpendicular.
 *   Arrow: its head, then its end with the text.
 * @property {string} [text] Of an arrow.
 */

/** @typedef {Pick<Study, "width" | "height">} Size */

/** @typedef {readonly [number, number]} Scale Screen pixels per image pixel, x and y. */

/** @type {Readonly<Record<Kind, string>>} */
export const NAMES = {
  ruler: "Ruler",
  angle: "Angle",
  area: "Area",
  ellipse: "Ellipse",
  arrow: "Arrow",
  diameters: "Diameters",
};

/** Label of diameters that the reader has edited. */
export const EDITED = "edited by the reader";

/**
 * In-plane spacing, or null.
 *
 * @param {Pick<Study, "spacing_mm">} study
 * @returns {Spacing | null}
 */
export const spacing = ({ spacing_mm: mm }) => (mm ? [mm[1], mm[2]] : null);

/** @param {Pair} point */
const show = ([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`;

/** @param {readonly Pair[]} points */
const line = (points) => `M${points.map(show).join("L")}`;

/**
 * The lines of an item as an SVG path.
 *
 * @param {Item} item
 */
export function path({ kind, points }) {
  if (kind === "area") return `${line(points)}Z`;
  if (kind === "diameters") return line(points.slice(0, 2)) + line(points.slice(2));
  if (kind !== "ellipse") return line(points);
  const { x, y, rx, ry } = geometry.ellipse(points);
  const half = `a${rx} ${ry} 0 1 0`;
  return `M${show([x - rx, y])}${half} ${2 * rx} 0${half} ${-2 * rx} 0Z`;
}

const HEAD_PX = 14;
const HEAD_TURN = 0.42; // radians between a side of the head and the line

/**
 * The head of an arrow as an SVG path; it keeps its size when zooming.
 *
 * @param {readonly Pair[]} points
 * @param {Scale} scale
 */
export function arrowHead([tip, end], [sx, sy]) {
  const angle = Math.atan2((end[1] - tip[1]) * sy, (end[0] - tip[0]) * sx);
  /** @type {Pair[]} */
  const sides = [-HEAD_TURN, HEAD_TURN].map((turn) => [
    tip[0] + (HEAD_PX * Math.cos(angle + turn)) / sx,
    tip[1] + (HEAD_PX * Math.sin(angle + turn)) / sy,
  ]);
  return line([sides[0], tip, sides[1]]);
}

/**
 * The points that can be dragged; of an ellipse, the ends of its axes.
 *
 * @param {Item} item
 * @returns {readonly Pair[]}
 */
export function handles({ kind, points }) {
  if (kind !== "ellipse") return points;
  const { x, y, rx, ry } = geometry.ellipse(points);
  return [
    [x - rx, y],
    [x + rx, y],
    [x, y - ry],
    [x, y + ry],
  ];
}

/**
 * The nearest point of the image.
 *
 * @param {Pair} point
 * @param {Size} size
 * @returns {Pair}
 */
export const inside = ([x, y], { width, height }) => [
  Math.min(width, Math.max(0, x)),
  Math.min(height, Math.max(0, y)),
];

/** @param {number} value */
const round = (value) => Math.round(value * 1000) / 1000;

/**
 * @param {readonly Pair[]} points
 * @returns {Pair[]}
 */
export const rounded = (points) => points.map(([x, y]) => [round(x), round(y)]);

/**
 * The item with one handle moved.
 *
 * @param {Item} item
 * @param {number} index
 * @param {Pair} point
 * @param {Size} study
 * @returns {Item}
 */
export function withHandle(item, index, point, study) {
  const to = inside(point, study);
  if (item.kind !== "ellipse")
    return { ...item, points: rounded(item.points.map((old, i) => (i === index ? to : old))) };
  const { x, y, rx, ry } = geometry.ellipse(item.points);
  const sides = [x - rx, x + rx, y - ry, y + ry];
  sides[index] = index < 2 ? to[0] : to[1];
  /** @type {Pair[]} */
  const points = [
    [sides[0], sides[2]],
    [sides[1], sides[3]],
  ];
  return { ...item, points: rounded(points) };
}

/**
 * The whole item moved, limited to the image.
 *
 * @param {Item} item
 * @param {number} dx
 * @param {number} dy
 * @param {Size} study
 * @returns {Item}
 */
export function moved(item, dx, dy, { width, height }) {
  const xs = item.points.map(([x]) => x);
  const ys = item.points.map(([, y]) => y);
  const x = Math.min(width - Math.max(...xs), Math.max(-Math.min(...xs), dx));
  const y = Math.min(height - Math.max(...ys), Math.max(-Math.min(...ys), dy));
  return { ...item, points: rounded(item.points.map(([px, py]) => [px + x, py + y])) };
}

/**
 * Distance from a point to the lines of an item in screen pixels.
 *
 * @param {Item} item
 * @param {Pair} point
 * @param {Scale} scale
 */
export function distance({ kind, points }, point, scale) {
  /** @type {Spacing} */
  const own = [scale[1], scale[0]]; // rows, columns
  const to = (/** @type {Pair} */ a, /** @type {Pair} */ b) => geometry.toLine(point, a, b, own);
  if (kind === "diameters") return Math.min(to(points[0], points[1]), to(points[2], points[3]));
  const ring = kind === "ellipse" ? ellipsePoints(points) : points;
  let best = kind === "area" ? to(ring[ring.length - 1], ring[0]) : Infinity;
  for (let i = 0; i + 1 < ring.length; i++) best = Math.min(best, to(ring[i], ring[i + 1]));
  return best;
}

/**
 * Points along the line of an item; only the corners where it is straight.
 *
 * @param {Item} item
 */
export const outline = ({ kind, points }) => (kind === "ellipse" ? ellipsePoints(points) : points);

/**
 * @param {readonly Pair[]} points
 * @returns {Pair[]}
 */
function ellipsePoints(points) {
  const { x, y, rx, ry } = geometry.ellipse(points);
  return Array.from({ length: 49 }, (_, i) => {
    const turn = (i * Math.PI) / 24;
    return [x + rx * Math.cos(turn), y + ry * Math.sin(turn)];
  });
}

/**
 * @param {number} value
 * @param {Spacing | null} mm
 */
const length = (value, mm) => `${value.toFixed(1)} ${mm ? "mm" : "px"}`;

/**
 * @param {number} value
 * @param {Spacing | null} mm
 */
function surface(value, mm) {
  if (!mm) return `${digits(Math.round(value))} px`;
  return value < 100 ? `${value.toFixed(1)} mm²` : `${(value / 100).toFixed(2)} cm²`;
}

/**
 * @param {number} value
 * @param {number} range Range of the values, which decides the number of digits.
 */
const amount = (value, range) => withMinus(value.toFixed(range >= 100 ? 0 : range >= 10 ? 1 : 2));

/**
 * Statistics of the pixels of the series in view, as lines; none while they are loading.
 *
 * @param {Item} item
 * @param {Session} now
 */
function statistics(item, now) {
  const { study, channel, loader } = now;
  const { width, height, slope, intercept } = study;
  const stored = loader.get(address(study.pixels_url, item.k, channel));
  if (!stored) return [];
  const runsOf = item.kind === "ellipse" ? geometry.ellipseRuns : geometry.polygonRuns;
  const runs = runsOf(item.points, width, height);
  const found = geometry.statistics(stored, width, runs, slope, intercept);
  if (!found) return ["No pixels inside"];
  const range = found.max - found.min;
  const [mean, sd] = [found.mean, found.sd].map((value) => amount(value, range));
  const [min, max] = [found.min, found.max].map((value) =>
    Number.isInteger(value) ? withMinus(String(value)) : amount(value, range),
  );
  return [`Mean ${mean}  SD ${sd}`, `Min ${min}  Max ${max}`, study.channels[channel].label];
}

/**
 * The label of a measurement, as lines, the main value first.
 *
 * @param {Item} item
 * @param {Session} now
 * @returns {string[]}
 */
export function words(item, now) {
  const mm = spacing(now.study);
  const { kind, points } = item;
  if (kind === "arrow") return [item.text || "No text"];
  if (kind === "ruler") return [length(geometry.distance(points[0], points[1], mm), mm)];
  if (kind === "angle") {
    const found = points.length === 3 ? geometry.angle(points, mm) : null;
    return [found === null ? "no angle" : `${found.toFixed(1)}°`];
  }
  if (kind === "diameters") {
    const longest = geometry.distance(points[0], points[1], mm);
    const across = geometry.distance(points[2], points[3], mm);
    return [`long ${longest.toFixed(1)} × short ${length(across, mm)}`, EDITED];
  }
  const areaOf = kind === "ellipse" ? geometry.ellipseArea : geometry.polygonArea;
  return [surface(areaOf(points, mm), mm), ...statistics(item, now)];
}
