// The legend over the image: shown while a map is, in words, and saying so where the slice has nothing to show.
window.overread = window.overread || {};

overread.legend = (function () {
  "use strict";

  const byId = (id) => document.getElementById(id);

  function note(now) {
    const { study: { result, reference_url: reference }, show, k } = now;
    const slice = result.slices[k];
    if (show.map === "attention" && slice.outline_evidence === null) return "The classifier's score is too low here.";
    if (show.map !== "difference") return slice.outline_evidence === null ? "Nothing was outlined on this slice." : "";
    return reference && !overread.calls.isCalled(now, k) ? "This slice is not called: the AI's mask is empty." : "";
  }

  function update(now) {
    const { show, study } = now;
    const seen = Boolean(study.result) && show.map !== "none" && !show.hidden;
    byId("map-legend").hidden = !seen;
    for (const name of [...overread.maps.RAMPED, "difference"]) {
      byId(`map-legend-${name}`).hidden = show.map !== name;
      byId(`viewer-map-${name}`).setAttribute("aria-pressed", String(show.map === name));
      byId(`viewer-map-${name}`).disabled = !study.result || (name === "difference" && !study.reference_url);
    }
    byId("viewer-map-difference").title = study.reference_url ? "" : "This study has no reference outline";
    byId("map-legend-note").textContent = seen ? note(now) : "";
  }

  function mount() {
    for (const name of overread.maps.RAMPED) document.querySelector(`.map-scale--${name}`).style.background = overread.maps.gradient(name);
    const removers = ["open", "result", "display", "slice", "threshold"].map((name) => overread.viewer.on(name, update));
    return () => removers.forEach((remove) => remove());
  }

  return { mount };
})();
