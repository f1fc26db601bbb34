// @ts-check
/**
 * The figure with its overlays: double-buffered layout.images, outlines in an SVG with the same
 * coordinates, zoom and pan. Image coordinates: pixel (0, 0) covers 0..1 in x and y.
 *
 * Figure changes go through Plotly.update, not relayout: dcc.Graph responds to a relayout by
 * writing its figure property back, and with it an older image.
 */

/** @import { SpacingMm } from "./study.js" */

import { makeSvg, query } from "../frame/dom.js";
import { pixelUnit } from "./geometry.js";

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

/** @typedef {Awaited<ReturnType<typeof create>>} Screen */

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
const XLINK = "http://www.w3.org/1999/xlink";
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
 * Draws the figure of a screen that has none from that of another one: a figure that few readers
 * use must not cost time when the page opens.
 *
 * @param {HTMLElement} root
 */
async function copyFigure(root) {
  const host = root.querySelector(".screen-figure--copied");
  if (!host || host.firstChild) return;
  const other = await figureReady(query(".screen"));
  const made = document.createElement("div");
  host.append(made);
  const { data, layout } = JSON.parse(JSON.stringify({ data: other.data, layout: other.layout }));
  for (const image of layout.images) Object.assign(image, { opacity: 0, source: "" });
  await Plotly.newPlot(made, data, layout, { displayModeBar: false, doubleClick: false });
}

/**
 * @param {HTMLElement} root
 * @returns {Promise<PlotlyElement>}
 */
async function figureReady(root) {
  for (;;) {
    const gd = /** @type {PlotlyElement | null} */ (root.querySelector(".js-plotly-plot"));
    if (gd?._fullLayout && window.Plotly) return gd;
    if (!root.isConnected) throw new Error("the page has gone");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/**
 * A screen on an element that contains a figure and a host for overlays.
 *
 * @param {HTMLElement} root
 * @param {{ width: number, height: number, spacing: SpacingMm | null, view: View }} settings
 * @param {(scale: number) => void} onView Called when zoom or size has changed.
 */
export async function create(root, { width, height, spacing, view }, onView) {
  await copyFigure(root);
  const gd = await figureReady(root);
  const unit = pixelUnit(spacing);
  let size = [1, 1];
  let front = 1;
  /** @type {string | null} */
  let shown = null;

  const host = query(".screen-overlay", root);
  host.replaceChildren();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height, className: "overlay-map" });
  canvas.hidden = true;
  const svg = makeSvg("svg", { preserveAspectRatio: "none" });
  host.append(canvas, svg);
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
    canvas.style.transform = `matrix(${sx}, 0, 0, ${sy}, ${-box[0] * sx}, ${-box[1] * sy})`;
    /** @type {Record<string, unknown>} */
    const change = {
      "xaxis.range": [box[0], box[0] + box[2]],
      "yaxis.range": [box[1] + box[3], box[1]],
    };
    if (gd.layout.width !== size[0] || gd.layout.height !== size[1])
      Object.assign(change, { width: size[0], height: size[1] });
    void Plotly.update(gd, {}, change);
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

  // Plotly merges images that have the same position and size into one element.
  const other = width + 1e-6;
  const images = {
    "images[0].sizex": width,
    "images[0].sizey": height,
    "images[1].sizex": other,
    "images[1].sizey": height,
  };
  void Plotly.update(gd, {}, images);
  const observer = new ResizeObserver(measure);
  observer.observe(root);
  measure();

  /**
   * Changes one of the two images, in the document and in Plotly's state. Plotly.update takes 8 of
   * a frame's 17 ms, so it is used only while the element does not exist.
   *
   * @param {number} i
   * @param {{ source?: string, opacity: number }} change
   */
  function put(i, change) {
    const image = [...gd.querySelectorAll("image")].find(
      (one) => /** @type {any} */ (one).__data__?._index === i,
    );
    if (!image) return false;
    for (const { images: known } of [gd.layout, gd._fullLayout]) Object.assign(known[i], change);
    if (change.source) image.setAttributeNS(XLINK, "xlink:href", change.source);
    image.setAttribute("opacity", String(change.opacity));
    return true;
  }

  /**
   * Shows a decoded picture. The two images alternate and switch at once, so that a step never
   * shows an empty frame or the outlines of one slice over the picture of another.
   *
   * @param {string} url
   */
  function show(url) {
    if (url === shown) return;
    shown = url;
    front = 1 - front;
    if (put(front, { source: url, opacity: 1 }) && put(1 - front, { opacity: 0 })) return;
    const change = {
      [`images[${front}].source`]: url,
      "images[0].opacity": 1 - front,
      "images[1].opacity": front,
    };
    void Plotly.update(gd, {}, change);
  }

  function clear() {
    if (shown === null) return;
    shown = null;
    void Plotly.update(gd, {}, { "images[0].opacity": 0, "images[1].opacity": 0 });
  }

  const screen = {
    root,
    show,
    clear,
    apply,
    isAlive: () => root.isConnected && Boolean(gd._fullLayout),
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
    map(found, opacity = 1) {
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
      if (gd.isConnected) clear();
    },
  };
  view.screens.add(screen);
  return screen;
}
