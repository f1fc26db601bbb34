// @ts-check
/**
 * Draws the measurements of the slice in view over each pane: line with halo, ends, label. Ends and
 * labels keep their size when zooming. A label avoids the lesion, the image edge, other shapes and
 * labels, and stays in place as long as it can.
 */

/** @import { Screen } from "../viewer/screen.js" */
/** @import { Session } from "../viewer/session.js" */
/** @import { Pair } from "../viewer/geometry.js" */
/** @import { Item, Scale } from "./measure_shapes.js" */

import { makeSvg } from "../frame/dom.js";
import * as panes from "../viewer/panes.js";
import * as bidimensional from "./bidimensional.js";
import * as measureShapes from "./measure_shapes.js";

/**
 * A measurement as it is drawn.
 *
 * @typedef {object} Drawn
 * @property {Item} item
 * @property {boolean} isAi Whether it was measured on a mask; then it has no label.
 * @property {boolean} isSelected
 * @property {boolean} isHovered
 * @property {number | null} handle The end under the pointer.
 */

/** @typedef {{ x: number, y: number, width: number, height: number }} Box In screen pixels. */

/** @typedef {Box & { rank: number }} Spot Possible position of a label, best first. */

/**
 * What a label avoids, in screen pixels.
 *
 * @typedef {object} Around
 * @property {Map<string, Pair[]>} lines Points along all lines, by item id.
 * @property {Map<string, number>} ranks Ranks of the labels' previous spots, by item id.
 * @property {Box} view The visible area.
 * @property {Box[]} taken Boxes of other labels.
 * @property {Pair | null} centre Centre of the lesion.
 * @property {Box | null} lesion
 */

const LINE_PX = 15;
const PAD_PX = 6;
const GAP_PX = 9;
const AWAY_PX = 26;
const CLEAR_PX = 26;
const STAYS = 2; // extra overlap, in label areas, that a label accepts before it moves
/** @type {WeakMap<Screen, Map<string, number>>} */
const ranks = new WeakMap();
/** @type {CanvasRenderingContext2D | null} measures text widths */
let ruler = null;

/** @param {string} text */
function textWidth(text) {
  if (!ruler) {
    ruler = document.createElement("canvas").getContext("2d");
    if (ruler) ruler.font = '550 12px "Inter Variable", system-ui, sans-serif';
  }
  return (ruler?.measureText(text).width ?? 0) * 1.05; // tabular figures are slightly wider
}

/**
 * @param {Pair} point
 * @param {Scale} scale
 * @param {boolean} isStrong
 */
function endOf([cx, cy], [sx, sy], isStrong) {
  const radius = isStrong ? 5 : 3.2;
  const name = `measure-end${isStrong ? " measure-end--strong" : ""}`;
  return makeSvg("ellipse", { class: name, cx, cy, rx: radius / sx, ry: radius / sy });
}

/**
 * Possible positions of a label: beside the last end, then around the shape.
 *
 * @param {Item} item
 * @param {number} width
 * @param {number} height
 * @param {Scale} scale
 * @returns {Spot[]}
 */
