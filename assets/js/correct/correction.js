// @ts-check
/**
 * The reader's own mask of the study in view: a base (the AI mask at a threshold, or a saved
 * version) and the slices changed since, with undo. The AI mask itself is never changed.
 *
 *     correction.change("Brush", [{k, mask}])   one step, of one slice or several
 *
 * Touched slices are packed (mask_bits.js) and never modified in place, so that a map of them, such
 * as one that is being sent, remains a consistent state.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Source } from "./mask_sources.js" */

import { all, Events } from "../frame/events.js";
import * as lock from "../viewer/lock.js";
import * as threshold from "../viewer/threshold.js";
import * as viewer from "../viewer/viewer.js";
import * as maskBits from "./mask_bits.js";
import * as maskSources from "./mask_sources.js";

/**
 * What a mask is based on, as the server stores it.
 *
 * @typedef {object} Spec
 * @property {string | null} result_key
 * @property {number | null} threshold Of the mask.
 * @property {number | null} operating_point Null for the default.
 * @property {number | null} version A saved version.
 */

/**
 * @typedef {object} Base
 * @property {Spec} spec
 * @property {Source} under The mask itself.
 * @property {Source | null} ai The AI mask that it started from.
 */

/** @typedef {ReadonlyMap<number, Uint8Array>} Slices Packed masks by position. */

/**
 * One undoable step: which pixels it flips on each slice, and, as [before, after], the base and, if
 * replaced as a whole, all touched slices.
 *
 * @typedef {object} Step
 * @property {string} label
 * @property {readonly { k: number, was: boolean, is: boolean, flips: Uint8Array }[]} slices
 * @property {readonly [Base | null, Base | null]} bases
 * @property {readonly [Slices, Slices]} [touched]
 * @property {boolean} [silent] Skipped by undo and redo (`settle`).
 * @property {number} [over] Of a silent step: how many steps were undone when it was made.
 */

/**
 * Written by this module only.
 *
 * @typedef {object} State
 * @property {Session} now
 * @property {Base | null} base Null before the first step.
 * @property {Slices} touched
 * @property {readonly Step[]} done
 * @property {readonly Step[]} undone
 * @property {number} steps Number of steps so far, undo and redo included.
 * @property {{ k: number, mask: Uint8Array } | null} live A stroke in progress.
 * @property {Source | null} reference
 */

/** @type {State | null} null while no study is open */
export let state = null;
/** @type {{ key: string, base: Base }} the AI mask in view */
let inView = { key: "", base: /** @type {any} */ (null) };

/**
 * open, close, change (of the mask), loaded (a missing map), live (a stroke in progress).
 *
 * @type {Events<"open" | "close" | "change" | "loaded" | "live", State>}
 */
const events = new Events();
/** Listens to events of the correction of the study in view. */
export const { on } = events;

/**
 * The correction of the study in view.
 *
 * @throws {Error} If no study is open.
 */
export function opened() {
  if (!state) throw new Error("No study is open.");
  return state;
}

// ---- bases ----
/** @type {Spec} */
const NO_AI = { result_key: null, threshold: null, operating_point: null, version: null };

/**
 * The AI mask in view; an empty mask before the analysis.
 *
 * @param {Session} now
 * @returns {Base}
 */
export function aiBase(now) {
  const { result } = now.study;
  if (!result) return { spec: NO_AI, under: maskSources.ofNothing(now.study), ai: null };
  const spec = {
    result_key: result.key,
    threshold: threshold.value(now),
    operating_point: now.operatingPoint,
    version: null,
  };
  const ai = maskSources.ofAi(now, result, spec.threshold, spec.operating_point);
  return { spec, under: ai, ai };
}

/**
 * A base from its description on the server.
 *
 * @param {Session} now
 * @param {Spec} spec
 * @param {{ under?: Slices | null, ai?: Slices | null }} masks The masks that the browser cannot
 *   compute.
 * @returns {Base}
 */
