// Which slices are called: those whose slice score reaches the operating point. The reader may move it here in the
// browser; null stands for the shipped one. Slices that change are marked on the strip.
window.overread = window.overread || {};

overread.calls = (function () {
  "use strict";

  const LOWEST = 0.01, HIGHEST = 0.99, STEP = 0.05;
  const byId = (id) => document.getElementById(id);

  const shipped = (now) => now.study.result.threshold;
  const isShipped = (now) => now.calls === null;
  const value = (now) => (isShipped(now) ? shipped(now) : now.calls);

  // Whether a slice of a result is called from an operating point; null stands for the shipped one.
  const reaches = (slice, point) => (point === null ? slice.tumor : slice.tumor_probability >= point);

  function isCalled(now, k) {
    const slice = now.study.result?.slices[k];
    return Boolean(slice) && reaches(slice, now.calls);
  }

  // 1 where a slice is called now and was not, -1 the other way round, else 0.
  const change = (now, k) => (now.study.result && !isShipped(now) ? Number(isCalled(now, k)) - Number(now.study.result.slices[k].tumor) : 0);

  function set(wanted) {
    const { now } = overread.viewer;
    if (!now?.study.result || !now.measures) return;
    const inside = wanted === null ? null : Math.min(HIGHEST, Math.max(LOWEST, Math.round(wanted * 100) / 100));
    overread.viewer.display({ calls: inside === null || Math.abs(inside - shipped(now)) < 0.005 ? null : inside });
  }

  const move = (direction) => overread.viewer.now?.study.result && set(value(overread.viewer.now) + direction * STEP);

  const counted = (slices) => `${slices} ${slices === 1 ? "slice" : "slices"}`;

  // "12 of 34 slices are called: 2 more, 1 fewer than at the shipped operating point."
  function words(now) {
    const { study } = now;
    const changes = study.result.slices.map((_, k) => change(now, k));
    const called = changes.filter((_, k) => isCalled(now, k)).length;
    const more = changes.filter((c) => c > 0).length, fewer = changes.filter((c) => c < 0).length;
    const moved = [more && `${more} more`, fewer && `${fewer} fewer`].filter(Boolean).join(", ");
    return `${called} of ${counted(study.n)} reach it${isShipped(now) ? "" : `: ${moved || "no other ones"} than at the shipped ${shipped(now).toFixed(2)}`}.`;
  }

  function show(now) {
    const ready = Boolean(now.study.result && now.measures);
    byId("findings-calls").hidden = !ready;
    byId("strip-changed").hidden = true;
    if (!ready) return;
    const own = !isShipped(now);
    byId("calls-value").textContent = value(now).toFixed(2);
    const slider = byId("viewer-calls");
    slider.value = value(now);
    slider.setAttribute("aria-valuetext", `${value(now).toFixed(2)}${own ? ", not the shipped operating point" : ", the shipped operating point"}`);
    byId("viewer-calls-shipped").disabled = !own;
    byId("calls-words").textContent = words(now);
    byId("strip-changed").hidden = !now.study.result.slices.some((_, k) => change(now, k));
  }

  function mount() {
    const { on } = overread.viewer;
    const removers = ["open", "result", "measures", "threshold"].map((name) => on(name, show));
    return () => removers.forEach((remove) => remove());
  }

  return { LOWEST, HIGHEST, shipped, isShipped, value, reaches, isCalled, change, set, move, mount };
})();
