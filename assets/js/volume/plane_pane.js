// @ts-check
/**
 * One reformatted plane: picture, outlines and crosshair on a canvas. Between slices the canvas
 * interpolates (smooth scaling), and the outlines are interpolated from the same values.
 */

/** @import { Cut } from "./plane_cuts.js" */
/** @import { Axes, AxisName, PlaneView } from "./plane_views.js" */

import * as contours from "../viewer/contours.js";
import { paintGreys } from "../viewer/greyscale.js";

/** @typedef {ReturnType<typeof create>} PlanePane */

/** @typedef {Record<AxisName, number>} Places Position of the crosshair. */

/**
 * Layout shared by all planes.
 *
 * @typedef {object} Layout
 * @property {Axes} axes
 * @property {(axis: AxisName) => number} centre Position at the centre of the screen.
 * @property {() => number} zoom 1 fits the pane.
 */

/**
 * @typedef {object} DrawnPlane
 * @property {Cut | null} pixels
 * @property {Cut | null} ai
 * @property {Cut | null} reference
 * @property {Cut | null} correction
 * @property {Uint8Array} table Grey levels.
 * @property {string} tableKey Changes when they do.
 * @property {number} level Level of the AI mask.
 * @property {number} fill Opacity of the fill, 0 for none.
 * @property {Places | null} at The crosshair.
 */

/** @typedef {"ai" | "reference" | "correction"} OutlineName */

/** @type {readonly OutlineName[]} */
const OUTLINES = ["ai", "reference", "correction"];
const GAP = 9; // gap at the centre of the crosshair, in screen pixels
/** Names in the style sheet after "--on-image-"; the core is between the two lines. */
const COLOURS = ["ai", "reference", "correction", "correction-core", "cross"];
const DASHES = [5, 4]; // of the reference's outline

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
function penOf(canvas) {
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("This browser does not support canvas drawing.");
  return pen;
}

/**
 * @param {HTMLElement} root
 * @param {PlaneView} view
 * @param {Layout} layout
 */
