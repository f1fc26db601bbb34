// What the buttons and keys of the edit row do to whole slices, and the way back.
window.overread = window.overread || {};

overread.editActions = (function () {
  "use strict";

  const interpolated = new WeakSet(); // packed masks that lie between corrected ones and were not touched since

  const viewer = () => overread.viewer;
  const correction = () => overread.correction;
  const say = (words) => overread.editBar.say(words);

  // The mask of a slice to work on, or null with a sentence why not.
  function maskOf(k) {
    if (overread.correctionStore.isLoading) return say("Your correction is still loading.");
    const mask = correction().mask(k);
    if (mask) return mask;
    void correction().fetchBase(k);
    return say("The mask of this slice is still loading.");
  }

  function shape(label, make) {
    const { k, study } = viewer().now;
    const mask = maskOf(k);
    if (mask && !correction().change(label, [{ k, mask: make(mask, overread.editTools.size(study)) }])) say("There is nothing to change on this slice.");
  }

  function copy(direction) {
    const { k, study } = viewer().now;
    const to = k + direction;
    if (to < 0 || to >= study.n) return say(direction > 0 ? "This is the last slice." : "This is the first slice.");
    const mask = maskOf(k);
    if (!mask) return null;
    correction().change(`Copy of slice ${k + 1}`, [{ k: to, mask }]);
    return viewer().goTo(to);
  }

  // Slices that were corrected by hand, in order.
  function corrected() {
    const { touched } = correction().state;
    return [...touched.keys()].filter((k) => !interpolated.has(touched.get(k))).sort((a, b) => a - b);
  }

  // The gaps around a slice, between the corrected slices nearest to it: [[from, to], ...], both ends corrected.
  function gaps(slices, k) {
    const found = [];
    slices.forEach((to, i) => {
      const from = slices[i - 1];
      if (i > 0 && to - from > 1 && from <= k && k <= to) found.push([from, to]);
    });
    return found;
  }

  function interpolate() {
    const { now } = viewer();
    if (overread.correctionStore.isLoading) return say("Your correction is still loading.");
    const around = gaps(corrected(), now.k);
    if (!around.length) return say("Correct a slice below and one above first, with others between them.");
    const changes = [];
    let empty = false;
    for (const [from, to] of around) {
      const count = to - from - 1;
      const shares = Array.from({ length: count }, (_, i) => (i + 1) / (count + 1));
      const masks = overread.maskShapes.between(correction().mask(from), correction().mask(to), overread.editTools.size(now.study), shares);
      masks.forEach((mask, i) => changes.push({ k: from + 1 + i, mask }));
      empty ||= masks.some((mask) => !mask.includes(1));
    }
    correction().change("Interpolation", changes);
    const { touched } = correction().state;
    for (const { k } of changes) if (touched.has(k)) interpolated.add(touched.get(k));
    const [first, last] = [changes[0].k + 1, changes.at(-1).k + 1];
    const words = first === last ? `Slice ${first} was interpolated.` : `Slices ${first} to ${last} were interpolated.`;
    return say(empty ? `${words} Where the two outlines lie apart, nothing is between them.` : words);
  }

  const clear = () => shape("Clear", (mask) => new Uint8Array(mask.length));

  // The slice as the AI outlined it, at the threshold from which the correction began.
  async function again() {
    const { k, study } = viewer().now;
    const { state } = correction();
    const base = correction().baseNow();
    if (!base.ai) return say("There is no AI mask of this study.");
    if (base.under === base.ai) {
      if (!correction().change("AI's mask again", [{ k, mask: null }])) say("This slice is as the AI outlined it.");
      return null;
    }
    const bits = await base.ai.load(k).catch(() => null);
    if (!bits || correction().state !== state) return say("The AI's mask of this slice could not be loaded.");
    correction().change("AI's mask again", [{ k, mask: overread.maskBits.unpack(bits, study.width * study.height) }]);
    return null;
  }

  // Where a step happened comes into view.
  function back(step, word) {
    if (!step) return say(word === "Undone" ? "There is nothing to undo." : "There is nothing to redo.");
    const slices = step.slices.map(({ k }) => k);
    const { now } = viewer();
    if (slices.length && !slices.includes(now.k)) viewer().goTo(slices[0]);
    const where = slices.length > 1 ? `, ${slices.length} slices` : slices.length ? `, slice ${slices[0] + 1}` : "";
    return say(`${word}: ${step.label}${where}.`);
  }

  return {
    grow: () => shape("Grow", overread.maskShapes.grow),
    shrink: () => shape("Shrink", overread.maskShapes.shrink),
    "copy-next": () => copy(1),
    "copy-previous": () => copy(-1),
    interpolate,
    clear,
    again,
    undo: () => back(correction().undo(), "Undone"),
    redo: () => back(correction().redo(), "Redone"),
    gaps,
  };
})();
