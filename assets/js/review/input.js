// Keys and buttons of the viewer, and its sliders. Wheel and drags are in pointer.js.
window.overread = window.overread || {};

overread.input = (function () {
  "use strict";

  const HELD_MS = 300;

  const viewer = () => overread.viewer;
  const state = () => overread.viewer.now;
  const byId = (id) => document.getElementById(`viewer-${id}`);

  function fullRange() {
    const { study } = state();
    const top = study.pixel_type === "uint16" ? 65535 : 255;
    const ends = study.value_range?.[state().channel] || [study.intercept, top * study.slope + study.intercept];
    viewer().display({ window: { low: Math.min(...ends), high: Math.max(...ends) } });
  }

  function autoWindow() {
    const stored = viewer().pixelsInView();
    const { width, slope, intercept } = state().study;
    if (stored) viewer().display({ window: overread.greyscale.autoWindow(stored, width, slope, intercept) });
  }

  function reset() {
    overread.pointer.homeWindow();
    viewer().display({ invert: false });
    state().screen?.reset();
  }

  const flip = (name) => viewer().display({ show: { [name]: !state().show[name] } });
  const map = (name) => viewer().display({ show: { map: state().show.map === name ? "none" : name } });
  const invert = () => viewer().display({ invert: !state().invert });

  // Says why where there is nowhere to go.
  function nextConflict({ study: { result }, k }) {
    if (!result) return overread.planes.tell("This study has no result yet, and so no conflicts.");
    const found = result.slices.flatMap((slice, j) => (viewer().isConflict(slice) ? [j] : []));
    if (!found.length) return overread.planes.tell("Classifier and outline contradict each other on no slice.");
    if (found.length === 1 && found[0] === k) return overread.planes.tell("This slice is the only one on which classifier and outline contradict each other.");
    return viewer().goToConflict(1);
  }

  // Show or hide the rail or the findings where the window is too narrow for them.
  function fold(name, wanted) {
    const page = document.querySelector(".review");
    const open = page.classList.toggle(`review--${name}`, wanted);
    byId(`toggle-${name}`).setAttribute("aria-pressed", String(open));
    if (open) document.getElementById(name).querySelector("button, a, summary")?.focus();
  }

  const BUTTONS = {
    "show-ai": () => flip("ai"),
    "show-reference": () => flip("reference"),
    fill: () => flip("fill"),
    "hide-all": () => flip("hidden"),
    "show-diameters": () => flip("diameters"),
    "map-probability": () => map("probability"),
    "map-uncertainty": () => map("uncertainty"),
    "map-difference": () => map("difference"),
    "map-attention": () => map("attention"),
    invert,
    "window-auto": autoWindow,
    "window-full": fullRange,
    reset,
    "next-lesion": () => viewer().goToLesion(1),
    "next-conflict": () => nextConflict(state()),
    "threshold-shipped": () => overread.threshold.set(null),
    "calls-shipped": () => overread.calls.set(null),
    retry: () => viewer().retry(),
    "toggle-rail": () => fold("rail"),
    "toggle-findings": () => fold("findings"),
    "close-findings": () => fold("findings", false),
  };

  function showState() {
    const { show } = state();
    const press = (id, on) => byId(id)?.setAttribute("aria-pressed", String(on));
    press("show-ai", show.ai);
    press("show-reference", show.reference);
    press("fill", show.fill);
    press("hide-all", show.hidden);
    press("show-diameters", show.diameters);
    press("invert", state().invert);
    const { result, reference_url: reference } = state().study;
    for (const id of ["show-ai", "fill"]) byId(id).disabled = !result;
    byId("show-reference").disabled = !reference;
    byId("show-reference").title = reference ? "" : "This study has no reference outline";
    const hasMap = show.map !== "none";
    byId("opacity").disabled = !(show.fill || hasMap) || !result;
    byId("opacity").value = 100 * (hasMap ? show.mapOpacity : show.opacity);
    document.querySelector(".legend").classList.toggle("legend--hidden", show.hidden);
  }

  let spaceAt = 0;

  const go = (run) => () => state() && run(state());
  const step = (by) => go(({ k }) => viewer().goTo(k + by));

  const KEYS = [
    { id: "slice.next", key: "ArrowDown", label: "Next slice", repeat: true, run: step(1) },
    { id: "slice.previous", key: "ArrowUp", label: "Previous slice", repeat: true, run: step(-1) },
    { id: "slice.next-right", key: "ArrowRight", repeat: true, run: step(1) },
    { id: "slice.previous-left", key: "ArrowLeft", repeat: true, run: step(-1) },
    { id: "slice.ten-on", key: "PageDown", label: "Ten slices on", repeat: true, run: step(10) },
    { id: "slice.ten-back", key: "PageUp", label: "Ten slices back", repeat: true, run: step(-10) },
    { id: "slice.first", key: "Home", label: "First slice", run: go(() => viewer().goTo(0)) },
    { id: "slice.last", key: "End", label: "Last slice", run: go(({ study }) => viewer().goTo(study.n - 1)) },
    { id: "lesion.next", key: "n", label: "Next lesion slice", run: go(() => viewer().goToLesion(1)) },
    { id: "lesion.previous", key: "Shift+n", label: "Previous lesion slice", run: go(() => viewer().goToLesion(-1)) },
    { id: "conflict.next", key: "c", label: "Next conflict of classifier and outline", run: go(nextConflict) },
    { id: "show.ai", key: "m", label: "FLAIR abnormality (AI) on or off", run: go(() => flip("ai")) },
    { id: "show.reference", key: "r", label: "Reference outline on or off", run: go(() => flip("reference")) },
    { id: "show.fill", key: "f", label: "Fill on or off", run: go(() => flip("fill")) },
    { id: "show.diameters", key: "l", label: "Lines of the diameters on or off", run: go(() => flip("diameters")) },
    { id: "map.probability", key: "p", label: "Map of the outline's probability", run: go(({ study }) => study.result && map("probability")) },
    { id: "map.uncertainty", key: "u", label: "Map of the outline's uncertainty", run: go(({ study }) => study.result && map("uncertainty")) },
    { id: "map.difference", key: "d", label: "Difference from the reference outline", run: go(({ study }) => study.result && study.reference_url && map("difference")) },
    { id: "map.attention", key: "g", label: "Where the classifier looked (Grad-CAM)", run: go(({ study }) => study.result && map("attention")) },
    { id: "threshold.lower", key: ",", label: "Lower the mask threshold", repeat: true, run: go(() => overread.threshold.move(-1)) },
    { id: "threshold.raise", key: ".", label: "Raise the mask threshold", repeat: true, run: go(() => overread.threshold.move(1)) },
    { id: "calls.lower", key: "[", label: "Lower the operating point of the slice score", repeat: true, run: go(() => overread.calls.move(-1)) },
    { id: "calls.raise", key: "]", label: "Raise the operating point of the slice score", repeat: true, run: go(() => overread.calls.move(1)) },
    { id: "threshold.shipped", key: "t", label: "Back to the shipped threshold and operating point", run: go(() => [overread.threshold, overread.calls].forEach((slider) => slider.set(null))) },
    {
      id: "show.none", key: " ", label: "Hide all (while held, or until pressed again)",
      run: go(() => { spaceAt = performance.now(); flip("hidden"); }),
      up: go(() => performance.now() - spaceAt > HELD_MS && flip("hidden")),
    },
    { id: "window.invert", key: "i", label: "Invert", run: go(invert) },
    { id: "view.reset", key: "0", label: "Window, zoom and position as at first", run: go(reset) },
    { id: "window.auto", key: "b", label: "Auto: window from the brain in this slice", run: go(autoWindow) },
    { id: "tool.window", key: "w", label: "Left drag: window and level", run: go(() => overread.tools.choose("window")) },
    { id: "tool.zoom", key: "z", label: "Left drag: zoom", run: go(() => overread.tools.choose("zoom")) },
    { key: "Escape", run: go(() => ["rail", "findings"].forEach((name) => fold(name, false))) },
    { id: "series.first", key: "1", label: "First series", run: go(() => overread.rail.choose(0)) },
    { id: "series.second", key: "2", label: "Second series", run: go(() => overread.rail.choose(1)) },
    { id: "series.third", key: "3", label: "Third series", run: go(() => overread.rail.choose(2)) },
    { key: "", shown: "Right drag", label: "Zoom (also Ctrl and wheel, or pinch)" },
    { key: "", shown: "Shift+Drag", label: "Move the image (also middle drag)" },
    { key: "", shown: "Double click", label: "Window as at first" },
    { id: "view.zoom-in", key: "+", label: "Zoom in", repeat: true, run: go(() => zoomStep(1.2)) },
    { id: "view.zoom-out", key: "-", label: "Zoom out", repeat: true, run: go(() => zoomStep(1 / 1.2)) },
  ];

  function zoomStep(factor) {
    const box = byId("surface").getBoundingClientRect();
    state().screen?.zoomBy(factor, box.left + box.width / 2, box.top + box.height / 2);
  }

  function range(hostId, attributes, onInput) {
    const slider = document.createElement("input");
    slider.type = "range";
    for (const [name, value] of Object.entries(attributes)) slider.setAttribute(name, value);
    slider.addEventListener("input", () => state() && onInput(Number(slider.value)));
    byId(hostId).replaceChildren(slider);
    return slider;
  }

  // Called once for every time the page is shown.
  function mount(signal) {
    range("opacity-host", { id: "viewer-opacity", class: "slider opacity-slider", min: 5, max: 100, step: 5, value: 25, "aria-label": "Opacity of fill or map, percent", disabled: "" },
      (percent) => viewer().display({ show: { [state().show.map === "none" ? "opacity" : "mapOpacity"]: percent / 100 } }));
    range("slider-host", { id: "viewer-slider", class: "slice-slider", min: 1, max: 1, value: 1, "aria-label": "Slice", "data-pass-keys": "yes" },
      (slice) => viewer().goTo(slice - 1));
    const { LOWEST, HIGHEST } = overread.threshold;
    range("threshold-host", { id: "viewer-threshold", class: "slider threshold-slider", min: LOWEST, max: HIGHEST, step: 0.01, value: 0.5, "aria-label": "Mask threshold" },
      overread.threshold.set);
    range("calls-host", { id: "viewer-calls", class: "slider calls-slider", min: overread.calls.LOWEST, max: overread.calls.HIGHEST, step: 0.01, value: 0.5, "aria-label": "Operating point of the slice score" },
      overread.calls.set);
    // After a click by mouse the keys belong to the image again: Space and Enter would press the button once more.
    document.querySelector(".review").addEventListener("click", (event) => {
      if (event.detail) event.target.closest("button, summary")?.blur();
    }, { signal });
    for (const [id, run] of Object.entries(BUTTONS)) {
      byId(id).addEventListener("click", (event) => {
        if (state() || /^(toggle|close)-/.test(id)) run();
      }, { signal });
    }
    const removers = [overread.keys.add("Review", KEYS), ...["display", "open", "result"].map((name) => viewer().on(name, showState))];
    return () => removers.forEach((remove) => remove());
  }

  return { mount };
})();
