// @ts-check
/**
 * The magnifier: while the image is pressed, a lens shows picture and outlines around the pointer
 * larger than in the pane, without changing its zoom.
 */

/** @import { Point, Screen } from "./screen.js" */
/** @import { Begin } from "./tools.js" */

import { byId, make } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import * as tools from "./tools.js";
import * as viewer from "./viewer.js";

/**
 * @typedef {object} Lens
 * @property {HTMLElement} root
 * @property {HTMLCanvasElement} image A copy of the picture.
 * @property {Screen} screen
 * @property {SVGElement | null} outlines A copy of the overlays of the screen.
 */

const SIZE = 220; // screen pixels
const FACTOR = 2.5;
const ABOVE = 130; // above a finger, which would hide it

/** @type {Lens | null} */
let lens = null;

/** Takes picture and outlines of the slice that is on the screen now. */
function take() {
  const { now } = viewer;
  const pane = now?.panes.find(({ screen }) => screen === lens?.screen);
  if (!lens || !pane?.screen.shown()) return;
  lens.image.getContext("2d")?.drawImage(pane.screen.picture, 0, 0);
  lens.outlines?.remove();
  const svg = lens.screen.root.querySelector(".screen-overlay svg");
  const copy = svg?.cloneNode(true);
  lens.outlines = copy instanceof SVGElement ? copy : null;
  if (lens.outlines) lens.root.append(lens.outlines);
}

/**
 * @param {Point} point In image coordinates.
 * @param {PointerEvent} event
 */
function place(point, event) {
  const { now } = viewer;
  if (!lens || !now) return;
  const { width, height } = now.study;
  const [x, y] = lens.screen.scale().map((scale) => FACTOR * scale);
  Object.assign(lens.image.style, {
    width: `${width * x}px`,
    height: `${height * y}px`,
    transform: `translate(${SIZE / 2 - point.x * x}px, ${SIZE / 2 - point.y * y}px)`,
  });
  const box = [point.x - SIZE / 2 / x, point.y - SIZE / 2 / y, SIZE / x, SIZE / y];
  lens.outlines?.setAttribute("viewBox", box.join(" "));
  const stage = byId("viewer-stage").getBoundingClientRect();
  const up = event.pointerType === "touch" ? ABOVE : 0;
  const left = event.clientX - stage.left - SIZE / 2;
  const top = event.clientY - stage.top - SIZE / 2 - up;
  lens.root.style.transform = `translate(${left}px, ${top}px)`;
}

function remove() {
  lens?.root.remove();
  lens = null;
}

/** @type {Begin} */
function begin(point, event, screen) {
  remove();
  const { width, height } = screen.picture;
  const image = make("canvas", { width, height });
  const root = make("div", { className: "lens screen-overlay" }, image);
  root.setAttribute("aria-hidden", "true");
  lens = { root, image, screen, outlines: null };
  byId("viewer-stage").append(root);
  take();
  place(point, event);
  return { move: place, end: remove, cancel: remove };
}

/** @type {keys.Binding[]} */
const KEYS = [
  {
    id: "tool.magnifier",
    key: "h",
    label: "Left drag: magnifier",
    run: () => tools.choose("magnifier"),
  },
];

export function mount() {
  return all([
    tools.add({ name: "magnifier", group: "view", cursor: "zoom-in", begin }),
    viewer.on("painted", take),
    viewer.on("close", remove),
    keys.add("Magnifier", KEYS),
    remove,
  ]);
}
