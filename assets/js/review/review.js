// The review page as a whole: opens the study that the address names, keeps the address up to date.
window.overread = window.overread || {};
window.dash_clientside = window.dash_clientside || {};

overread.review = (function () {
  "use strict";

  const ADDRESS_MS = 250;
  let unmount = null;
  let addressTimer = 0;
  let turn = 0;

  function fail(title, text) {
    forget();
    document.querySelector(".review")?.setAttribute("hidden", "");
    const box = document.getElementById("review-error");
    if (!box) return;
    box.hidden = false;
    document.getElementById("review-error-title").textContent = title;
    document.getElementById("review-error-text").textContent = text;
  }

  function firstSlice(study, wanted) {
    const named = study.indices.indexOf(wanted);
    if (named >= 0) return named;
    const areas = study.result?.slices.map((slice) => slice.mask_area_px) || [];
    const largest = Math.max(0, ...areas);
    return largest > 0 ? areas.indexOf(largest) : Math.floor(study.n / 2);
  }

  function keepAddress({ study, k }) {
    clearTimeout(addressTimer);
    addressTimer = setTimeout(() => {
      if (location.pathname.endsWith("/review")) {
        const query = `?study=${study.study_id}&slice=${study.indices[k]}`;
        history.replaceState(history.state, "", location.pathname + query);
        remember(query);
      }
    }, ADDRESS_MS);
  }

  function remember(query) {
    try {
      sessionStorage.setItem("overread.last", query);
    } catch (error) {
      // the navigation then leads to an empty review page
    }
    window.dash_clientside.set_props("nav-review", { href: `/review${query}` });
  }

  function forget() {
    try {
      sessionStorage.removeItem("overread.last");
    } catch (error) {
      // nothing was remembered
    }
  }

  function mount() {
    unmount?.();
    // React may keep the page's elements from one study to the next: the signal takes our listeners off them again.
    const leaving = new AbortController();
    const parts = ["pointer", "tools", "input", "linked", "planes", "space", "strip", "rail", "corners", "findings", "trust", "leftOut", "measureStore", "bidimensional", "measureTools", "measureList", "measures", "legend", "threshold", "calls", "analysis", "correction", "correctionLayer", "correctionStore", "editTools", "editBar", "correctionPanel", "next", "tour", "touch"];
    const removers = parts.map((name) => overread[name].mount(leaving.signal));
    removers.push(overread.viewer.on("slice", keepAddress), () => leaving.abort());
    unmount = () => removers.forEach((remove) => remove());
  }

  // data: {study_id, slice} from the page's store.
  async function open(data) {
    const mine = ++turn;
    close();
    if (!data?.study_id || !document.querySelector(".review")) return;
    document.querySelector(".review").hidden = false;
    document.getElementById("review-error").hidden = true;
    mount();
    try {
      const study = await overread.studyLoad.get(data.study_id, () => mine === turn);
      if (!study) return;
      document.querySelector(".review").removeAttribute("aria-busy");
      await overread.viewer.open(study, firstSlice(study, data.slice));
    } catch (error) {
      if (mine !== turn) return;
      fail("This study cannot be opened", error.message);
    }
  }

  function close() {
    clearTimeout(addressTimer);
    overread.viewer.close();
    unmount?.();
    unmount = null;
  }

  // Told by shell.js whenever another page comes into view.
  document.addEventListener("overread:page", (event) => {
    if (!event.detail.startsWith("/review")) {
      turn++;
      close();
    }
  });

  window.dash_clientside.overread_review = {
    open: (data) => void open(data) || window.dash_clientside.no_update,
    job: (job) => {
      overread.analysis.update(job);
      return window.dash_clientside.no_update;
    },
  };

  return { open, close, firstSlice };
})();