function spots(item, width, height, [sx, sy]) {
  const points = measureShapes.handles(item).map(([x, y]) => [x * sx, y * sy]);
  const isLine = ["ruler", "arrow", "diameters"].includes(item.kind);
  const [ex, ey] = points[item.kind === "ruler" || item.kind === "arrow" ? 1 : 0];
  const left = Math.min(...points.map(([x]) => x));
  const right = Math.max(...points.map(([x]) => x));
  const top = Math.min(...points.map(([, y]) => y));
  const bottom = Math.max(...points.map(([, y]) => y));
  const middle = { x: (left + right) / 2 - width / 2, y: (top + bottom) / 2 - height / 2 };
  const end = {
    right: ex + GAP_PX,
    left: ex - GAP_PX - width,
    under: ey + GAP_PX,
    over: ey - GAP_PX - height,
  };
  const beside = [
    [end.right, ey - height / 2],
    [end.left, ey - height / 2],
    [ex - width / 2, end.under],
    [ex - width / 2, end.over],
    [end.right, end.over],
    [end.right, end.under],
    [end.left, end.over],
    [end.left, end.under],
  ];
  const round = [GAP_PX, GAP_PX + AWAY_PX].flatMap((gap) => {
    const side = {
      right: right + gap,
      left: left - gap - width,
      under: bottom + gap,
      over: top - gap - height,
    };
    return [
      [side.right, middle.y],
      [side.left, middle.y],
      [middle.x, side.under],
      [middle.x, side.over],
      [side.right, side.over],
      [side.right, side.under],
      [side.left, side.over],
      [side.left, side.under],
    ];
  });
  const all = isLine ? [...beside, ...round] : round;
  return all.map(([x, y], rank) => ({ x, y, width, height, rank }));
}

/**
 * Points along the lines of an item.
 *
 * @param {Item} item
 * @returns {readonly Pair[]}
 */
function along(item) {
  const ends = measureShapes.outline(item);
  if (item.kind === "area" || item.kind === "ellipse") return ends;
  return ends.slice(1).flatMap(([bx, by], i) => {
    if (item.kind === "diameters" && i === 1) return []; // the gap between the diameters
    const [ax, ay] = ends[i];
    return [0, 0.2, 0.4, 0.6, 0.8, 1].map(
      (part) => /** @type {Pair} */ ([ax + part * (bx - ax), ay + part * (by - ay)]),
    );
  });
}

/**
 * @param {Box} a
 * @param {Box} b
 */
function overlap(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}

/**
 * @param {Pair} point
 * @param {Box} box
 * @param {number} margin Around the box.
 */
const isWithin = ([x, y], box, margin = 0) =>
  x > box.x - margin &&
  x < box.x + box.width + margin &&
  y > box.y - margin &&
  y < box.y + box.height + margin;

/**
 * The spot that covers the least.
 *
 * @param {readonly Spot[]} candidates
 * @param {Around} around
 * @param {string} id Id of the item.
 */
function choose(candidates, { view, taken, centre, lesion, lines, ranks: before }, id) {
  const own = lines.get(id) ?? [];
  const others = [...lines].flatMap(([other, points]) => (other === id ? [] : points));
  const points = [...own, ...others];
  const cost = (/** @type {Spot} */ spot) => {
    const size = spot.width * spot.height;
    const stays = spot.rank === before.get(id);
    const covers = centre && isWithin(centre, spot, stays ? CLEAR_PX / 2 : CLEAR_PX);
    const crossed = points.filter((point) => isWithin(point, spot)).length;
    return (
      (covers ? 1e6 : 0) +
      20 * (size - overlap(spot, view)) +
      10 * taken.reduce((sum, other) => sum + overlap(spot, other), 0) +
      (lesion ? 3 * overlap(spot, lesion) : 0) +
      crossed * size +
      spot.rank -
      (stays ? STAYS * size : 0)
    );
  };
  return candidates.reduce((best, spot) => (cost(spot) < cost(best) ? spot : best));
}

/**
 * @param {Item} item
 * @param {readonly string[]} texts
 * @param {Scale} scale
 * @param {Around} around
 */
function label(item, texts, scale, around) {
  const width = Math.max(...texts.map(textWidth)) + 2 * PAD_PX;
  const height = texts.length * LINE_PX + 4;
  const spot = choose(spots(item, width, height, scale), around, item.id);
  around.taken.push(spot);
  if (item.id !== "new") around.ranks.set(item.id, spot.rank);
  const [sx, sy] = scale;
  const transform = `translate(${spot.x / sx} ${spot.y / sy}) scale(${1 / sx} ${1 / sy})`;
  const group = makeSvg("g", { class: "measure-label", transform });
  group.append(makeSvg("rect", { class: "measure-label-back", width, height, rx: 3 }));
  texts.forEach((text, i) => {
    const name = i ? "measure-label-more" : "measure-label-main";
    const row = makeSvg("text", { class: name, x: PAD_PX, y: LINE_PX * (i + 1) - 2 });
    row.textContent = text;
    group.append(row);
  });
  return group;
}

