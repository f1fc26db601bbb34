// The reader's own mask of the study in view: a base (the AI's mask at a threshold, or a saved version) and the slices
// that were touched since, with every step to take back. The AI's mask itself is never changed.
//
//   overread.correction.change("Brush", [{k, mask}])   one step, of one slice or several
//   overread.correction.on("change", (correction) => ...)
//
// Touched slices are packed (mask_bits.js) and never altered in place, so that whoever holds the map of them, such as
// a draft that is being sent, holds one state. Events: open, close, change (of the mask), loaded (a map that was
// missing), live (a stroke in progress).
window.overread = window.overread || {};

overread.correction = (function () {
  "use strict";

  const listeners = new Map();
  let state = null; // null while no study is open

  function on(name, run) {
    if (!listeners.has(name)) listeners.set(name, new Set());
    listeners.get(name).add(run);
    return () => listeners.get(name).delete(run);
  }

  function emit(name) {
    for (const run of listeners.get(name) || []) run(state);
  }

  // ---- bases ----
  const NO_AI = { result_key: null, threshold: null, operating_point: null, version: null };

  // The AI's mask as it is in view now; an empty one where there is no result.
  function aiBase(now) {
    const { result } = now.study;
    if (!result) return { spec: NO_AI, under: overread.maskSources.ofSlices(now.study, new Map()), ai: null };
    const spec = { result_key: result.key, threshold: overread.threshold.value(now), operating_point: now.calls, version: null };
    const ai = overread.maskSources.ofAi(now, spec);
    return { spec, under: ai, ai };
  }

  // A base that the server described: spec, and the packed masks where the browser cannot make them itself.
  function storedBase(now, spec, { under, ai }) {
    const { ofAi, ofSlices } = overread.maskSources;
    const present = spec.result_key !== null && spec.result_key === now.study.result?.key;
    const own = present ? ofAi(now, spec) : ai && ofSlices(now.study, ai);
    return { spec, under: under ? ofSlices(now.study, under) : own || ofSlices(now.study, new Map()), ai: own || null };
  }

  // ---- state ----
  function open(now) {
    state = { now, base: null, touched: new Map(), done: [], undone: [], steps: 0, live: null, facts: new Map(), reference: overread.maskSources.ofReference(now) };
    emit("open");
    emit("change");
  }

  function close() {
    if (!state) return;
    emit("close");
    state = null;
  }

  // What the reader's mask stands on; before the first step, the AI's mask as it is in view.
  function baseNow() {
    if (state.base) return state.base;
    const { result } = state.now.study;
    const key = result ? `${result.key} ${overread.threshold.value(state.now)} ${state.now.calls}` : "";
    if (state.inView?.key !== key) state.inView = { key, base: aiBase(state.now) };
    return state.inView.base;
  }

  const isTouched = (k) => Boolean(state?.touched.has(k));
  const isThere = () => Boolean(state?.base);

  // The packed mask of a slice; null while it is on its way.
  const bits = (k) => state.touched.get(k) || baseNow().under.bits(k);

  // Whether a slice is known to hold nothing; cheaper than its mask.
  function isEmpty(k) {
    const packed = bits(k);
    return Boolean(packed) && packed.every((byte) => byte === 0);
  }

  // A copy to draw on, one byte a pixel; null while the base is on its way.
  function mask(k) {
    const packed = bits(k);
    return packed && overread.maskBits.unpack(packed, state.now.study.width * state.now.study.height);
  }

  const refresh = () => emit("loaded");

  function fetchBase(k) {
    const session = state;
    return baseNow().under.load(k).then(() => state === session && refresh(), () => {});
  }

  // ---- steps ----
  // A step holds what to flip of each slice, and what the base and all touched slices were where these changed as a whole.
  function push(step) {
    const last = state.done.at(-1);
    if (last?.silent) last.over = 0;
    state.done.push(step);
    state.undone = [];
    changed();
  }

  function changed() {
    state.steps += 1;
    state.live = null;
    emit("change");
  }

  const zeros = () => overread.maskSources.zeros(state.now.study);

  // changes: [{k, mask}], a mask of null takes the slice back to the base's.
  function change(label, changes) {
    const before = state.touched;
    const after = new Map(before);
    const slices = [];
    for (const { k, mask: wanted } of changes) {
      const now = wanted && overread.maskBits.pack(wanted);
      const was = before.get(k) || null;
      const seen = was || baseNow().under.bits(k);
      if (now ? seen && overread.maskBits.equal(seen, now) : !was) continue; // nothing to do there
      slices.push({ k, was: Boolean(was), is: Boolean(now), flips: overread.maskBits.difference(was || zeros(), now || zeros()) });
      if (now) after.set(k, now);
      else after.delete(k);
      state.facts.delete(k);
    }
    if (!slices.length) {
      showLive(null);
      return false;
    }
    const base = baseNow();
    const step = { label, slices, bases: [state.base, base] };
    Object.assign(state, { base, touched: after });
    push(step);
    return true;
  }

  // Another base, with other slices touched: a version, the AI's mask again, the draft of another window.
  function replace(label, base, touched = new Map()) {
    const step = { label, slices: [], bases: [state.base, base], touched: [state.touched, touched] };
    Object.assign(state, { base, touched, facts: new Map() });
    push(step);
  }

  // As it lies on the server: no step to take back.
  function restore(base, touched) {
    Object.assign(state, { base, touched, done: [], undone: [], facts: new Map(), live: null });
    emit("change");
  }

  function apply(step, back) {
    state.base = step.bases[back ? 0 : 1];
    if (step.touched) {
      state.touched = step.touched[back ? 0 : 1];
      state.facts = new Map();
      return;
    }
    const after = new Map(state.touched);
    for (const { k, was, is, flips } of step.slices) {
      const made = overread.maskBits.flip(after.get(k) || zeros(), flips);
      if (back ? was : is) after.set(k, made);
      else after.delete(k);
      state.facts.delete(k);
    }
    state.touched = after;
  }

  // Take back or do again; gives the step, or null where there is none.
  function move(from, to, back) {
    if (!state?.[from].length) return null;
    const step = shift(from, to, back);
    changed();
    return step;
  }

  // Steps of settle() are gone through unseen. One that was made while steps were taken back (over counts them) stands
  // on what these do not know: it goes before the first of them is done again.
  const top = (steps) => steps?.at(-1);

  function shift(from, to, back) {
    const step = state[from].pop();
    state[to].push(step);
    apply(step, back);
    return step;
  }

  function undo() {
    if (state?.done.length > 1 && top(state.done).silent) shift("done", "undone", true);
    return move("done", "undone", true);
  }

  function redo() {
    const settled = top(state?.done);
    if (settled?.silent && settled.over && settled.over === state.undone.length) apply(state.done.pop(), true);
    const step = move("undone", "done", false);
    if (step && top(state.undone)?.silent) shift("undone", "done", false);
    return step;
  }

  // The same mask, standing on the version as which it was saved: no step of the reader's.
  function settle(base) {
    const step = { silent: true, over: state.undone.length, slices: [], bases: [state.base, base], touched: [state.touched, new Map()] };
    state.done.push(step);
    apply(step, false);
    emit("loaded");
  }

  // A stroke in progress on the slice in view: {k, mask}, or null.
  function showLive(live) {
    state.live = live;
    emit("live");
  }

  function mount() {
    const { on: listen } = overread.viewer;
    const removers = [listen("open", open), listen("close", close)];
    return () => removers.forEach((remove) => remove());
  }

  return { on, aiBase, storedBase, baseNow, isTouched, isThere, bits, isEmpty, mask, fetchBase, refresh, change, replace, restore, undo, redo, settle, showLive, mount, get state() { return state; } };
})();
