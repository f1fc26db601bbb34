// @ts-check
/**
 * The pixel value under the pointer, in the study's own units, in a corner of each pane: linked
 * panes show the values of their series at the same place.
 */

/** @import { Session } from "./session.js" */

import { listenerOf, write } from "../frame/dom.js";
import { all } from "../frame/events.js";
import { withMinus } from "../frame/number_words.js";
import * as panes from "./panes.js";
import { address } from "./pixels.js";
import * as viewer from "./viewer.js";

const IDS = ["corner-value", "corner-value-second", "corner-value-third"];
/** @type {{ x: number, y: number, surface: HTMLElement } | null} the pointer, over an image */
let pointer = null;
let scheduled = false;

/**
 * A value as text: whole numbers as they are, others with four digits.
 *
 * @param {number} value
 */
export const words = (value) =>
  withMinus(String(Number.isInteger(value) ? value : Number(value.toPrecision(4))));

/**
 * The value of a pixel, or the greatest one in the projection; null while it is loading.
 *
 * @param {Session} now
 * @param {number} channel
 * @param {number} i Its position in the slice.
 */
export function valueAt(now, channel, i) {
  const { study, loader, k } = now;
  const [first, last] = panes.slabOf(now, k, study.n);
  let most = -Infinity;
  for (let j = first; j <= last; j++) {
    const stored = loader.get(address(study.pixels_url, j, channel));
    if (!stored) return null;
    most = Math.max(most, stored[i] * study.slope + study.intercept);
  }
  return most;
}

/**
 * The pixel under the pointer as its position in the slice; null outside the image.
 *
 * @param {Session} now
 */
function pixel(now) {
  if (!pointer || !now.screen) return null;
  const { width, height } = now.study;
  const { screen } = panes.paneAt(now, pointer.surface);
  const point = screen.toImage(pointer.x, pointer.y);
  const [x, y] = [Math.floor(point.x), Math.floor(point.y)];
  return x < 0 || y < 0 || x >= width || y >= height ? null : y * width + x;
}

function update() {
  scheduled = false;
  const { now } = viewer;
  if (!now) return;
  const i = pixel(now);
  IDS.forEach((id, index) => {
    const value =
      i === null || index >= now.panes.length
        ? null
        : valueAt(now, panes.channelOf(now, { index }), i);
    const name = now.slab > 1 ? "MIP value" : "Value";
    write(id, value === null ? "" : `${name} ${words(value)}`);
  });
}

/** Updates once per frame at most, and only while the pointer is over an image. */
function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(update);
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  pointer = null;
  const move = (/** @type {PointerEvent} */ event) => {
    pointer = { x: event.clientX, y: event.clientY, surface: listenerOf(event) };
    schedule();
  };
  const leave = () => {
    pointer = null;
    schedule();
  };
  /** @type {NodeListOf<HTMLElement>} */
  const surfaces = document.querySelectorAll(".screen-surface");
  for (const surface of surfaces) {
    surface.addEventListener("pointermove", move, { signal });
    surface.addEventListener("pointerleave", leave, { signal });
  }
  return all([viewer.on(["painted", "mode", "channel"], () => pointer && schedule())]);
}
