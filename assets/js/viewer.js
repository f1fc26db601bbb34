// The viewer's state and what follows from it: which slice is wanted, fetched, drawn. Everything here answers in
// the browser; the server is asked for each slice once. Others listen: viewer.on("slice", () => ...).
//
// Events: open, close, slice (another slice is wanted), painted (it is on the screen), display (toggles, window),
// channel, result, measures (of the result), threshold, areas (reference areas became known), view (zoom).
window.overread = window.overread || {};

overread.viewer = (function () {
  "use strict";

  const BUDGET_BYTES = 192 * 1024 * 1024;
  const PICTURE_BYTES = 96 * 1024 * 1024; // decoded, four bytes a pixel
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
    const { study, k, channel, loader } = now;
    const length = study.width * study.height;
    const each = length * (study.pixel_type === "uint16" ? 2 : 1) + 3 * length;
    const reach = Math.max(4, Math.floor((BUDGET_BYTES * 0.8) / each / 2));
    const list = [];
    for (let step = 0; step <= Math.min(reach, study.n); step++) {
      for (const j of step ? [k + step, k - step] : [k]) {
        if (j < 0 || j >= study.n) continue;
        list.push({ url: address(study.pixels_url, j, channel), type: study.pixel_type, length });
        for (const [, url] of masksOf(j)) list.push({ url, type: "uint8", length });
      }
    }
    loader.want(list);
  }

  function picture(j) {
    const { study, channel, loader, pictures, invert } = now;
    const stored = loader.get(address(study.pixels_url, j, channel));
    if (!stored) return null;
    const window = now.windows[channel];
    const key = `${channel} ${j} ${window.low} ${window.high} ${invert}`;
    return pictures.get(key, () => overread.greyscale.picture(stored, study.width, study.height, table()));
  }

  function table() {
    const { study, channel, invert } = now;
    const window = now.windows[channel];
    const key = `${channel} ${window.low} ${window.high} ${invert}`;
    if (now.table?.key !== key) {
      const size = study.pixel_type === "uint16" ? 65536 : 256;
      now.table = { key, values: overread.greyscale.lookup(size, study.slope, study.intercept, window, invert) };
    }
    return now.table.values;
  }

  let scheduled = false;

  // Drawn once a frame, however many steps came in between.
  function invalidate() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      if (now?.screen) draw();
    });
  }

  function draw() {
    const session = now;
    const { k, study } = session;
    const url = address(study.pixels_url, k, session.channel);
    const entry = picture(k);
    if (!entry) {
      const failed = session.loader.hasFailed(url);
      clearTimeout(session.patience);
      session.patience = setTimeout(() => {
        if (now !== session || session.k !== k || session.loader.get(url)) return;
        session.screen.clear();
        delete document.getElementById("viewer-screen").dataset.slice;
        overread.overlays.clear(session.screen);
        message(failed ? `Slice ${k + 1} could not be loaded.` : `Loading slice ${k + 1}`, failed);
      }, failed ? 0 : PATIENCE_MS);
      return;
    }
    if (!entry.isReady) {
      entry.done.then(() => now === session && invalidate(), () => message("This slice cannot be drawn.", false));
      return;
    }
    clearTimeout(session.patience);
    session.screen.show(entry.url);
    const missing = overread.overlays.draw(session);
    message(missing ? `The outline of slice ${k + 1} could not be loaded.` : "", missing);
    if (session.painted !== entry.url) {
      session.painted = entry.url;
      document.getElementById("viewer-screen").dataset.slice = study.indices[k]; // what is in view, for tests too
      emit("painted");
      (window.requestIdleCallback || setTimeout)(() => now === session && prepare());
    }
  }

  // Neighbours' pictures, decoded before they are asked for.
  function prepare() {
    if (now.dragging) return; // the next step of the mouse would make them useless
    for (const step of [1, -1, 2, -2, 3, -3, 4, -4]) {
      const j = now.k + step;
      if (j >= 0 && j < now.study.n) picture(j);
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
    now.loader.retry(address(now.study.pixels_url, now.k, now.channel));
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
    if (url === address(study.pixels_url, k, now.channel) || masksOf(k).some(([, mask]) => mask === url)) invalidate();
  }

  async function open(study, k) {
    close();
    const start = Math.max(0, study.channels.findIndex((channel) => channel.start));
    const session = {
      study, k, channel: start, invert: false, tool: "window", paths: new Map(), scale: null, threshold: null, measures: null,
      windows: study.windows.map(([low, high]) => ({ low, high })),
      show: { ai: true, reference: true, hidden: false, fill: false, diameters: true, opacity: 0.25, map: "none", mapOpacity: 0.6 },
      loader: overread.pixels.createLoader({ budgetBytes: BUDGET_BYTES, onChange: arrived }),
      pictures: overread.greyscale.createPictures(Math.max(16, Math.min(160, Math.floor(PICTURE_BYTES / (4 * study.width * study.height))))),
      referenceAreas: study.reference_area_px || new Array(study.n).fill(null),
      referenceSlices: new Map(),
    };
    now = session;
    if (study.reference_url) for (let j = 0; j < study.n; j++) session.referenceSlices.set(address(study.reference_url, j), j);
    emit("open");
    emit("slice");
    wish();
    const screen = await overread.screen.create(
      document.getElementById("viewer-screen"),
      { width: study.width, height: study.height, spacing: study.spacing_mm },
      (scale) => {
        session.scale = scale;
        if (now === session) emit("view");
      },
    );
    if (now !== session) return screen.dispose();
    session.screen = screen;
    screen.fillOpacity(session.show.opacity);
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
    session.screen?.dispose();
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
      if (isWanted(slices[j])) return goTo(j);
    }
  }

  const goToLesion = (direction) => goToNext(direction, (slice) => slice.tumor);
  const goToConflict = (direction) => goToNext(direction, isConflict);

  // Classifier and outline say the opposite of each other; one of them decided.
  const isConflict = (slice) => slice.decided_by === "classifier" || slice.decided_by === "outline";

  // Change how the study is shown: {show: {...}}, {invert}, {tool}, {window: {low, high}}, {threshold}.
  function display(change) {
    if (!now) return;
    if (change.show) Object.assign(now.show, change.show);
    if (change.show?.map) wish();
    if (change.window) now.windows[now.channel] = change.window;
    if ("invert" in change) now.invert = change.invert;
    if (change.tool) now.tool = change.tool;
    if ("threshold" in change) {
      now.threshold = change.threshold;
      emit("threshold");
    }
    now.screen?.fillOpacity(now.show.opacity);
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

  function setResult(result) {
    if (!now) return;
    now.study.result = result;
    Object.assign(now, { measures: null, threshold: null });
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

  return { on, open, close, goTo, goToLesion, goToConflict, isConflict, display, chooseChannel, setResult, setMeasures, retry, pixelsInView, get now() { return now; } };
})();
