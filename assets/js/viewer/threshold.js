// The mask's threshold: mask, areas, volume and Dice follow the slider here in the browser, from the probability maps
// that it has and from the tables of measures.js. null stands for the shipped threshold.
window.overread = window.overread || {};

overread.threshold = (function () {
  "use strict";

  const LOWEST = 0.05, HIGHEST = 0.95, STEP = 0.05;
  const BAND = [0.3, 0.7]; // as in pipeline/analysis/outline_facts.py
  const byId = (id) => document.getElementById(id);

  // Smallest stored value in 1..255 that belongs to the mask, as pipeline/measurement/mask_levels.py has it.
  const toLevel = (value) => Math.max(1, Math.ceil(value * 255));
  const shipped = (now) => now.study.result.mask_threshold;
  const isShipped = (now) => now.threshold === null;
  const value = (now) => (isShipped(now) ? shipped(now) : now.threshold);
  const level = (now) => toLevel(value(now));

  // Whether mask and calls are as they were shipped; then the result's own numbers are told.
  const isUnchanged = (now) => isShipped(now) && overread.calls.isShipped(now);

  // Pixels that reach the threshold on one slice, and those of the mask, which is empty where a slice is not called.
  const covered = (now, k) => now.measures?.areas[k]?.[level(now)] ?? 0;
  function area(now, k) {
    if (isUnchanged(now)) return now.study.result.slices[k].mask_area_px;
    return overread.calls.isCalled(now, k) ? covered(now, k) : 0;
  }

  const sum = (now, rows, at) => rows.reduce((total, row, k) => total + (row && overread.calls.isCalled(now, k) ? row[at] : 0), 0);

  // Dice against the reference on one slice; null where both are empty.
  function dice(now, k) {
    if (isUnchanged(now)) return now.study.result.slices[k].dice ?? null;
    const both = overread.calls.isCalled(now, k) ? (now.measures.overlap[k]?.[level(now)] ?? 0) : 0;
    return overread.amounts.dice(both, area(now, k), now.measures.reference_px[k]);
  }

  function volumeDice(now, at) {
    const { areas, overlap, reference_px: reference } = now.measures;
    return overread.amounts.dice(sum(now, overlap, at), sum(now, areas, at), reference.reduce((total, area) => total + area, 0));
  }

  // An address of what belongs to the AI's mask in view, as the server answers it: {mask} is its level, and where slices
  // are called from another operating point, 100 x that.
  function address(now, template) {
    const calls = overread.calls.isShipped(now) ? "" : `/${Math.round(100 * now.calls)}`;
    return template.replace("{mask}", `${level(now)}${calls}`);
  }

  // Voxels of the mask at a threshold.
  const voxels = (now, threshold) => sum(now, now.measures.areas, toLevel(threshold));

  function set(wanted) {
    const { now } = overread.viewer;
    if (!now?.study.result || !now.measures) return;
    const inside = wanted === null ? null : Math.min(HIGHEST, Math.max(LOWEST, Math.round(wanted * 100) / 100));
    const same = inside === null || toLevel(inside) === toLevel(shipped(now));
    overread.viewer.display({ threshold: same ? null : inside });
  }

  const move = (direction) => overread.viewer.now?.study.result && set(value(overread.viewer.now) + direction * STEP);

  function stability(now) {
    const [larger, smaller] = BAND.map((threshold) => voxels(now, threshold));
    if (!larger) return "Even at 0.3 the mask is empty.";
    const { dice: diceOf, volumeMl, volumeParts } = overread.amounts;
    const [[low, unit], [high]] = [larger, smaller].map((number) => volumeParts(number, volumeMl(number, now.study)));
    const agree = diceOf(smaller, larger, smaller).toFixed(2);
    return `From 0.3 to 0.7 the volume goes from ${low} to ${high} ${unit}; the two masks have a Dice of ${agree} with each other.`;
  }

  function show(now) {
    const { study, measures } = now;
    const ready = Boolean(study.result && measures);
    byId("findings-threshold").hidden = !ready;
    for (const id of ["threshold-badge", "finding-expected-shipped"]) byId(id).hidden = true;
    if (!ready) return;
    const own = !isShipped(now);
    byId("threshold-value").textContent = value(now).toFixed(2);
    const slider = byId("viewer-threshold");
    slider.value = value(now);
    slider.setAttribute("aria-valuetext", `${value(now).toFixed(2)}${own ? ", not the shipped threshold" : ", the shipped threshold"}`);
    byId("viewer-threshold-shipped").disabled = !own;
    byId("threshold-band").textContent = stability(now);
    const found = measures.overlap ? volumeDice(now, level(now)) : null;
    byId("threshold-dice").textContent = found === null ? "" : `Dice with the reference outline, whole volume: ${found.toFixed(2)}.`;
    const network = study.result.network_mask_threshold;
    const isLowered = network !== null && toLevel(shipped(now)) < toLevel(network);
    byId("threshold-origin").hidden = !isLowered;
    byId("threshold-origin").textContent = isLowered ? `${shipped(now).toFixed(2)} was chosen for this study: lowered from ${network.toFixed(2)}, as its outline is unsure.` : "";
    byId("threshold-notice").hidden = !own;
    byId("threshold-notice").textContent = `${moved("threshold", overread.threshold, now)}. Mask, areas, diameters, volume and Dice follow the slider; slice scores do not.`;
    warn(now);
  }

  // "Not the shipped threshold: 0.30 instead of 0.45"
  const moved = (what, slider, now) => `Not the shipped ${what}: ${slider.value(now).toFixed(2)} instead of ${slider.shipped(now).toFixed(2)}`;

  // What does not hold while either slider is moved: over the image, and by the Dice that was learned at the shipped ones.
  function warn(now) {
    const sliders = [["threshold", overread.threshold], ["operating point", overread.calls]];
    const lines = sliders.filter(([, slider]) => !slider.isShipped(now)).map(([what, slider]) => moved(what, slider, now));
    byId("threshold-badge").hidden = !lines.length;
    byId("threshold-badge").textContent = lines.join("\n");
    byId("finding-expected-shipped").hidden = !lines.length;
  }

  function mount() {
    const { on } = overread.viewer;
    const removers = ["open", "result", "measures", "threshold"].map((name) => on(name, show));
    return () => removers.forEach((remove) => remove());
  }

  return { BAND, LOWEST, HIGHEST, toLevel, shipped, value, isShipped, isUnchanged, level, address, covered, area, dice, voxels: (now) => voxels(now, value(now)), set, move, mount };
})();
