// @ts-check
/**
 * Wheel and drags on the image, as in PACS viewers: left drag uses the chosen tool, right drag
 * zooms, middle or Shift drag pans, Ctrl + wheel or a pinch zooms, and a double click resets the
 * window unless the tool uses it.
 */

/** @import { Screen } from "./screen.js" */
/** @import { Action, Begin } from "./tools.js" */

import { byId, listenerOf } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as panes from "./panes.js";
import * as tools from "./tools.js";
import * as viewer from "./viewer.js";

const NOTCH = 60; // a wheel notch reports 100 or more at once, a trackpad many small steps
const TRACKPAD_STEP = 40;
const PAUSE_MS = 250;

/** The scroll distance of a wheel event in pixels, from pixels, lines or pages. */
const turned = (/** @type {WheelEvent} */ event) =>
  (event.deltaY || event.deltaX) * (event.deltaMode === 1 ? 40 : event.deltaMode === 2 ? 400 : 1);

/** Turns wheel and trackpad events into whole steps. */
export class Wheel {
  #sum = 0;
  #at = 0;

  /**
   * Whole steps of an event, including the remainder of earlier ones.
   *
   * @param {WheelEvent} event
   */
  steps(event) {
    const delta = turned(event);
    const isLate = event.timeStamp - this.#at > PAUSE_MS;
    if (isLate || Math.sign(delta) !== Math.sign(this.#sum)) this.#sum = 0;
    this.#at = event.timeStamp;
    if (Math.abs(delta) >= NOTCH) {
      this.#sum = 0;
      return Math.sign(delta);
    }
    this.#sum += delta;
    const steps = Math.trunc(this.#sum / TRACKPAD_STEP);
    this.#sum -= steps * TRACKPAD_STEP;
    return steps;
  }

  /**
   * The factor by which Ctrl + wheel, or a pinch, zooms.
   *
   * @param {WheelEvent} event
   */
  static zoom(event) {
    return Math.exp(-Math.max(-120, Math.min(120, turned(event))) / 300);
  }
}

const wheel = new Wheel();

/** @param {Event} event On the surface of a pane. */
const paneOf = (event) => panes.paneAt(viewer.opened(), listenerOf(event));

/** @param {WheelEvent} event */
function onWheel(event) {
  const { now } = viewer;
  if (!now) return;
  event.preventDefault();
  if (event.ctrlKey) {
    const { clientX, clientY } = event;
    return paneOf(event)?.screen.zoomBy(Wheel.zoom(event), clientX, clientY);
  }
  const steps = wheel.steps(event);
  if (steps) viewer.goTo(now.k + steps);
}

/** @returns {Action} */
const pan = () => ({
  move: (_, event, last) =>
    viewer.now?.screen?.panBy(event.clientX - last.x, event.clientY - last.y),
});

/** @type {Begin} */
function zoom(_, event, screen) {
  const { clientX, clientY } = event;
  return {
    move: (_point, moved, last) =>
      screen.zoomBy(Math.exp(-(moved.clientY - last.y) / 150), clientX, clientY),
  };
}

/** @type {Begin} */
function windowAndLevel(_, event) {
  const now = viewer.opened();
  const channel = panes.channelOf(now, paneOf(event));
  const { low, high } = now.windows[channel];
  const home = now.study.windows[channel];
  const perPixel = Math.max(home[1] - home[0], 1e-6) / 300;
  return {
    move(_point, moved) {
      const width = Math.max(perPixel, high - low + (moved.clientX - event.clientX) * perPixel);
      const level = (low + high) / 2 + (moved.clientY - event.clientY) * perPixel;
      viewer.display({ channel, window: { low: level - width / 2, high: level + width / 2 } });
    },
  };
}

/** @type {Begin} the action that a press starts */
function begin(point, event, screen) {
  if (event.button === 1 || (event.button === 0 && event.shiftKey)) return pan();
  if (event.button === 2) return zoom(point, event, screen);
  return event.button === 0 ? tools.begin(point, event, screen) : null;
}

/** @param {PointerEvent} event */
function onPointerDown(event) {
  const session = viewer.now;
  if (!session?.screen) return;
  const surface = listenerOf(event);
  const { screen } = paneOf(event);
  const at = (/** @type {PointerEvent} */ moved) => screen.toImage(moved.clientX, moved.clientY);
  const action = begin(at(event), event, screen);
  if (!action) return;
  surface.setPointerCapture(event.pointerId);
  event.preventDefault();
  // give the keyboard back to the image
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  viewer.setDragging(true);
  let last = { x: event.clientX, y: event.clientY };
  const done = new AbortController();
  const { signal } = done;
  /** @param {(moved: PointerEvent) => void} run */
  const mine = (run) => (/** @type {PointerEvent} */ moved) =>
    moved.pointerId === event.pointerId && run(moved);
  /** @param {"end" | "cancel"} how */
  const finish = (how) =>
    mine((moved) => {
      done.abort();
      if (viewer.now !== session) return;
      viewer.setDragging(false);
      action[how]?.(at(moved), moved);
    });
  const move = mine((moved) => {
    if (viewer.now !== session) return;
    action.move?.(at(moved), moved, last);
    last = { x: moved.clientX, y: moved.clientY };
  });
  surface.addEventListener("pointermove", move, { signal });
  surface.addEventListener("pointerup", finish("end"), { signal });
  surface.addEventListener("pointercancel", finish("cancel"), { signal });
}

/** @param {PointerEvent} event */
function onHover(event) {
  if (!viewer.now?.screen || event.buttons) return;
  const { screen } = paneOf(event);
  tools.current()?.hover?.(screen.toImage(event.clientX, event.clientY), event);
}

/** @param {MouseEvent} event */
function onDouble(event) {
  const { now } = viewer;
  if (!now?.screen) return;
  const pane = paneOf(event);
  const tool = tools.current();
  if (tool?.double) return tool.double(pane.screen.toImage(event.clientX, event.clientY), event);
  homeWindow(panes.channelOf(now, pane));
}

/**
 * Resets the window of a channel.
 *
 * @param {number} [channel] By default the one in view.
 */
export function homeWindow(channel = viewer.opened().channel) {
  const [low, high] = viewer.opened().study.windows[channel];
  viewer.display({ channel, window: { low, high } });
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  /** @type {NodeListOf<HTMLElement>} */
  const surfaces = document.querySelectorAll(".screen-surface");
  for (const surface of surfaces) {
    surface.addEventListener("wheel", onWheel, { passive: false, signal });
    surface.addEventListener("pointerdown", onPointerDown, { signal });
    surface.addEventListener("pointermove", onHover, { signal });
    surface.addEventListener("pointerleave", () => tools.current()?.leave?.(), { signal });
    surface.addEventListener("dblclick", onDouble, { signal });
    surface.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  }
  byId("viewer-strip").addEventListener("wheel", onWheel, { passive: false, signal });
  return all([
    tools.add({ name: "window", group: "view", begin: windowAndLevel }),
    tools.add({ name: "zoom", group: "view", cursor: "zoom-in", begin: zoom }),
  ]);
}
