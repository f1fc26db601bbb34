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

  // The largest lesion's diameters in view: {item, isAi, lesion}; null while there are none.
  const main = (now) => overread.bidimensional.all(now).find(({ lesion }) => lesion?.number === 1) || null;

  // "56 × 55 mm", a button that goes to the slice, and the criterion's own words.
  function show(now) {
    if (!now || now !== overread.viewer.now) return;
    const { measures } = now;
    const one = measures && main(now);
    byId("finding-diameters-line").hidden = !one;
    byId("finding-rano").hidden = !measures || !(one || overread.bidimensional.isLate || overread.bidimensional.hasFailed);
    byId("diameters-own").hidden = !one || one.isAi;
    if (one) tell(now, one);
    else byId("finding-measurable").textContent = overread.bidimensional.hasFailed ? "The diameters of this mask could not be measured." : "Measuring the mask in view.";
  }

  function tell(now, one) {
    const { measures: { unit }, study } = now, { lesion, item } = one;
    const lines = [item.points.slice(0, 2), item.points.slice(2)];
    const lengths = one.isAi ? [lesion.longest.length, lesion.perpendicular.length] : lines.map(([a, b]) => overread.geometry.distance(a, b, overread.measureShapes.spacing(study)));
    byId("finding-diameters").textContent = lengths.map((value) => length(value, unit)).join(" × ");
    byId("finding-diameters-unit").textContent = unit === "mm" ? " mm" : " pixels";
    const count = overread.bidimensional.lesions(now).length;
    const which = count > 1 ? `Largest of ${count} lesions` : "One lesion";
    const what = one.isAi ? "longest diameter and longest perpendicular" : "diameters as the reader changed them";
    const words = `${which}, ${what}, on slice ${item.k + 1}`;
    byId("finding-diameters-line").setAttribute("aria-label", `${byId("finding-diameters").textContent} ${unit}: go to slice ${item.k + 1} of ${study.n}`);
    byId("finding-diameters-line").title = `${words}. Click to go there.`;
    const whose = one.isAi && overread.bidimensional.corrected() ? "Diameters of your corrected mask. " : "";
    byId("finding-measurable").textContent = `${whose}RANO 2.0: ${one.isAi ? lesion.reason : overread.bidimensional.judge(one, now).reason}`;
    byId("finding-notes").replaceChildren(...[`${words}.`, ...notes(now)].map((textContent) => Object.assign(document.createElement("p"), { className: "finding-text", textContent })));
  }

  // What belongs to the figures: of another mask than the AI's at the shipped threshold, that too.
  function notes(now) {
    const { measures } = now, { left } = overread.bidimensional;
    if (overread.bidimensional.isShipped(now)) return measures.notes;
    const of = overread.bidimensional.corrected() ? "Measured on your corrected mask." : "Measured on the mask in view, not on that of the shipped threshold.";
    return [of, ...(left ? [`${left} smaller lesions were not measured.`] : []), ...measures.cautions];
  }

  function mount(signal) {
    const begin = (session) => {
      show(session);
      if (session.study.result?.measures_url) fetchFor(session, 0);
    };
    byId("finding-diameters-line").addEventListener("click", (event) => {
      if (event.detail) event.currentTarget.blur();
      const { now } = overread.viewer;
      const one = now?.measures && main(now);
      if (one) overread.viewer.goTo(one.item.k);
    }, { signal });
    byId("diameters-back").addEventListener("click", () => {
      const one = main(overread.viewer.now);
      if (one && !one.isAi) overread.measureStore.change(one.item.id, null);
    }, { signal });
    const { on } = overread.viewer;
    const removers = [on("open", begin), on("result", begin), on("measures", show), overread.bidimensional.on(show)];
    return () => removers.forEach((remove) => remove());
  }

  return { mount };
})();
