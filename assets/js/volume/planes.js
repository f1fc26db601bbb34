// Axial, coronal and sagittal side by side: the main view as it is, and beside it the two planes that cross its slices.
// A crosshair in each shows where the others lie. Zoom and middle are those of the main view.
window.overread = window.overread || {};

overread.planes = (function () {
  "use strict";

  const NOTCH = 60, TRACKPAD_STEP = 40; // as in pointer.js
  const WORDS = { axial: "Axial", coronal: "Coronal", sagittal: "Sagittal" };
  const PANES = ["plane-first", "plane-second"];
  const NOTE_MS = 5000;
  const AGAIN_MS = 120; // while slices are on their way
  const byId = (id) => document.getElementById(id);
  const state = () => overread.viewer.now;
  let noteTimer = 0;
  let open = null; // what is shown while the mode is on
  const places = new WeakMap(); // session -> {row, column} of the crosshair

  const reason = () => overread.planeViews.of(state().study).reason;

  function tell(words) {
    const note = byId("stage-note");
    note.textContent = words;
    note.hidden = false;
    clearTimeout(noteTimer);
    noteTimer = setTimeout(() => { note.hidden = true; }, NOTE_MS);
  }

  function offer(now) {
    const { reason: why } = overread.planeViews.of(now.study);
    byId("mode-planes").disabled = Boolean(why);
    byId("mode-planes").title = why || "Axial, coronal and sagittal (Y)";
  }

  // The middle of the outline on the slice in view, else where the mask is largest, else of the image.
  function firstPlace(now) {
    const { study, k } = now;
    const areas = study.result?.slices.map((slice) => slice.mask_area_px) || [];
    return middleOf(now, k) || middleOf(now, areas.indexOf(Math.max(1, ...areas))) || { row: study.height >> 1, column: study.width >> 1 };
  }

  function middleOf(now, k) {
    const { study, loader } = now;
    if (k < 0) return null;
    const [, url] = overread.overlays.sources(now, k).find(([name]) => name === "ai" || name === "reference") || [];
    const map = url && loader.get(url);
    let count = 0, x = 0, y = 0;
    for (let i = 0; map && i < map.length; i++) {
      if (map[i] < 128) continue;
      count++;
      x += i % study.width;
      y += Math.floor(i / study.width);
    }
    return count ? { row: Math.round(y / count), column: Math.round(x / count) } : null;
  }

  function start(now) {
    const found = overread.planeViews.of(now.study);
    if (found.reason) return overread.viewer.setMode("one");
    const { view } = now;
    if (!places.has(now)) places.set(now, firstPlace(now));
    const slices = now.study.n / 2;
    const centre = (axis) => ({ slice: open.slice, row: view.y, column: view.x })[axis];
    const lie = { axes: found.axes, centre, zoom: () => view.zoom };
    open = { now, view, axes: found.axes, slice: slices, scheduled: false, timer: 0, tables: {}, undo: new AbortController(), panes: [] };
    open.cuts = overread.planeCuts.create(now, invalidate);
    open.panes = found.views.map((plane, i) => overread.planePane.create(byId(PANES[i]), plane, lie));
    // Keys and buttons that zoom, move and reset the main view reach the planes through what its screens share.
    open.screen = { apply: () => { if (view.zoom === 1) open.slice = slices; invalidate(); } };
    view.screens.add(open.screen);
    open.panes.forEach(prepare);
    const observer = new ResizeObserver(() => { open?.panes.forEach((pane) => pane.measure()); invalidate(); });
    open.panes.forEach(({ root }) => observer.observe(root));
    open.undo.signal.addEventListener("abort", () => observer.disconnect());
    overread.tools.choose("crosshair");
    invalidate();
  }

  function stop() {
    if (!open) return;
    const { now, view, cuts, screen, undo, timer } = open;
    open = null;
    clearTimeout(timer);
    undo.abort();
    view.screens.delete(screen);
    cuts.dispose();
    now.screen?.layer("crosshair").replaceChildren();
    if (state() === now && now.tool === "crosshair") overread.tools.choose("window");
  }

  function invalidate() {
    if (!open || open.scheduled) return;
    open.scheduled = true;
    requestAnimationFrame(() => {
      if (!open) return;
      open.scheduled = false;
      if (state() === open.now) draw(open.now);
    });
  }

  function table(now) {
    const { study, channel, windows, invert } = now;
    const { low, high } = windows[channel];
    const key = `${channel} ${low} ${high} ${invert}`;
    if (open.tables.key !== key) {
      const size = study.pixel_type === "uint16" ? 65536 : 256;
      open.tables = { key, values: overread.greyscale.lookup(size, study.slope, study.intercept, windows[channel], invert) };
    }
    return open.tables;
  }

  function draw(now) {
    const { show, study } = now;
    const seen = !show.hidden, at = { ...places.get(now), slice: now.k };
    const { values, key: tableKey } = table(now);
    const corrected = overread.correctionLayer.isShown(now) ? overread.correctionLayer.drawn() : null;
    let waiting = false;
    open.cuts.begin();
    for (const pane of open.panes) {
      const { fixed } = pane.view;
      const cut = (kind, wanted) => (wanted ? open.cuts.get(kind, fixed, at[fixed]) : null);
      const pixels = cut("pixels", true);
      const ai = cut("ai", seen && show.ai && study.result), reference = cut("reference", seen && show.reference && study.reference_url);
      const correction = corrected && open.cuts.getCorrected(corrected, fixed, at[fixed]);
      waiting ||= !pixels || (corrected && !correction) || (seen && ((show.ai && study.result && !ai) || (show.reference && study.reference_url && !reference)));
      pane.draw({ pixels, ai, reference, correction, table: values, tableKey, level: study.result ? overread.threshold.level(now) : 0, fill: show.fill ? show.opacity : 0, at: seen ? at : null });
      words(pane, at, pixels);
    }
    open.cuts.end();
    if (now.screen) crosshair(now, at, seen);
    clearTimeout(open.timer);
    if (waiting) open.timer = setTimeout(invalidate, AGAIN_MS); // slices that arrive for the main view tell nobody else
  }

  function words({ view, root }, at, pixels) {
    const { fixed, name } = view, { length } = open.axes[fixed];
    const failed = !pixels && open.cuts.hasFailed(fixed, at[fixed]);
    root.querySelector(".plane-title").textContent = `${WORDS[name]}  ${at[fixed] + 1} / ${length}`;
    root.querySelector(".plane-note").textContent = `interpolated, ${open.axes.slice.mm.toFixed(1)} mm between slices`;
    root.querySelector(".plane-state").textContent = pixels ? "" : failed ? "This plane could not be loaded." : "Loading";
    if (pixels) root.dataset.place = at[fixed]; // what is in view, for tests too
    const slider = root.querySelector("input");
    slider.value = at[fixed] + 1;
    slider.setAttribute("aria-valuetext", `${at[fixed] + 1} of ${length}`);
  }

  // Over the main view, in image coordinates; free around the middle, so that what lies there is seen.
  function crosshair({ screen, study }, at, seen) {
    const layer = screen.layer("crosshair");
    if (!layer.firstChild) layer.append(document.createElementNS("http://www.w3.org/2000/svg", "path"));
    const [sx, sy] = screen.scale(), x = at.column + 0.5, y = at.row + 0.5, gx = 9 / sx, gy = 9 / sy;
    const far = 10 * Math.max(study.width, study.height);
    layer.firstChild.setAttribute("d", seen ? `M${-far} ${y}H${x - gx}M${x + gx} ${y}H${far}M${x} ${-far}V${y - gy}M${x} ${y + gy}V${far}` : "");
  }

  // Move the crosshair, and with it the slice in view. change: places by axis.
  function moveTo(change) {
    const now = state();
    const kept = places.get(now);
    for (const axis of ["row", "column"]) {
      if (axis in change) kept[axis] = Math.min(open.axes[axis].length - 1, Math.max(0, Math.floor(change[axis])));
    }
    if ("slice" in change) overread.viewer.goTo(change.slice);
    invalidate();
  }

  // Keeps what is under the pointer where it is.
  function zoomAt(pane, factor, event) {
    const { view } = open;
    const before = pane.placesAt(event);
    view.zoom = Math.min(16, Math.max(0.5, view.zoom * factor));
    const after = pane.placesAt(event);
    shift(Object.fromEntries(Object.keys(before).map((axis) => [axis, before[axis] - after[axis]])));
  }

  function shift(by) {
    const { view, screen } = open;
    open.slice += by.slice || 0;
    view.x += by.column || 0;
    view.y += by.row || 0;
    view.screens.forEach((other) => other !== screen && other.apply());
    invalidate();
  }

  function onWheel(pane, wheel) {
    return (event) => {
      event.preventDefault();
      const delta = (event.deltaY || event.deltaX) * (event.deltaMode === 1 ? 40 : event.deltaMode === 2 ? 400 : 1);
      if (event.ctrlKey) return zoomAt(pane, Math.exp(-Math.max(-120, Math.min(120, delta)) / 300), event);
      if (Math.sign(delta) !== Math.sign(wheel.sum)) wheel.sum = 0;
      wheel.sum += delta;
      const steps = Math.abs(delta) >= NOTCH ? Math.sign(delta) : Math.trunc(wheel.sum / TRACKPAD_STEP);
      wheel.sum = Math.abs(delta) >= NOTCH ? 0 : wheel.sum - steps * TRACKPAD_STEP;
      const { fixed } = pane.view;
      if (steps) moveTo({ [fixed]: places.get(state())[fixed] + steps });
    };
  }

  function onPress(pane) {
    return (event) => {
      if (event.button > 2) return;
      event.preventDefault();
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      pane.canvas.setPointerCapture(event.pointerId);
      const pans = event.button === 1 || (event.button === 0 && event.shiftKey);
      let last = event;
      const move = (moved) => {
        const [sx, sy] = pane.scale();
        if (pans) shift({ [pane.view.across.axis]: -(moved.clientX - last.clientX) / sx, [pane.view.down.axis]: -(moved.clientY - last.clientY) / sy });
        else if (event.button === 2) zoomAt(pane, Math.exp(-(moved.clientY - last.clientY) / 150), event);
        else moveTo(pane.reach(moved));
        last = moved;
      };
      const done = new AbortController();
      const session = state();
      session.dragging = true;
      pane.canvas.addEventListener("pointermove", (moved) => open && moved.pointerId === event.pointerId && move(moved), { signal: done.signal });
      pane.canvas.addEventListener("lostpointercapture", () => { session.dragging = false; done.abort(); }, { signal: done.signal });
      if (event.button === 0 && !pans) moveTo(pane.reach(event));
    };
  }

  function prepare(pane) {
    const { root, view } = pane;
    const { signal } = open.undo;
    pane.canvas = root.querySelector("canvas");
    pane.canvas.setAttribute("aria-label", `${WORDS[view.name]} plane, interpolated between slices`);
    pane.measure();
    for (const side of ["left", "right", "top", "bottom"]) root.querySelector(`.plane-edge--${side}`).textContent = view.letters[side];
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", className: "plane-slider", min: 1, max: open.axes[view.fixed].length });
    slider.setAttribute("aria-label", `${WORDS[view.name]} plane`);
    slider.addEventListener("input", () => moveTo({ [view.fixed]: slider.value - 1 }), { signal });
    root.querySelector(".plane-slider-host").replaceChildren(slider);
    pane.canvas.addEventListener("wheel", onWheel(pane, { sum: 0 }), { passive: false, signal });
    pane.canvas.addEventListener("pointerdown", onPress(pane), { signal });
    pane.canvas.addEventListener("dblclick", overread.pointer.homeWindow, { signal });
    pane.canvas.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  }

  const TOOL = {
    name: "crosshair", group: "view",
    begin(point) {
      if (!open) return null;
      const move = ({ x, y }) => moveTo({ column: x, row: y });
      move(point);
      return { move };
    },
  };

  function follow(now) {
    if (now.mode === "planes" && open?.now !== now) start(now);
    else if (now.mode !== "planes") stop();
  }

  // The key says why there are no planes; the button says it when it is pointed at.
  function choose() {
    if (!state()) return;
    if (!byId("mode-planes").disabled) return overread.linked.choose("planes");
    tell(reason());
  }

  function mount(signal) {
    const { on } = overread.viewer;
    document.addEventListener("overread:correction", invalidate, { signal }); // a version is shown
    const keys = [{ id: "mode.planes", key: "y", label: "Axial, coronal and sagittal planes", run: choose }];
    const removers = [
      on("open", offer), on("mode", follow), on("close", stop),
      ...["slice", "display", "channel", "result", "threshold"].map((name) => on(name, invalidate)),
      ...["change", "loaded"].map((name) => overread.correction.on(name, invalidate)),
      overread.keys.add("Planes", keys), overread.tools.add(TOOL),
    ];
    return () => { stop(); removers.forEach((remove) => remove()); };
  }

  return { mount, tell };
})();
