// @ts-check
/** Actions of the edit row on whole slices, and undo. */

/** @import { Size } from "./mask_shapes.js" */
/** @import { Step } from "./correction.js" */

import * as lock from "../viewer/lock.js";
import { numberOf } from "../viewer/slices.js";
import * as viewer from "../viewer/viewer.js";
import * as correction from "./correction.js";
import * as correctionStore from "./correction_store.js";
import { maskOf, size } from "./edit_tools.js";
import * as maskBits from "./mask_bits.js";
import * as maskShapes from "./mask_shapes.js";
import { note } from "../viewer/notes.js";

/** @type {WeakSet<Uint8Array>} interpolated packed masks, which interpolation may replace again */
const interpolated = new WeakSet();

/**
 * @param {string} label
 * @param {(mask: Uint8Array, size: Size) => Uint8Array} make
 */
function shape(label, make) {
  const { k, study } = viewer.opened();
  const mask = maskOf(k);
  if (mask && !correction.change(label, [{ k, mask: make(mask, size(study)) }]))
    note("Nothing to change on this slice.");
}

/** @param {number} direction 1 or -1. */
function copy(direction) {
  const { k, study } = viewer.opened();
  const to = k + direction;
  if (to < 0 || to >= study.n)
    return void note(direction > 0 ? "This is the last slice." : "This is the first slice.");
  const mask = maskOf(k);
  if (!mask) return;
  correction.change(`Copy of slice ${numberOf(study, k)}`, [{ k: to, mask }]);
  viewer.goTo(to);
}

/** Slices corrected by hand, in order. */
function corrected() {
  const byHand = [...correction.opened().touched].filter(([, bits]) => !interpolated.has(bits));
  return byHand.map(([k]) => k).sort((a, b) => a - b);
}

/**
 * The gaps between corrected slices that a slice is in or next to.
 *
 * @param {readonly number[]} slices Corrected slices, in order.
 * @param {number} k
 * @returns {[number, number][]} First and last slice, both corrected.
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
  if (correctionStore.isLoading()) return void note("Your correction is still loading.");
  const around = gaps(corrected(), now.k);
  if (!around.length)
    return void note(
      "First correct two slices, one on each side, with slices between them.",
      "no-gap",
    );
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
  const slices = first === last ? `Slice ${first}` : `Slices ${first} to ${last}`;
  const isEmpty = " The two outlines do not overlap, so some slices between them are empty.";
  note(`${slices} interpolated.${isApart ? isEmpty : ""}`, `interpolated-${first}-${last}`);
}

const clear = () => shape("Clear", (mask) => new Uint8Array(mask.length));

/** Reverts the slice to the AI mask, at the threshold from which the correction started. */
async function again() {
  const { k, study } = viewer.opened();
  const { state } = correction;
  const base = correction.baseNow();
  if (!base.ai) return void note("This study has no AI mask.");
  const label = "Revert to AI";
  if (base.under === base.ai) {
    if (!correction.change(label, [{ k, mask: null }])) note("This slice already has the AI mask.");
    return;
  }
  const bits = await base.ai.load(k).catch(() => null);
  if (!bits || correction.state !== state)
    return void note("The AI mask of this slice could not be loaded.");
  correction.change(label, [{ k, mask: maskBits.unpack(bits, study.width * study.height) }]);
}

/**
 * Goes to the slice of an undone or redone step and names it.
 *
 * @param {Step | null} step
 * @param {"Undone" | "Redone"} word
 */
function back(step, word) {
  if (!step) return void note(`Nothing to ${word === "Undone" ? "undo" : "redo"}.`);
  const slices = step.slices.map(({ k }) => k);
  if (slices.length && !slices.includes(viewer.opened().k)) viewer.goTo(slices[0]);
  const [first] = slices;
  const place = slices.length > 1 ? `, ${slices.length} slices` : `, slice ${first + 1}`;
  note(`${word}: ${step.label}${slices.length ? place : ""}.`, word.toLowerCase());
}

/** @param {() => unknown} run Runs only while the study may be changed. */
const unlocked = (run) => () => void (lock.refuse() || run());

/** By the name of the button or key. */
export const actions = {
  grow: unlocked(() => shape("Grow", maskShapes.grow)),
  shrink: unlocked(() => shape("Shrink", maskShapes.shrink)),
  "copy-next": unlocked(() => copy(1)),
  "copy-previous": unlocked(() => copy(-1)),
  interpolate: unlocked(interpolate),
  clear: unlocked(clear),
  again: unlocked(again),
  undo: unlocked(() => back(correction.undo(), "Undone")),
  redo: unlocked(() => back(correction.redo(), "Redone")),
};
