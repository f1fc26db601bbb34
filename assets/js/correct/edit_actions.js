// @ts-check
/** What the buttons and keys of the edit row do to whole slices, and the way back. */

/** @import { Size } from "./mask_shapes.js" */
/** @import { Step } from "./correction.js" */

import * as viewer from "../viewer/viewer.js";
import * as correction from "./correction.js";
import * as correctionStore from "./correction_store.js";
import { maskOf, size } from "./edit_tools.js";
import * as maskBits from "./mask_bits.js";
import * as maskShapes from "./mask_shapes.js";
import { say } from "./said.js";

/** @type {WeakSet<Uint8Array>} packed masks between corrected ones that were not touched since */
const interpolated = new WeakSet();

/**
 * @param {string} label
 * @param {(mask: Uint8Array, size: Size) => Uint8Array} make
 */
function shape(label, make) {
  const { k, study } = viewer.opened();
  const mask = maskOf(k);
  if (mask && !correction.change(label, [{ k, mask: make(mask, size(study)) }]))
    say("There is nothing to change on this slice.");
}

/** @param {number} direction 1 or -1. */
function copy(direction) {
  const { k, study } = viewer.opened();
  const to = k + direction;
  if (to < 0 || to >= study.n)
    return void say(direction > 0 ? "This is the last slice." : "This is the first slice.");
  const mask = maskOf(k);
  if (!mask) return;
  correction.change(`Copy of slice ${k + 1}`, [{ k: to, mask }]);
  viewer.goTo(to);
}

/** Slices that were corrected by hand, in order. */
function corrected() {
  const byHand = [...correction.opened().touched].filter(([, bits]) => !interpolated.has(bits));
  return byHand.map(([k]) => k).sort((a, b) => a - b);
}

/**
 * The gaps around a slice, between the corrected slices nearest to it.
 *
 * @param {readonly number[]} slices Corrected ones, in order.
 * @param {number} k
 * @returns {[number, number][]} From and to, both corrected.
 */
export function gaps(slices, k) {
  /** @type {[number, number][]} */
  const found = [];
  slices.forEach((to, i) => {
    const from = slices[i - 1];
    if (i > 0 && to - from > 1 && from <= k && k <= to) found.push([from, to]);
  });
  return found;
}

function interpolate() {
  const now = viewer.opened();
  if (correctionStore.isLoading()) return void say("Your correction is still loading.");
  const around = gaps(corrected(), now.k);
  if (!around.length)
    return void say("Correct a slice below and one above first, with others between them.");
  const changes = around.flatMap(([from, to]) => {
    const [one, other] = [correction.mask(from), correction.mask(to)];
    if (!one || !other) return [];
    const count = to - from - 1;
    const shares = Array.from({ length: count }, (_, i) => (i + 1) / (count + 1));
    const masks = maskShapes.between(one, other, size(now.study), shares);
    return masks.map((mask, i) => ({ k: from + 1 + i, mask }));
  });
  const isApart = changes.some(({ mask }) => !mask.includes(1));
  correction.change("Interpolation", changes);
  const { touched } = correction.opened();
  for (const { k } of changes) {
    const bits = touched.get(k);
    if (bits) interpolated.add(bits);
  }
  const [first, last] = [changes[0].k + 1, changes[changes.length - 1].k + 1];
  const words =
    first === last
      ? `Slice ${first} was interpolated.`
      : `Slices ${first} to ${last} were interpolated.`;
  say(isApart ? `${words} Where the two outlines lie apart, nothing is between them.` : words);
}

const clear = () => shape("Clear", (mask) => new Uint8Array(mask.length));

/** The slice as the AI outlined it, at the threshold from which the correction began. */
async function again() {
  const { k, study } = viewer.opened();
  const { state } = correction;
  const base = correction.baseNow();
  if (!base.ai) return void say("There is no AI mask of this study.");
  const label = "AI's mask again";
  if (base.under === base.ai) {
    if (!correction.change(label, [{ k, mask: null }])) say("This slice is as the AI outlined it.");
    return;
  }
  const bits = await base.ai.load(k).catch(() => null);
  if (!bits || correction.state !== state)
    return void say("The AI's mask of this slice could not be loaded.");
  correction.change(label, [{ k, mask: maskBits.unpack(bits, study.width * study.height) }]);
}

/**
 * Where a step happened comes into view.
 *
 * @param {Step | null} step
 * @param {"Undone" | "Redone"} word
 */
function back(step, word) {
  if (!step) return void say(`There is nothing to ${word === "Undone" ? "undo" : "redo"}.`);
  const slices = step.slices.map(({ k }) => k);
  if (slices.length && !slices.includes(viewer.opened().k)) viewer.goTo(slices[0]);
  const [first] = slices;
  const place = slices.length > 1 ? `, ${slices.length} slices` : `, slice ${first + 1}`;
  say(`${word}: ${step.label}${slices.length ? place : ""}.`);
}

/** By the name of the button or key. */
export const actions = {
  grow: () => shape("Grow", maskShapes.grow),
  shrink: () => shape("Shrink", maskShapes.shrink),
  "copy-next": () => copy(1),
  "copy-previous": () => copy(-1),
  interpolate,
  clear,
  again,
  undo: () => back(correction.undo(), "Undone"),
  redo: () => back(correction.redo(), "Redone"),
};
