// @ts-check
/**
 * The reader's own mask of the study in view: a base (the AI's mask at a threshold, or a saved
 * version) and the slices that were touched since, with every step to take back. The AI's mask
 * itself is never changed.
 *
 *     correction.change("Brush", [{k, mask}])   one step, of one slice or several
 *
 * Touched slices are packed (mask_bits.js) and never altered in place: a map of them that is held,
 * as while a draft is being sent, stays one state.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Source } from "./mask_sources.js" */

import { all, Events } from "../frame/events.js";
import * as threshold from "../viewer/threshold.js";
import * as viewer from "../viewer/viewer.js";
import * as maskBits from "./mask_bits.js";
import * as maskSources from "./mask_sources.js";

/**
 * What a mask stands on, as the server stores it.
 *
 * @typedef {object} Spec
 * @property {string | null} result_key
 * @property {number | null} threshold Of the mask.
 * @property {number | null} operating_point Null for the shipped one.
 * @property {number | null} version A saved version.
 */

/**
 * @typedef {object} Base
 * @property {Spec} spec
 * @property {Source} under The mask itself.
 * @property {Source | null} ai The AI's mask that it began from.
 */

/** @typedef {ReadonlyMap<number, Uint8Array>} Slices Packed masks by position. */

/**
 * What a step changes: what to flip of each slice, and what the base and all touched slices were
 * where these changed as a whole (before, after).
 *
 * @typedef {object} Step
 * @property {string} label
 * @property {readonly { k: number, was: boolean, is: boolean, flips: Uint8Array }[]} slices
 * @property {readonly [Base | null, Base | null]} bases
 * @property {readonly [Slices, Slices]} [touched]
 * @property {boolean} [silent] Gone through unseen (`settle`).
 * @property {number} [over] Steps that were taken back when a silent one was made.
 */

/**
 * Only this module writes it.
 *
 * @typedef {object} State
 * @property {Session} now
 * @property {Base | null} base Null before the first step.
 * @property {Slices} touched
 * @property {readonly Step[]} done
 * @property {readonly Step[]} undone
 * @property {number} steps How many there were, in any direction.
 * @property {{ k: number, mask: Uint8Array } | null} live A stroke in progress.
 * @property {Source | null} reference
 */

/** @type {State | null} null while no study is open */
export let state = null;
/** @type {{ key: string, base: Base }} the AI's mask as it is in view */
let inView = { key: "", base: /** @type {any} */ (null) };

/**
 * open, close, change (of the mask), loaded (a map that was missing), live (a stroke in progress).
 *
 * @type {Events<"open" | "close" | "change" | "loaded" | "live", State>}
 */
const events = new Events();
/** Listens to what happens to the correction of the study in view. */
export const { on } = events;

/** The correction of the study in view; fails where none is open. */
export function opened() {
  if (!state) throw new Error("No study is open.");
  return state;
}

// ---- bases ----
/** @type {Spec} */
const NO_AI = { result_key: null, threshold: null, operating_point: null, version: null };

/**
 * The AI's mask as it is in view now; an empty one where there is no result.
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
    operating_point: now.calls,
    version: null,
  };
  const ai = maskSources.ofAi(now, result, spec.threshold, spec.operating_point);
  return { spec, under: ai, ai };
}

/**
 * A base that the server described.
 *
 * @param {Session} now
 * @param {Spec} spec
 * @param {{ under?: Slices | null, ai?: Slices | null }} masks Where the browser cannot make them.
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

/** What the reader's mask stands on; before the first step, the AI's mask as it is in view. */
export function baseNow() {
  const { base, now } = opened();
  if (base) return base;
  const { result } = now.study;
  const key = `${now.study.study_id} ${result?.key} ${result && threshold.value(now)} ${now.calls}`;
  if (inView.key !== key) inView = { key, base: aiBase(now) };
  return inView.base;
}

/** @param {number} k */
export const isTouched = (k) => Boolean(state?.touched.has(k));

/** Whether there is a mask of the reader's. */
export const isThere = () => Boolean(state?.base);

/**
 * The packed mask of a slice; null while it is on its way.
 *
 * @param {number} k
 */
export const bits = (k) => opened().touched.get(k) ?? baseNow().under.bits(k);

/**
 * Whether a slice is known to hold nothing; cheaper than its mask.
 *
 * @param {number} k
 */
export function isEmpty(k) {
  const packed = bits(k);
  return Boolean(packed?.every((byte) => byte === 0));
}

/**
 * A copy to draw on, one byte a pixel; null while the base is on its way.
 *
 * @param {number} k
 */
export function mask(k) {
  const packed = bits(k);
  const { width, height } = opened().now.study;
  return packed && maskBits.unpack(packed, width * height);
}

/** A map that was missing is there. */
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
 * One step of the reader's.
 *
 * @param {string} label
 * @param {readonly { k: number, mask: Uint8Array | null }[]} changes A mask of null takes the slice
 *   back to the base's.
 * @returns {boolean} Whether anything was changed.
 */
export function change(label, changes) {
  const mine = opened();
  const before = mine.touched;
  const after = new Map(before);
  const zeros = maskSources.zeros(mine.now.study);
  const slices = [];
  for (const { k, mask: wanted } of changes) {
    const now = wanted && maskBits.pack(wanted);
    const was = before.get(k) ?? null;
    const seen = was ?? baseNow().under.bits(k);
    if (now ? seen && maskBits.equal(seen, now) : !was) continue; // nothing to do there
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
 * Another base, with other slices touched: a version, the AI's mask again, the draft of another
 * window.
 *
 * @param {string} label
 * @param {Base} base
 * @param {Slices} [touched]
 */
export function replace(label, base, touched = new Map()) {
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
 * As it is stored on the server: no step to take back.
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

/** Takes back the last step, or does again the last that was taken back; returns it, or null. */
function move(/** @type {boolean} */ back) {
  if (!state || !(back ? state.done : state.undone).length) return null;
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

// Steps of settle() are gone through unseen. One that was made while steps were taken back (`over`
// counts them) stands on what these do not know: it goes before the first of them is done again.
/** Takes the last step back; returns it, or null. */
export function undo() {
  if (state && state.done.length > 1 && state.done.at(-1)?.silent) shift(true);
  return move(true);
}

/** Does the last step again that was taken back; returns it, or null. */
export function redo() {
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
 * The same mask, standing on the version as which it was saved: no step of the reader's.
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
