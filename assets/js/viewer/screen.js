// @ts-check
/**
 * A view of the slice: its picture on a canvas, a map on another one, outlines in an SVG with the
 * same coordinates, zoom and pan. Image coordinates: pixel (0, 0) covers 0..1 in x and y.
 *
 * Each screen has one canvas of the slice's size, on which every slice is drawn: of each image
 * element that has been shown, browsers keep the decoded picture long after it is gone.
 */

/** @import { Values } from "./pixels.js" */
/** @import { SpacingMm } from "./study.js" */

import { make, makeSvg, query } from "../frame/dom.js";
import { pixelUnit } from "./geometry.js";
import { paintGreys } from "./greyscale.js";

/** @typedef {{ x: number, y: number }} Point */

/**
 * Zoom and position that linked screens share.
 *
 * @typedef {object} View
 * @property {number} zoom 1 fits the image into the screen.
 * @property {number} x The image point in the centre.
 * @property {number} y
 * @property {Set<{ apply: () => void }>} screens The screens that follow it.
 */

/** @typedef {ReturnType<typeof create>} Screen */

/**
 * Lines over the image.
 *
 * @typedef {"fill" | "ai" | "reference" | "leftOut" | "band" | "halo" | "diameters"} Line
 */

/** @type {Readonly<Record<Line, string>>} classes, from the bottom up */
const LINES = {
  fill: "outline-fill",
  ai: "outline-ai",
  reference: "outline-reference",
  leftOut: "outline-left-out",
  band: "outline-band",
  halo: "diameters-halo",
  diameters: "diameters",
};
const NEAREST = 16;
const FARTHEST = 0.5;

/**
 * @param {{ width: number, height: number }} size Of the image.
 * @returns {View}
 */
export const createView = ({ width, height }) => ({
  zoom: 1,
  x: width / 2,
  y: height / 2,
  screens: new Set(),
});

/** @param {number} zoom Is clamped to the allowed range. */
export const allowedZoom = (zoom) => Math.min(NEAREST, Math.max(FARTHEST, zoom));

/**
 * Changes zoom or centre on all screens.
 *
 * @param {View} view
 * @param {Partial<Omit<View, "screens">>} change
 * @param {{ apply: () => void }} [except] A screen that updates itself.
 */
export function moveView(view, change, except) {
  Object.assign(view, change);
  for (const screen of view.screens) if (screen !== except) screen.apply();
}

/**
 * A screen on an element that contains a host for the picture and its overlays.
 *
 * @param {HTMLElement} root
 * @param {{ width: number, height: number, spacing: SpacingMm | null, view: View }} settings
 * @param {(scale: number) => void} onView Called when zoom or size has changed.
 */