export function storedBase(now, spec, { under, ai }) {
  const { study } = now;
  const { result } = study;
  const isPresent = result && spec.result_key === result.key && spec.threshold !== null;
  const own = isPresent
    ? maskSources.ofAi(now, result, spec.threshold ?? 0, spec.operating_point)
    : ai && maskSources.ofSlices(study, ai);
  const made = under ? maskSources.ofSlices(study, under) : own;
  return { spec, under: made ?? maskSources.ofNothing(study), ai: own ?? null };
}

// ---- state ----
/** @param {Session} now */
function open(now) {
  state = {
    now,
    base: null,
    touched: new Map(),
    done: [],
    undone: [],
    steps: 0,
    live: null,
    reference: maskSources.ofReference(now),
  };
  inView.key = "";
  events.emit("open", state);
  events.emit("change", state);
}

function close() {
  if (!state) return;
  events.emit("close", state);
  state = null;
}

/** The base of the reader's mask; before the first step, the AI mask in view. */
export function baseNow() {
  const { base, now } = opened();
  if (base) return base;
  const { study_id: id, result } = now.study;
  const level = result && threshold.value(now);
  const key = `${id} ${result?.key} ${level} ${now.operatingPoint}`;
  if (inView.key !== key) inView = { key, base: aiBase(now) };
  return inView.base;
}

/** Whether the reader has a mask. */
export const isThere = () => Boolean(state?.base);

/**
 * The packed mask of a slice; null while it is loading.
 *
 * @param {number} k
 */
export const bits = (k) => opened().touched.get(k) ?? baseNow().under.bits(k);

/**
 * Whether the mask of a slice is known to be empty; cheaper than unpacking it.
 *
 * @param {number} k
 */
export function isEmpty(k) {
  const packed = bits(k);
  return Boolean(packed?.every((byte) => byte === 0));
}

/**
 * A copy of a slice's mask to draw on, one byte per pixel; null while the base is loading.
 *
 * @param {number} k
 */
export function mask(k) {
  const packed = bits(k);
  const { width, height } = opened().now.study;
  return packed && maskBits.unpack(packed, width * height);
}

/** Reports that a missing map has been loaded. */
export const refresh = () => events.emit("loaded", opened());

/** @param {number} k */
export function fetchBase(k) {
  const session = state;
  const done = () => {
    if (state && state === session) refresh();
  };
  return baseNow()
    .under.load(k)
    .then(done, () => {});
}

// ---- steps ----
/** @param {Partial<State>} fields */
function update(fields) {
  return Object.assign(opened(), fields);
}

/**
 * @param {State} mine
 * @param {Step} step
 */
function push(mine, step) {
  changedAt = performance.now();
  const last = mine.done.at(-1);
  if (last?.silent) last.over = 0;
  update({ done: [...mine.done, step], undone: [] });
  changed();
}

function changed() {
  const { steps } = opened();
  events.emit("change", update({ steps: steps + 1, live: null }));
}

/**
 * Makes one undoable step.
 *
 * @param {string} label
 * @param {readonly { k: number, mask: Uint8Array | null }[]} changes A null mask reverts the slice
 *   to the base.
 * @returns {boolean} Whether anything was changed.
 */
export function change(label, changes) {
  if (lock.refuse()) return false;
  const mine = opened();
  const before = mine.touched;
  const after = new Map(before);
  const zeros = maskSources.zeros(mine.now.study);
  const slices = [];
  for (const { k, mask: wanted } of changes) {
    const now = wanted && maskBits.pack(wanted);
    const was = before.get(k) ?? null;
    const seen = was ?? baseNow().under.bits(k);
    if (now ? seen && maskBits.equal(seen, now) : !was) continue; // unchanged
    const flips = maskBits.difference(was ?? zeros, now ?? zeros);
    slices.push({ k, was: Boolean(was), is: Boolean(now), flips });
    if (now) after.set(k, now);
    else after.delete(k);
  }
  if (!slices.length) {
    showLive(null);
    return false;
  }
  const base = baseNow();
  /** @type {Step} */
  const step = { label, slices, bases: [mine.base, base] };
  push(update({ base, touched: after }), step);
  return true;
}