export function create(root, view, { axes, centre, zoom }) {
  const canvas = /** @type {HTMLCanvasElement} */ (root.querySelector("canvas"));
  const context = penOf(canvas);
  const picture = document.createElement("canvas");
  const inPlane = view.fixed === "row" ? "column" : "row";
  picture.width = axes[inPlane].length;
  picture.height = axes.slice.length;
  let painted = "";
  /** @type {Map<string, { key: string, path: Path2D }>} */
  const paths = new Map();
  const size = { width: 1, height: 1, left: 0, top: 0 };
  const style = getComputedStyle(root);
  const colours = new Map(
    COLOURS.map((name) => [name, style.getPropertyValue(`--on-image-${name}`)]),
  );

  function measure() {
    const { width, height, left, top } = root.getBoundingClientRect();
    const dense = window.devicePixelRatio || 1;
    Object.assign(size, { width, height, left, top });
    canvas.width = Math.max(1, Math.round(width * dense));
    canvas.height = Math.max(1, Math.round(height * dense));
  }

  /** Screen pixels per voxel along both sides. */
  function scale() {
    const u = axes[view.across.axis];
    const v = axes[view.down.axis];
    const fit = Math.min(size.width / (u.length * u.mm), size.height / (v.length * v.mm)) * zoom();
    return [u.mm * fit * (view.across.flip ? -1 : 1), v.mm * fit * (view.down.flip ? -1 : 1)];
  }

  /**
   * Position along the view's two axes under a point of the window.
   *
   * @param {{ clientX: number, clientY: number }} event
   * @returns {Partial<Places>}
   */
  function placesAt({ clientX, clientY }) {
    const [sx, sy] = scale();
    const { across, down } = view;
    return {
      [across.axis]: centre(across.axis) + (clientX - size.left - size.width / 2) / sx,
      [down.axis]: centre(down.axis) + (clientY - size.top - size.height / 2) / sy,
    };
  }

  /** Transforms (in-plane axis, slice) of a cut to screen coordinates. */
  function matrix() {
    const [sx, sy] = scale();
    const e = size.width / 2 - sx * centre(view.across.axis);
    const f = size.height / 2 - sy * centre(view.down.axis);
    const isTurned = view.across.axis === "slice";
    return new DOMMatrix(isTurned ? [0, sy, sx, 0, e, f] : [sx, 0, 0, sy, e, f]);
  }

  /**
   * @param {Cut} cut
   * @param {Uint8Array} table
   * @param {string} tableKey
   */
  function paintPicture({ key, values }, table, tableKey) {
    if (painted === `${key} ${tableKey}`) return;
    painted = `${key} ${tableKey}`;
    const image = new ImageData(picture.width, picture.height);
    paintGreys(image, values, table);
    penOf(picture).putImageData(image, 0, 0);
  }

  /**
   * @param {OutlineName} name
   * @param {Cut} cut
   * @param {number} level
   */
  function outline(name, cut, level) {
    const key = `${cut.key} ${level}`;
    const known = paths.get(name);
    if (known?.key === key) return known.path;
    const d = contours.path(cut.values, picture.width, picture.height, level);
    const path = new Path2D(d);
    paths.set(name, { key, path });
    return path;
  }

  /**
   * @param {Path2D} path
   * @param {string} name Of the colour.
   * @param {number} width
   */
  function stroke(path, name, width) {
    context.strokeStyle = colours.get(name) ?? "";
    context.lineWidth = width;
    context.setLineDash(name === "reference" ? DASHES : []);
    context.stroke(path);
  }

  /** @param {Places} at */
  function cross(at) {
    const [sx, sy] = scale();
    const { across, down } = view;
    const x = size.width / 2 + sx * (at[across.axis] + 0.5 - centre(across.axis));
    const y = size.height / 2 + sy * (at[down.axis] + 0.5 - centre(down.axis));
    const level = `M0 ${y}H${x - GAP}M${x + GAP} ${y}H${size.width}`;
    const upright = `M${x} 0V${y - GAP}M${x} ${y + GAP}V${size.height}`;
    stroke(new Path2D(level + upright), "cross", 1);
  }

  /** @param {DrawnPlane} drawn */
  function draw(drawn) {
    if (!drawn.pixels) return; // the previous picture stays while this one is loading
    const dense = canvas.width / Math.max(1, size.width);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    paintPicture(drawn.pixels, drawn.table, drawn.tableKey);
    const place = matrix();
    context.setTransform(new DOMMatrix([dense, 0, 0, dense, 0, 0]).multiply(place));
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0);
    context.setTransform(dense, 0, 0, dense, 0, 0);
    for (const name of OUTLINES) {
      const cut = drawn[name];
      if (!cut) continue;
      const path = new Path2D();
      path.addPath(outline(name, cut, name === "ai" ? drawn.level - 0.5 : 127.5), place);
      if (name !== "reference" && drawn.fill) {
        context.globalAlpha = drawn.fill;
        context.fillStyle = colours.get(name) ?? "";
        context.fill(path, "evenodd");
        context.globalAlpha = 1;
      }
      stroke(path, name, name === "correction" ? 4.4 : 1.6);
      if (name === "correction") stroke(path, "correction-core", 1.7);
    }
    if (drawn.at) cross(drawn.at);
  }

  /**
   * Whole voxels under a point of the window, inside the volume.
   *
   * @param {{ clientX: number, clientY: number }} event
   * @returns {Partial<Places>}
   */
  function reach(event) {
    const found = placesAt(event);
    /** @type {Partial<Places>} */
    const inside = {};
    for (const { axis } of [view.across, view.down])
      inside[axis] = Math.min(axes[axis].length - 1, Math.max(0, Math.floor(found[axis] ?? 0)));
    return inside;
  }

  return { view, root, canvas, draw, measure, placesAt, reach, scale };
}
