// @ts-check
/**
 * Two-finger zoom and pan on the image, whatever the tool. One finger uses the tool (pointer.js);
 * its action is cancelled when the second finger touches.
 */

/** @import { Levels } from "./session.js" */

import { listenerOf } from "../frame/dom.js";
import * as panes from "./panes.js";
import * as viewer from "./viewer.js";

/** @type {Map<number, { x: number, y: number }>} by pointerId */
const fingers = new Map();
let pinching = false; // until all fingers are lifted: the last one must not draw
/** @type {{ channel: number, window: Levels }} when the first finger touched */
let before = { channel: 0, window: { low: 0, high: 1 } };

function spread() {
  const [a, b] = [...fingers.values()];
  const length = Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, length };
}

/** @param {PointerEvent} event */
function onDown(event) {
  const { now } = viewer;
  if (event.pointerType !== "touch" || !now) return;
  const surface = listenerOf(event);
  if (event.isPrimary) {
    fingers.clear(); // the end of an earlier touch may have been missed
    pinching = false;
    const pane = panes.paneAt(now, surface);
    const channel = pane ? panes.channelOf(now, pane) : now.channel;
    before = { channel, window: now.windows[channel] };
  }
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (fingers.size < 2) return;
  event.stopImmediatePropagation();
  event.preventDefault();
  if (pinching) return;
  pinching = true;
  for (const pointerId of fingers.keys())
    if (pointerId !== event.pointerId)
      surface.dispatchEvent(new PointerEvent("pointercancel", { pointerId }));
  viewer.display(before);
}

/** @param {PointerEvent} event */
function onMove(event) {
  if (!fingers.has(event.pointerId)) return;
  const from = fingers.size > 1 ? spread() : null;
  fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (!pinching) return;
  event.stopImmediatePropagation();
  const screen = viewer.now && panes.paneAt(viewer.now, listenerOf(event))?.screen;
  if (!from || !screen) return;
  const to = spread();
  screen.panBy(to.x - from.x, to.y - from.y); // first, so that the point between the fingers stays
  screen.zoomBy(to.length / from.length, to.x, to.y);
}

/** @param {PointerEvent} event */
function onEnd(event) {
  if (!event.isTrusted || !fingers.delete(event.pointerId)) return;
  if (pinching) event.stopImmediatePropagation();
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  fingers.clear();
  /** @type {NodeListOf<HTMLElement>} */
  const surfaces = document.querySelectorAll(".screen-surface");
  for (const surface of surfaces) {
    surface.addEventListener("pointerdown", onDown, { capture: true, signal });
    surface.addEventListener("pointermove", onMove, { capture: true, signal });
    surface.addEventListener("pointerup", onEnd, { capture: true, signal });
    surface.addEventListener("pointercancel", onEnd, { capture: true, signal });
  }
  return () => fingers.clear();
}