/**
 * Replaces base and touched slices as one step: by a version, the AI mask, or the draft of another
 * window.
 *
 * @param {string} label
 * @param {Base} base
 * @param {Slices} [touched]
 */
export function replace(label, base, touched = new Map()) {
  if (lock.refuse()) return;
  const mine = opened();
  /** @type {Step} */
  const step = {
    label,
    slices: [],
    bases: [mine.base, base],
    touched: [mine.touched, touched],
  };
  push(update({ base, touched }), step);
}

/**
 * Sets base and touched slices as stored on the server, without an undoable step.
 *
 * @param {Base} base
 * @param {Slices} touched
 */
export function restore(base, touched) {
  events.emit("change", update({ base, touched, done: [], undone: [], live: null }));
}

/**
 * @param {Step} step
 * @param {boolean} back
 */
function apply(step, back) {
  const mine = opened();
  const base = step.bases[back ? 0 : 1];
  if (step.touched) return void update({ base, touched: step.touched[back ? 0 : 1] });
  const after = new Map(mine.touched);
  const zeros = maskSources.zeros(mine.now.study);
  for (const { k, was, is, flips } of step.slices) {
    const made = maskBits.flip(after.get(k) ?? zeros, flips);
    if (back ? was : is) after.set(k, made);
    else after.delete(k);
  }
  update({ base, touched: after });
}

/** When a step was last made, undone or redone here: `performance.now()`. */
let changedAt = 0;

/** When the mask was last changed on this page, to compare with other changes; 0 before that. */
export const lastChange = () => changedAt;

/** Whether a step can be undone or redone. */
export const canMove = (/** @type {boolean} */ back) =>
  Boolean(state && (back ? state.done : state.undone).some((step) => !step.silent));

/** Undoes or redoes a step; returns it, or null if no step is left. */
function move(/** @type {boolean} */ back) {
  if (!state || !(back ? state.done : state.undone).length) return null;
  changedAt = performance.now();
  const step = shift(back);
  changed();
  return step;
}

function shift(/** @type {boolean} */ back) {
  const { done, undone } = opened();
  const from = back ? done : undone;
  const step = from[from.length - 1];
  const rest = from.slice(0, -1);
  update(
    back ? { done: rest, undone: [...undone, step] } : { done: [...done, step], undone: rest },
  );
  apply(step, back);
  return step;
}

// Undo and redo skip the silent steps of settle(). A silent step made while other steps were undone
// (`over` counts them) is reverted before the first of those is redone, as they do not build on it.
/** Undoes the last step; returns it, or null. */
export function undo() {
  if (lock.refuse()) return null;
  if (state && state.done.length > 1 && state.done.at(-1)?.silent) shift(true);
  return move(true);
}

/** Redoes the last undone step; returns it, or null. */
export function redo() {
  if (lock.refuse()) return null;
  const settled = state?.done.at(-1);
  if (state && settled?.silent && settled.over && settled.over === state.undone.length) {
    update({ done: state.done.slice(0, -1) });
    apply(settled, true);
  }
  const step = move(false);
  if (step && state?.undone.at(-1)?.silent) shift(false);
  return step;
}

/**
 * Bases the unchanged mask on the version as which it was saved, as a silent step.
 *
 * @param {Base} base
 */
export function settle(base) {
  const mine = opened();
  /** @type {Step} */
  const step = {
    label: "",
    silent: true,
    over: mine.undone.length,
    slices: [],
    bases: [mine.base, base],
    touched: [mine.touched, new Map()],
  };
  update({ done: [...mine.done, step] });
  apply(step, false);
  refresh();
}

/** @param {State["live"]} live A stroke in progress on the slice in view. */
export function showLive(live) {
  events.emit("live", update({ live }));
}

export function mount() {
  return all([viewer.on("open", open), viewer.on("close", close)]);
}
