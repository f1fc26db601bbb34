// Diameters of the lesions, and what each mask threshold takes in: fetched once for a result, from an address that
// names it. Emits "measures" when they are there.
window.overread = window.overread || {};

overread.measures = (function () {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const RETRIES = [1000, 3000, 8000];

  async function fetchFor(session, tries) {
    const { result } = session.study;
    const isWanted = () => overread.viewer.now === session && session.study.result === result;
    try {
      const response = await fetch(result.measures_url);
      if (!response.ok) throw new Error(`status ${response.status}`);
      const measures = await response.json();
      if (isWanted()) overread.viewer.setMeasures(measures);
    } catch (error) {
      if (!isWanted()) return;
      byId("finding-rano").hidden = false;
      byId("finding-measurable").textContent = "The diameters could not be loaded. Trying again.";
      setTimeout(() => isWanted() && fetchFor(session, tries + 1), RETRIES[Math.min(tries, RETRIES.length - 1)]);
    }
  }

  const length = (value, unit) => (unit === "mm" ? value.toFixed(value < 10 ? 1 : 0) : value.toFixed(0));

  // "56 × 55 mm", a button that goes to the slice, and the criterion's own words.
  function show(now) {
    const { measures, study } = now;
    const lesion = measures?.lesions[0];
    const own = !overread.threshold.isShipped(now); // then the mask in view is another one
    byId("finding-diameters-line").hidden = !lesion || own;
    byId("finding-rano").hidden = !lesion;
    if (!lesion) return;
    const { unit, lesions, notes } = measures;
    byId("finding-diameters").textContent = [lesion.longest, lesion.perpendicular].map((line) => length(line.length, unit)).join(" × ");
    byId("finding-diameters-unit").textContent = unit === "mm" ? " mm" : " pixels";
    const which = lesions.length > 1 ? `Largest of ${lesions.length} lesions` : "One lesion";
    const words = `${which}, longest diameter and longest perpendicular, on slice ${lesion.k + 1}`;
    byId("finding-diameters-line").setAttribute("aria-label", `${byId("finding-diameters").textContent} ${unit}: go to slice ${lesion.k + 1} of ${study.n}`);
    byId("finding-diameters-line").title = `${words}. Click to go there.`;
    byId("finding-measurable").textContent = own ? "Diameters are measured at the shipped threshold only." : `RANO 2.0: ${lesion.reason}`;
    byId("finding-notes").replaceChildren(...[`${words}.`, ...notes].map((textContent) => Object.assign(document.createElement("p"), { className: "finding-text", textContent })));
  }

  function mount(signal) {
    const begin = (session) => {
      show(session);
      if (session.study.result?.measures_url) fetchFor(session, 0);
    };
    byId("finding-diameters-line").addEventListener("click", (event) => {
      if (event.detail) event.currentTarget.blur();
      const lesion = overread.viewer.now?.measures?.lesions[0];
      if (lesion) overread.viewer.goTo(lesion.k);
    }, { signal });
    const { on } = overread.viewer;
    const removers = [on("open", begin), on("result", begin), on("measures", show), on("threshold", show)];
    return () => removers.forEach((remove) => remove());
  }

  return { mount };
})();