/**
 * The visible area.
 *
 * @param {Screen} screen
 * @param {Scale} scale
 * @returns {Box}
 */
function viewOf(screen, [sx, sy]) {
  const box = screen.root.getBoundingClientRect();
  const from = screen.toImage(box.left, box.top);
  const to = screen.toImage(box.right, box.bottom);
  const width = (to.x - from.x) * sx;
  return { x: from.x * sx, y: from.y * sy, width, height: (to.y - from.y) * sy };
}

/**
 * @param {Session} now
 * @param {Screen} screen
 * @param {Scale} scale
 * @param {readonly Drawn[]} all
 * @returns {Around}
 */
function aroundLabels(now, screen, scale, all) {
  const [sx, sy] = scale;
  const known = ranks.get(screen) ?? new Map();
  ranks.set(screen, known);
  const place = all.some(({ isAi }) => !isAi) ? bidimensional.place(now) : null;
  /** @returns {Pair} */
  const onScreen = (/** @type {Pair} */ [x, y]) => [x * sx, y * sy];
  const box = place?.box;
  return {
    lines: new Map(all.map(({ item }) => [item.id, along(item).map(onScreen)])),
    ranks: known,
    view: viewOf(screen, scale),
    taken: [],
    centre: place && onScreen(place.middle),
    lesion: box
      ? { x: box.x * sx, y: box.y * sy, width: box.width * sx, height: box.height * sy }
      : null,
  };
}

/**
 * Draws measurements. Of those measured on a mask, only the selected and draggable ones; ends only
 * if they can be dragged.
 *
 * @param {Session} now
 * @param {readonly Drawn[]} all
 * @param {boolean} measuring Whether a measuring tool is chosen.
 */
export function draw(now, all, measuring) {
  for (const pane of now.panes) {
    const { screen } = pane;
    const layer = screen.layer("measure");
    const canTake = measuring && panes.overlaysOf(now, pane).ai;
    const shapes = all.filter((one) => !one.isAi || one.isSelected || one.isHovered || canTake);
    if (!shapes.length) {
      if (layer.firstChild) layer.replaceChildren();
      continue;
    }
    const scale = screen.scale();
    const around = aroundLabels(now, screen, scale, all);
    const groups = shapes.map((shape) => drawOne(now, shape, scale, around, measuring));
    layer.replaceChildren(...groups);
  }
}

/**
 * @param {Session} now
 * @param {Drawn} drawn
 * @param {Scale} scale
 * @param {Around} around
 * @param {boolean} measuring
 */
function drawOne(now, { item, isSelected, isHovered, handle, isAi }, scale, around, measuring) {
  const isActive = isSelected || isHovered;
  const state = `${isSelected ? " measure--selected" : ""}${isHovered ? " measure--hovered" : ""}`;
  const name = `measure measure--${item.kind}${state}`;
  const group = makeSvg("g", { class: name, "data-measure": item.id });
  const head = item.kind === "arrow" ? measureShapes.arrowHead(item.points, scale) : "";
  const d = measureShapes.path(item) + head;
  if (!isAi || isActive)
    group.append(
      makeSvg("path", { class: "measure-halo", d }),
      makeSvg("path", { class: "measure-line", d }),
    );
  // a freehand area has hundreds of points
  if (isActive || (measuring && item.kind !== "area"))
    measureShapes
      .handles(item)
      .forEach((point, i) => group.append(endOf(point, scale, handle === i)));
  if (!isAi) group.append(label(item, measureShapes.words(item, now), scale, around));
  return group;
}
