// The view in space: head or brain, the masks of AI, reader and reference, the plane of the slice in view. Made when it is
// first chosen, kept while the study is open, so that its camera stays as the reader turned it.
window.overread = window.overread || {};

overread.space = (function () {
  "use strict";

  const AI = 0, REFERENCE = 1, PLANE = 3, FRAME = 4, CORRECTION = 5; // as TRACES in dashboard/figures/space.py
  const MASKS = { ai: AI, correction: CORRECTION }; // that change while the study is open
  const GLASS = 0.3; // opacity of the AI's mask around the reader's
  const STILL_PX = 4; // a press that moves further turns the figure
  const SETTLE_MS = 200; // a threshold that is still being dragged is not asked for
  const CONFIG = { displayModeBar: false, scrollZoom: false, doubleClick: false, showTips: false, responsive: true };
  const NO_WEBGL = "This browser shows no 3D: WebGL is switched off or missing. The other views work without it.";
  const byId = (id) => document.getElementById(id);
  const state = () => overread.viewer.now;
  let made = null; // of the study that is open: {now, figure, told, masks, undo, ...}
  let timer = 0;

  function hasWebgl() {
    const canvas = document.createElement("canvas");
    return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
  }

  function message(words) {
    byId("space-message").hidden = !words;
    byId("space-message").textContent = words;
  }

  async function start(now) {
    if (made?.now === now) return refresh();
    dispose();
    const mine = { now, figure: byId("space-figure"), masks: { ai: {}, correction: {} }, undo: new AbortController(), began: performance.now(), drawing: Promise.resolve(), shown: null };
    made = mine;
    if (!hasWebgl()) return message(NO_WEBGL);
    message("Making the surfaces");
    try {
      const [told] = await Promise.all([overread.spaceData.scene(now, mine.undo.signal), fetchMasks(mine)]);
      if (made !== mine) return;
      mine.told = told;
      const { data, layout } = told.figure;
      for (const [name, index] of Object.entries(MASKS)) data[index] = mine.masks[name].found?.trace || data[index];
      placeSlice(mine, data);
      applyShow(mine, data);
      const lesion = [data[AI], data[REFERENCE]].find((trace) => trace.x?.length);
      if (lesion && !overread.spaceData.liesFar(told.space, lesion)) layout.scene.camera.eye.x *= -1; // from the lesion's side
      await Plotly.newPlot(mine.figure, data, layout, CONFIG);
      if (made !== mine) return;
      listen(mine);
      mine.figure.dataset.drawnMs = Math.round(performance.now() - mine.began); // for tests
      mine.ready = true;
      message("");
      refresh();
    } catch (error) {
      if (made !== mine || error.name === "AbortError") return;
      made = null; // chosen again, it is tried again
      message(`${error.message} Choose 3D again to try once more.`);
    }
  }

  // The masks as they are in view, where they are not the ones that are there.
  const fetchMasks = (mine) => Promise.all(Object.keys(MASKS).map((name) => fetchMask(mine, name)));

  async function fetchMask(mine, name) {
    const part = mine.masks[name], wanted = overread.spaceData.MASKS[name](mine.now);
    if (!wanted) return void Object.assign(part, { key: null, found: null });
    const { key } = wanted;
    if (part.key?.every((one, i) => one === key[i])) return;
    part.key = key;
    try {
      const found = await wanted.fetch(mine.undo.signal);
      if (part.key === key) part.found = found; // else it has changed again meanwhile
    } catch (error) {
      if (part.key === key) part.key = null; // tried again with the next change
      throw error;
    }
  }

  function placeSlice(mine, data) {
    const at = overread.spaceData.corners(mine.told.space, mine.now.k);
    Object.assign(data[PLANE], at, { i: [0, 0], j: [1, 2], k: [2, 3], visible: true });
    const closed = Object.fromEntries(Object.entries(at).map(([axis, values]) => [axis, [...values, values[0]]]));
    Object.assign(data[FRAME], closed, { visible: true });
    mine.k = mine.now.k;
    mine.figure.dataset.slice = mine.now.k + 1;
  }

  const visible = ({ now, masks: { ai, correction }, told }) => {
    const seen = !now.show.hidden;
    return {
      ai: Boolean(seen && now.show.ai && ai.found?.amount.voxels),
      reference: Boolean(seen && now.show.reference && told.reference?.voxels),
      correction: Boolean(overread.correctionLayer.isShown(now) && correction.found?.amount.voxels),
    };
  };

  const inWords = (shown) => JSON.stringify(shown);

  function applyShow(mine, data) {
    const shown = visible(mine);
    data[AI].visible = shown.ai;
    data[AI].opacity = shown.correction ? GLASS : 1;
    data[REFERENCE].visible = shown.reference;
    data[CORRECTION].visible = shown.correction;
    mine.shown = inWords(shown);
  }

  // Bring the figure to what is in view: one drawing at a time, however many changes came meanwhile.
  function refresh() {
    if (!made || made.now.mode !== "space") return;
    words(made);
    if (!made.ready || made.busy) return;
    const mine = made;
    mine.busy = true;
    requestAnimationFrame(async () => {
      try {
        while (made === mine && mine.now.mode === "space" && (await step(mine)));
      } finally {
        mine.busy = false;
      }
    });
  }

  // Draw what has changed; false where nothing has.
  async function step(mine) {
    const { data } = mine.figure;
    const others = Object.entries(MASKS).map(([name, index]) => [index, mine.masks[name].found?.trace]).filter(([index, trace]) => trace && data[index] !== trace);
    const moved = mine.k !== mine.now.k, same = !others.length && mine.shown === inWords(visible(mine));
    if (!moved && same) return false;
    if (moved) placeSlice(mine, data);
    if (same && moveDrawn(mine)) return nextFrame();
    for (const [index, trace] of others) data[index] = trace;
    applyShow(mine, data);
    mine.revision = (mine.revision || 0) + 1;
    await Plotly.react(mine.figure, data, { ...mine.figure.layout, datarevision: mine.revision }, CONFIG);
    return true;
  }

  const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => resolve(true)));

  // Move the plane alone: Plotly's own update would send every surface to the graphics card again, a hundred times the
  // work. False where its inner parts are not as expected.
  function moveDrawn({ figure }) {
    const scene = figure._fullLayout?.scene?._scene;
    const parts = [PLANE, FRAME].map((index) => [scene?.traces?.[figure._fullData[index]?.uid], figure._fullData[index], figure.data[index]]);
    if (!scene?.glplot?.redraw || parts.some(([drawn]) => !drawn?.update)) return false;
    for (const [drawn, full, { x, y, z }] of parts) drawn.update(Object.assign(full, { x, y, z }));
    scene.glplot.redraw();
    return true;
  }

  // A click moves the slice to the point under the pointer; a turn never does. Plotly tells of a "click" with every frame
  // that is drawn while the button is down, the first and the last one of a turn as well: it only says what is under the
  // pointer, and the press itself whether it was a click.
  function listen(mine) {
    const { figure, undo: { signal } } = mine;
    let under = null, pressed = null, late = false;
    const go = (point) => point && state() === mine.now && overread.viewer.goTo(overread.spaceData.sliceAt(mine.told.space, point));
    const tell = ({ points }) => {
      under = points[0];
      if (late) go(under);
      late = false;
    };
    const listenTo = (name, run) => figure.addEventListener(name, run, { signal, capture: true });
    figure.on("plotly_hover", tell);
    figure.on("plotly_click", tell);
    figure.on("plotly_unhover", () => { under = null; });
    listenTo("pointerdown", ({ clientX: x, clientY: y, button }) => {
      late = false;
      pressed = { x, y, under, isClick: button === 0 };
    });
    const follow = ({ clientX: x, clientY: y }) => {
      if (pressed && Math.hypot(x - pressed.x, y - pressed.y) >= STILL_PX) pressed.isClick = false; // and stays none where it comes back
    };
    listenTo("pointermove", follow);
    listenTo("pointerup", (event) => {
      follow(event);
      const point = under || pressed?.under;
      if (pressed?.isClick) go(point);
      late = Boolean(pressed?.isClick && !point && event.pointerType === "touch"); // a finger was over nothing before: the next frame tells
      pressed = null;
    });
    listenTo("pointercancel", () => { pressed = null; });
  }

  const amount = ({ voxels, volume_ml: ml }) => (voxels ? overread.amounts.volumeWords(voxels, ml) : "empty");

  function row(name, there, on, words) {
    byId(`space-row-${name}`).hidden = !there;
    byId(`space-row-${name}`).classList.toggle("space-row--off", !on);
    byId(`space-amount-${name}`).textContent = words || "";
  }

  function words(mine) {
    const { now, told, masks: { ai, correction } } = mine;
    const { show } = now, seen = !show.hidden;
    const shown = overread.correctionLayer.isShown(now), { version } = overread.correctionLayer;
    row("ai", Boolean(ai.found), seen && show.ai, ai.found && amount(ai.found.amount));
    row("correction", Boolean(correction.found), shown, correction.found && amount(correction.found.amount));
    byId("space-looks-ai").textContent = shown && correction.found?.amount.voxels ? "see-through, amber" : "solid, amber";
    byId("space-name-correction").textContent = version ? `Version ${version.number}, ${version.author}` : "Your correction";
    row("reference", Boolean(told?.reference), seen && show.reference, told?.reference && amount(told.reference));
    row("head", Boolean(told?.space.head), true, "");
    byId("space-name-head").textContent = told?.space.head === "brain" ? "Brain surface" : "Head surface";
    row("slice", true, true, `${now.k + 1} / ${now.study.n}`);
    const own = now.study.result && !(overread.threshold.isShipped(now) && overread.calls.isShipped(now));
    byId("space-threshold").hidden = !own;
    byId("space-threshold").textContent = own ? "Not at the shipped thresholds." : "";
    byId("space-scale").hidden = told?.space.unit !== "pixels";
    byId("space-scale").textContent = "The files state no spacing: the distance of slices is assumed, and nothing is to scale.";
  }

  // Threshold, result or correction changed: another surface.
  function changed(now) {
    if (made?.now !== now || now.mode !== "space") return;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = made;
      if (mine?.now !== now) return;
      try {
        await fetchMasks(mine);
      } catch (error) {
        if (error.name !== "AbortError") message(error.message);
        return;
      }
      if (made === mine) refresh();
    }, SETTLE_MS);
  }

  function dispose() {
    clearTimeout(timer);
    if (!made) return;
    made.undo.abort();
    if (made.figure.isConnected && made.figure.data) Plotly.purge(made.figure);
    for (const name of ["slice", "drawnMs"]) delete made.figure.dataset[name];
    made = null;
    message("");
  }

  function follow(now) {
    if (now.mode !== "space") return;
    start(now);
    changed(now);
  }

  function onWheel(event) {
    if (!made?.ready) return;
    event.preventDefault();
    event.stopPropagation();
    const delta = Math.sign(event.deltaY || event.deltaX);
    if (!event.ctrlKey) return overread.viewer.goTo(state().k + delta);
    const { eye } = made.figure._fullLayout.scene.camera;
    const factor = Math.exp((Math.max(-120, Math.min(120, event.deltaY)) / 300));
    Plotly.relayout(made.figure, { "scene.camera.eye": { x: eye.x * factor, y: eye.y * factor, z: eye.z * factor } });
  }

  function mount(signal) {
    const { on } = overread.viewer;
    byId("viewer-space").addEventListener("wheel", onWheel, { passive: false, capture: true, signal });
    document.addEventListener("overread:correction", () => state() && changed(state()), { signal }); // a version is shown
    byId("viewer-space").addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
    const keys = [{ id: "mode.space", key: "j", label: "Surfaces in space", run: () => state() && overread.linked.choose("space") }];
    const removers = [
      on("mode", follow), on("close", dispose), on("slice", refresh), on("display", refresh), on("result", changed), on("threshold", changed),
      ...["change", "loaded"].map((name) => overread.correction.on(name, ({ now }) => changed(now))),
      overread.keys.add("3D", keys),
    ];
    return () => { dispose(); removers.forEach((remove) => remove()); };
  }

  return { mount };
})();