export function create(root, { width, height, spacing, view }, onView) {
  const unit = pixelUnit(spacing);
  let size = [1, 1];
  /** @type {string | null} */
  let shown = null;

  const host = query(".screen-overlay", root);
  host.replaceChildren();
  const picture = make("canvas", { width, height, className: "screen-picture", hidden: true });
  const greys = new ImageData(width, height);
  const canvas = make("canvas", { width, height, className: "overlay-map", hidden: true });
  const svg = makeSvg("svg", { preserveAspectRatio: "none" });
  host.append(picture, canvas, svg);
  const paths = new Map(
    Object.entries(LINES).map(([name, className]) => [name, makeSvg("path", { class: className })]),
  );
  svg.append(...paths.values());
  /** @type {Map<string, SVGGElement>} */
  const layers = new Map();

  /**
   * Screen pixels per image pixel, x and y.
   *
   * @returns {[number, number]}
   */
  function scale() {
    const fit = Math.min(size[0] / (width * unit[0]), size[1] / (height * unit[1]));
    return [fit * view.zoom * unit[0], fit * view.zoom * unit[1]];
  }

  function apply() {
    const [sx, sy] = scale();
    const half = [size[0] / sx / 2, size[1] / sy / 2];
    view.x = Math.min(width, Math.max(0, view.x));
    view.y = Math.min(height, Math.max(0, view.y));
    const box = [view.x - half[0], view.y - half[1], 2 * half[0], 2 * half[1]];
    svg.setAttribute("viewBox", box.join(" "));
    const matrix = `matrix(${sx}, 0, 0, ${sy}, ${-box[0] * sx}, ${-box[1] * sy})`;
    for (const one of [picture, canvas]) one.style.transform = matrix;
    onView(Math.min(sx, sy));
  }

  function measure() {
    const box = root.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) return;
    size = [box.width, box.height];
    apply();
  }

  // The current box: a tool row may have opened in this frame, and the observer only reports it
  // after the next.
  function place() {
    const box = root.getBoundingClientRect();
    if (box.width !== size[0] || box.height !== size[1]) measure();
    return box;
  }

  /**
   * Image coordinates of a point of the window.
   *
   * @param {number} clientX
   * @param {number} clientY
   * @returns {Point}
   */
  function toImage(clientX, clientY) {
    const box = place();
    const [sx, sy] = scale();
    return {
      x: view.x + (clientX - box.left - size[0] / 2) / sx,
      y: view.y + (clientY - box.top - size[1] / 2) / sy,
    };
  }

  const observer = new ResizeObserver(measure);
  observer.observe(root);
  measure();

  /**
   * Shows a picture.
   *
   * @param {string} key Changes with the picture.
   * @param {Values} stored Values of the slice.
   * @param {Uint8Array} table Grey level of every stored value.
   */
  function show(key, stored, table) {
    if (key === shown) return;
    shown = key;
    paintGreys(greys, stored, table);
    picture.getContext("2d")?.putImageData(greys, 0, 0);
    picture.hidden = false;
  }

  function clear() {
    shown = null;
    picture.hidden = true;
  }

  const screen = {
    root,
    picture,
    map: canvas,
    /** What is on it (`show`), null while it is empty. */
    shown: () => shown,
    show,
    clear,
    apply,
    isAlive: () => root.isConnected,
    scale() {
      place();
      return scale();
    },
    toImage,
    /**
     * A group of the overlay SVG, in image coordinates; created on first use.
     *
     * @param {string} name
     */
    layer(name) {
      const known = layers.get(name);
      if (known) return known;
      const made = makeSvg("g", { class: `layer-${name}` });
      layers.set(name, made);
      svg.append(made);
      return made;
    },
    /**
     * @param {Line} name
     * @param {string} d The path, "" for none.
     */
    outline(name, d) {
      const path = paths.get(name);
      if (path?.getAttribute("d") !== d) path?.setAttribute("d", d);
    },
    clearOutlines() {
      for (const path of paths.values()) path.setAttribute("d", "");
    },
    /**
     * @param {{ image: ImageData, crisp: boolean } | null} found crisp: drawn without smoothing.
     * @param {number} [opacity]
     */
    showMap(found, opacity = 1) {
      canvas.hidden = !found;
      if (!found) return;
      canvas.getContext("2d")?.putImageData(found.image, 0, 0);
      canvas.style.opacity = String(opacity);
      canvas.classList.toggle("overlay-map--crisp", found.crisp);
    },
    /** @param {number} share */
    fillOpacity(share) {
      const fill = paths.get("fill");
      if (fill) fill.style.fillOpacity = String(share);
    },
    /**
     * Zooms around the point under the pointer.
     *
     * @param {number} factor
     * @param {number} clientX
     * @param {number} clientY
     */
    zoomBy(factor, clientX, clientY) {
      const zoom = allowedZoom(view.zoom * factor);
      const box = root.getBoundingClientRect();
      const [sx, sy] = scale();
      const dx = (clientX - box.left - size[0] / 2) / sx;
      const dy = (clientY - box.top - size[1] / 2) / sy;
      const change = 1 - view.zoom / zoom;
      moveView(view, { zoom, x: view.x + dx * change, y: view.y + dy * change });
    },
    /**
     * Pans by screen pixels.
     *
     * @param {number} dx
     * @param {number} dy
     */
    panBy(dx, dy) {
      const [sx, sy] = scale();
      moveView(view, { x: view.x - dx / sx, y: view.y - dy / sy });
    },
    reset() {
      moveView(view, { zoom: 1, x: width / 2, y: height / 2 });
    },
    dispose() {
      view.screens.delete(screen);
      observer.disconnect();
      host.replaceChildren();
    },
  };
  view.screens.add(screen);
  return screen;
}
