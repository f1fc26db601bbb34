// The viewer's state and what follows from it: which slice is wanted, fetched, drawn. Everything here answers in
// the browser; the server is asked for each slice once. Others listen: viewer.on("slice", () => ...).
//
// Events: open, close, slice (another slice is wanted), painted (it is on the screen), display (toggles, window),
// channel, mode (one view, linked, ...), result, measures (of the result), threshold (of mask or calls), areas
// (reference areas became known), view (zoom, pan).
window.overread = window.overread || {};

overread.viewer = (function () {
  "use strict";

  const BUDGET_BYTES = 192 * 1024 * 1024;
  const PATIENCE_MS = 150; // an older slice stays in view that long while the next one loads
  const listeners = new Map();
  let now = null; // the study in view and how it is looked at; null while none is open

  function on(name, run) {
    if (!listeners.has(name)) listeners.set(name, new Set());
    listeners.get(name).add(run);
    return () => listeners.get(name).delete(run);
  }

  function emit(name) {
    for (const run of listeners.get(name) || []) run(now);
  }

  const address = (template, k, channel) => overread.overlays.address(template, k, channel);
  const masksOf = (k) => overread.overlays.sources(now, k);

  // Slices to have at hand: the one in view, then its neighbours, as many as fit the budget.
  function wish() {
    const { study, k, loader } = now;
    const channels = overread.panes.channels(now);
    const length = study.width * study.height;
    const each = length * (study.pixel_type === "uint16" ? 2 : 1) * channels.length + 3 * length;
    const reach = Math.max(4, Math.floor((BUDGET_BYTES * 0.8) / each / 2));
    const list = [];
    for (let step = 0; step <= Math.min(reach, study.n); step++) {
      for (const j of step ? [k + step, k - step] : [k]) {
        if (j < 0 || j >= study.n) continue;
        for (const channel of channels) list.push({ url: address(study.pixels_url, j, channel), type: study.pixel_type, length });
        for (const [, url] of masksOf(j)) list.push({ url, type: "uint8", length });
      }
    }
    loader.want(list);
  }

  let scheduled = false;

  // A page that is left takes its figure with it before the viewer hears of it.
  const isThere = () => Boolean(now?.screen) && now.panes.every(({ screen }) => screen.isAlive());

  // Drawn once a frame, however many steps came in between.
  function invalidate() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      if (isThere()) draw();
    });
  }

  function draw() {
    const session = now;
    const { k, study, panes } = session;
    const states = panes.map((pane) => overread.panes.paint(session, pane, () => now === session && invalidate()));
    if (states.some((state) => state === "missing" || state === "failed")) wait(session, states);
    else clearTimeout(session.patience);
    if (states[0] === "unreadable") message("This slice cannot be drawn.", false);
    if (states[0] !== "painted") return;
    let missing = false;
    panes.forEach((pane, i) => {
      if (states[i] === "painted") missing = overread.overlays.draw(session, pane) || missing;
    });
    message(missing ? `The outline of slice ${k + 1} could not be loaded. Trying again.` : "", missing);
    if (session.painted !== panes[0].shown) {
      session.painted = panes[0].shown;
      panes[0].screen.root.dataset.slice = study.indices[k]; // what is in view, for tests too
      emit("painted");
      (window.requestIdleCallback || setTimeout)(() => now === session && prepare());
    }
  }

  // An older slice stays in view for a moment; then the image is empty and says what it waits for.
  function wait(session, states) {
    const { k, panes } = session;
    const failed = states.includes("failed");
    clearTimeout(session.patience);
    session.patience = setTimeout(() => {
      if (now !== session || session.k !== k || !isThere()) return;
      const empty = panes.filter((pane) => !session.loader.get(overread.panes.source(session, pane)));
      for (const pane of empty) {
        pane.screen.clear();
        delete pane.screen.root.dataset.slice;
        overread.overlays.clear(pane.screen);
      }
      if (empty.length) message(failed ? `Slice ${k + 1} could not be loaded. Trying again.` : `Loading slice ${k + 1}`, failed);
    }, failed ? 0 : PATIENCE_MS);
  }

  // Neighbours' pictures, decoded before they are asked for.
  function prepare() {
    if (now.dragging) return; // the next step of the mouse would make them useless
    for (const step of [1, -1, 2, -2, 3, -3, 4, -4]) {
      const j = now.k + step;
      if (j >= 0 && j < now.study.n) overread.panes.channels(now).forEach((channel) => overread.panes.picture(now, j, channel));
    }
  }

  function message(text, canRetry) {
    const box = document.getElementById("viewer-message");
    if (!box) return;
    box.hidden = !text;
    document.getElementById("viewer-message-text").textContent = text;
    document.getElementById("viewer-retry").hidden = !canRetry;
  }

  function retry() {
    if (!now) return;
    for (const channel of overread.panes.channels(now)) now.loader.retry(address(now.study.pixels_url, now.k, channel));
    for (const [, url] of masksOf(now.k)) now.loader.retry(url);
    invalidate();
  }

  function arrived(url) {
    if (!now) return;
    const { study, k } = now;
    const match = study.reference_url && !study.reference_area_px ? now.referenceSlices.get(url) : undefined;
    const map = match === undefined ? null : now.loader.get(url);
    if (map) {
      let area = 0;
      for (let i = 0; i < map.length; i++) area += map[i] > 127;
      now.referenceAreas[match] = area;
      emit("areas");
    }
    const inView = now.panes.some((pane) => overread.panes.source(now, pane) === url);
    if (inView || masksOf(k).some(([, mask]) => mask === url)) invalidate();
  }

  async function open(study, k) {
    close();
    const start = Math.max(0, study.channels.findIndex((channel) => channel.start));
    const session = {
      study, k, channel: start, invert: false, tool: "window", paths: new Map(), scale: null, threshold: null, calls: null, measures: null,
      mode: "one", second: overread.panes.firstSecond(study, start), panes: [], view: overread.screen.createView(study),
      windows: study.windows.map(([low, high]) => ({ low, high })),
      show: { ai: true, reference: true, hidden: false, fill: false, diameters: true, opacity: 0.25, map: "none", mapOpacity: 0.6 },
      loader: overread.pixels.createLoader({ budgetBytes: BUDGET_BYTES, onChange: arrived }),
      pictures: overread.panes.createPictures(study),
      referenceAreas: study.reference_area_px || new Array(study.n).fill(null),
      referenceSlices: new Map(),
    };
    now = session;
    if (study.reference_url) for (let j = 0; j < study.n; j++) session.referenceSlices.set(address(study.reference_url, j), j);
    emit("open");
    emit("slice");
    wish();
    await overread.panes.open(session, (scale) => {
      session.scale = scale;
      if (now === session) emit("view");
    });
    if (now !== session) return overread.panes.dispose(session);
    session.screen = session.panes[0].screen;
    invalidate();
  }

  function close() {
    if (!now) return;
    const session = now;
    emit("close");
    now = null;
    clearTimeout(session.patience);
    session.loader.dispose();
    session.pictures.dispose();
    overread.panes.dispose(session);
    message("", false);
  }

  function goTo(k) {
    if (!now) return;
    const to = Math.min(now.study.n - 1, Math.max(0, Math.round(k)));
    if (to === now.k) return;
    now.k = to;
    emit("slice");
    wish();
    invalidate();
  }

  // The next slice of which something is true (before an analysis, none), in the given direction, round the end.
  function goToNext(direction, isWanted) {
    const slices = now?.study.result?.slices;
    if (!slices) return;
    for (let step = 1; step <= now.study.n; step++) {
      const j = (now.k + direction * step + step * now.study.n) % now.study.n;
      if (isWanted(slices[j], j)) return goTo(j);
    }
  }

  const goToLesion = (direction) => goToNext(direction, (_, k) => overread.calls.isCalled(now, k));
  const goToConflict = (direction) => goToNext(direction, isConflict);

  // Classifier and outline say the opposite of each other; one of them decided.
  const isConflict = (slice) => slice.decided_by === "classifier" || slice.decided_by === "outline";

  // Change how the study is shown: {show: {...}}, {invert}, {tool}, {window: {low, high}, channel}, {threshold}, {calls}.
  function display(change) {
    if (!now) return;
    if (change.show) Object.assign(now.show, change.show);
    if (change.show?.map) wish();
    if (change.window) now.windows[change.channel ?? now.channel] = change.window;
    if ("invert" in change) now.invert = change.invert;
    if (change.tool) now.tool = change.tool;
    if ("threshold" in change) now.threshold = change.threshold;
    if ("calls" in change) {
      now.calls = change.calls;
      wish(); // other slices have a mask now
    }
    if ("threshold" in change || "calls" in change) emit("threshold");
    emit("display");
    invalidate();
  }

  function chooseChannel(channel) {
    if (!now || channel === now.channel) return;
    now.channel = channel;
    emit("channel");
    emit("display");
    wish();
    invalidate();
  }

  // One view, two linked ones, a swipe between two, or what other parts show instead (planes, 3D).
  async function setMode(mode, second = now?.second) {
    if (!now) return;
    const session = now;
    Object.assign(session, { mode, second });
    await overread.panes.arrange(session);
    if (now !== session) return;
    emit("mode");
    wish();
    invalidate();
  }

  function setResult(result) {
    if (!now) return;
    now.study.result = result;
    Object.assign(now, { measures: null, threshold: null, calls: null });
    now.paths.clear();
    emit("result");
    emit("slice");
    wish();
    invalidate();
  }

  function setMeasures(measures) {
    now.measures = measures;
    if (measures.reference_px) now.referenceAreas = measures.reference_px;
    emit("measures");
    emit("areas");
    invalidate();
  }

  const pixelsInView = () => now && now.loader.get(address(now.study.pixels_url, now.k, now.channel));

  return { on, open, close, goTo, goToLesion, goToConflict, isConflict, display, chooseChannel, setMode, setResult, invalidate, setMeasures, retry, pixelsInView, get now() { return now; } };
})();
