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

  // The largest lesion's diameters on the AI's mask ("ai") or the corrected one ("own"): {item, isAi, lesion}; null while
  // there are none.
  const main = (now, which) => overread.bidimensional.all(now, which).find(({ lesion }) => lesion?.number === 1) || null;

  // "56 × 55" and its unit.
  function sizes({ measures: { unit }, study }, one) {
    const lines = [one.item.points.slice(0, 2), one.item.points.slice(2)];
    const lengths = one.isAi ? [one.lesion.longest.length, one.lesion.perpendicular.length] : lines.map(([a, b]) => overread.geometry.distance(a, b, overread.measureShapes.spacing(study)));
    return [lengths.map((value) => length(value, unit)).join(" × "), unit === "mm" ? " mm" : " pixels"];
  }

  // The criterion's own words; "" while there are none yet.
  function rano(now, which, one) {
    const reason = overread.bidimensional.reason(now, which, one);
    return reason && `RANO 2.0: ${reason}`;
  }

  // The AI's, whatever the reader has corrected: "56 × 55 mm", a button that goes to the slice, the criterion's own words.
  function show(now) {
    if (!now || now !== overread.viewer.now) return;
    const { measures } = now;
    const one = measures && main(now, "ai");
    const failed = overread.bidimensional.sentence("ai"), isLate = overread.bidimensional.isLate("ai");
    byId("finding-diameters-line").hidden = !one;
    for (const id of ["finding-diameters-line", "finding-measurable"]) byId(id).setAttribute("aria-busy", String(isLate));
    byId("finding-rano").hidden = !measures || !(one || isLate || failed);
    byId("diameters-own").hidden = !one || one.isAi;
    if (one) tell(now, one);
    else byId("finding-measurable").textContent = failed ? `The diameters of this mask could not be measured. ${failed}` : "Measuring the mask in view.";
  }

  function tell(now, one) {
    const { measures: { unit }, study } = now, { item } = one;
    const [size, unitWords] = sizes(now, one);
    byId("finding-diameters").textContent = size;
    byId("finding-diameters-unit").textContent = unitWords;
    const count = overread.bidimensional.lesions(now, "ai").length;
    const which = count > 1 ? `Largest of ${count} lesions` : "One lesion";
    // On another slice its longest diameter may be longer: say by what this one was chosen.
    const place = `slice ${item.k + 1}`;
    const words = one.isAi ? `${which}: longest diameter and longest perpendicular on ${place}, where their product is largest` : `${which}: diameters as the reader changed them, on ${place}`;
    byId("finding-diameters-line").setAttribute("aria-label", `${size} ${unit}: go to slice ${item.k + 1} of ${study.n}`);
    byId("finding-diameters-line").title = `${words}. Click to go there.`;
    byId("finding-diameters-line").dataset.k = item.k;
    tellSlice(now);
    byId("finding-measurable").textContent = rano(now, "ai", one) || "Measuring the diameters.";
    byId("finding-notes").replaceChildren(...[`${words}.`, ...overread.bidimensional.notes(now, "ai")].map((textContent) => Object.assign(document.createElement("p"), { className: "finding-text", textContent })));
  }

  // Over the unit: which slice the diameters are of, while another one is in view; or that they are not yet the mask's.
  function tellSlice(now) {
    const k = Number(byId("finding-diameters-line").dataset.k);
    const slice = k === now.k ? "" : `slice ${k + 1}`;
    byId("finding-diameters-unit").dataset.slice = overread.bidimensional.isLate("ai") ? "measuring" : slice;
  }

  // Of the corrected mask: {size: and slice, criterion: in its own words, isLate}, "" where there are none.
  function ofCorrection(now) {
    const { corrected, sentence, isLate } = overread.bidimensional;
    const one = now.measures && corrected() && main(now, "own");
    if (sentence("own")) return { size: "could not be measured", criterion: sentence("own"), isLate: false };
    if (!one) return { size: isLate("own") ? "measuring" : "", criterion: "", isLate: false };
    const size = `${sizes(now, one).join("")}, slice ${one.item.k + 1}${one.isAi ? "" : ", changed by hand"}`;
    return { size, criterion: rano(now, "own", one), isLate: isLate("own") };
  }

  function mount(signal) {
    const begin = (session) => {
      show(session);
      if (session.study.result?.measures_url) fetchFor(session, 0);
    };
    byId("finding-diameters-line").addEventListener("click", (event) => {
      if (event.detail) event.currentTarget.blur();
      const { now } = overread.viewer;
      const one = now?.measures && main(now, "ai");
      if (one) overread.viewer.goTo(one.item.k);
    }, { signal });
    byId("diameters-back").addEventListener("click", () => {
      const one = main(overread.viewer.now, "ai");
      if (one && !one.isAi) overread.measureStore.change(one.item.id, null);
    }, { signal });
    const { on } = overread.viewer;
    const removers = [on("open", begin), on("result", begin), on("measures", show), on("slice", tellSlice), overread.bidimensional.on(show), overread.correction.on("change", () => show(overread.viewer.now))];
    return () => removers.forEach((remove) => remove());
  }

  return { mount, ofCorrection };
})();
