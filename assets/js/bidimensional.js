// The two diameters of each lesion of the mask in view. At the shipped threshold they come with the result; of any other
// mask (another threshold or operating point, the reader's corrected mask) a worker measures them here. The reader may
// drag their ends: a measurement of the reader's own, which stands in the place of the mask's until it is deleted.
window.overread = window.overread || {};

overread.bidimensional = (function () {
  "use strict";

  const PATIENCE_MS = 250; // before it is shown that the diameters in view are not yet those of the mask
  const QUIET_MS = 250; // after a step of the correction
  const listeners = new Set();
  let live = null; // of the study in view: {session, worker, turn, key, lesions, left, isLate, failed}

  function on(run) {
    listeners.add(run);
    return () => listeners.delete(run);
  }

  const tell = () => listeners.forEach((run) => run(live?.session));

  // ---- the mask in view ----
  const corrected = () => Boolean(overread.correction?.isThere());
  const isShipped = (now) => overread.threshold.isUnchanged(now) && !corrected();

  function levelOf(now) {
    const spec = corrected() ? overread.correction.baseNow().spec : null;
    return spec?.threshold ? overread.threshold.toLevel(spec.threshold) : overread.threshold.level(now);
  }

  function isCalled(now, k) {
    const spec = corrected() ? overread.correction.baseNow().spec : null;
    if (!spec) return overread.calls.isCalled(now, k);
    const slice = now.study.result?.slices[k];
    return Boolean(slice && (spec.operating_point === null ? slice.tumor : slice.tumor_probability >= spec.operating_point));
  }

  // The mask of a slice as {w, h, data}, 1 inside; the reference where there is no other; null where none is at hand.
  function mask(now, k) {
    const { study, loader } = now;
    const { width: w, height: h, result } = study;
    if (corrected()) {
      const data = overread.correction.mask(k);
      return data && { w, h, data };
    }
    const url = result ? isCalled(now, k) && overread.overlays.address(result.probability_url, k) : study.reference_url && overread.overlays.address(study.reference_url, k);
    const map = url && loader.get(url);
    if (!map) return null;
    const level = result ? levelOf(now) : 128;
    const data = new Uint8Array(map.length);
    for (let i = 0; i < map.length; i++) data[i] = map[i] >= level ? 1 : 0;
    return { w, h, data };
  }

  // Where the mask lies on the slice in view, which labels keep off: {middle: [x, y], box}; null without a mask.
  function place(now) {
    const key = `${now.k} ${now.threshold} ${now.calls} ${corrected() ? overread.correction.state.steps : ""}`;
    if (live?.placeKey === key && live.place) return live.place;
    const found = mask(now, now.k);
    let n = 0, sumX = 0, sumY = 0, left = Infinity, right = 0, top = Infinity, bottom = 0;
    for (let y = 0, i = 0; found && y < found.h; y++) {
      for (let x = 0; x < found.w; x++, i++) {
        if (!found.data[i]) continue;
        n++;
        sumX += x;
        sumY += y;
        [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x + 1), Math.min(top, y), y + 1];
      }
    }
    const lies = n ? { middle: [sumX / n + 0.5, sumY / n + 0.5], box: { x: left, y: top, width: right - left, height: bottom - top } } : null;
    if (live) Object.assign(live, { placeKey: key, place: lies });
    return lies;
  }

  // ---- lesions ----
  const keyOf = (now) => `${now.threshold} ${now.calls} ${corrected() ? overread.correction.state.steps : "-"}`;

  // Lesions of the mask in view; null while they are measured or where that failed.
  function lesions(now) {
    if (!now.study.result || live?.session !== now) return null;
    if (isShipped(now)) return now.measures?.lesions || null;
    return live.isLate || live.failed ? null : live.lesions;
  }

  function scriptUrl(name) {
    return [...document.scripts].map((script) => script.src).find((src) => new URL(src, location.href).pathname.endsWith(`/js/${name}.js`));
  }

  function startWorker(now) {
    const { study } = now;
    const worker = new Worker(scriptUrl("measure_worker"));
    const urls = study.result.slices.map((slice, k) => (slice.outline_evidence === null ? null : new URL(overread.overlays.address(study.result.probability_url, k), location.href).href));
    worker.postMessage({ scripts: ["chords", "diameters"].map(scriptUrl), urls, w: study.width, h: study.height, spacing: study.spacing_mm, lowest: overread.threshold.toLevel(overread.threshold.LOWEST) });
    worker.addEventListener("message", ({ data }) => live?.worker === worker && data.turn === live.turn && arrived(data));
    worker.addEventListener("error", () => live?.worker === worker && arrived({ failed: true }));
    return worker;
  }

  function arrived({ lesions: found, left, failed = false }) {
    clearTimeout(live.timer);
    Object.assign(live, { isLate: false, failed, lesions: found || null, left: left || 0, measured: failed ? null : live.key });
    if (failed) {
      live.worker.terminate();
      live.worker = null;
    }
    tell();
  }

  // Masks that stand in the place of the AI's: [k, mask or null].
  function ownSlices(now) {
    if (!corrected()) return [];
    const isVersion = overread.correction.baseNow().spec.version !== null || !now.study.result;
    const list = [];
    for (let k = 0; k < now.study.n; k++) {
      if (!isVersion && !overread.correction.isTouched(k)) continue;
      list.push([k, overread.correction.isEmpty(k) ? null : overread.correction.mask(k)]); // a volume of zeros is large
    }
    return list;
  }

  function follow(now) {
    if (!now || live?.session !== now || !now.study.result) return;
    if (isShipped(now) || keyOf(now) === live.measured) {
      clearTimeout(live.timer);
      Object.assign(live, { turn: live.turn + 1, isLate: false, failed: false });
      return tell();
    }
    live.key = keyOf(now);
    live.worker = live.worker || startWorker(now);
    live.turn++;
    const called = now.study.result.slices.map((_, k) => isCalled(now, k));
    live.worker.postMessage({ turn: live.turn, level: levelOf(now), called, corrected: ownSlices(now) });
    clearTimeout(live.timer);
    live.timer = setTimeout(() => {
      if (!live || live.key === live.measured) return;
      live.isLate = true;
      tell();
    }, live.lesions ? PATIENCE_MS : 0);
  }

  // The reader is about to move a slider: have the maps at hand.
  function warm() {
    if (!live?.session.study.result || live.worker) return;
    live.worker = startWorker(live.session);
    live.worker.postMessage({ warm: true });
  }

  // ---- the reader's own ----
  const points = ({ longest, perpendicular }) => [longest, perpendicular].flatMap(({ x1, y1, x2, y2 }) => [[x1 + 0.5, y1 + 0.5], [x2 + 0.5, y2 + 0.5]]);

  // The lesion that a measurement belongs to: the smallest box on its slice with the middle of its longest.
  function lesionOf(item, found) {
    const [a, b] = item.points, x = (a[0] + b[0]) / 2, y = (a[1] + b[1]) / 2;
    const size = ([, left, top, right, bottom]) => (right - left) * (bottom - top);
    const boxes = found.flatMap((lesion) => lesion.boxes.map((box) => ({ lesion, box })))
      .filter(({ box: [k, left, top, right, bottom] }) => k === item.k && x >= left && x <= right && y >= top && y <= bottom);
    return boxes.sort((one, other) => size(one.box) - size(other.box))[0]?.lesion || null;
  }

  // All diameters of the study: {item, isAi, lesion}. Those of the mask that the reader changed are the reader's.
  function all(now) {
    const found = lesions(now) || [];
    const taken = new Set();
    const own = overread.measureStore.items.filter(({ kind }) => kind === "diameters").map((item) => {
      const lesion = lesionOf(item, found);
      if (lesion) taken.add(lesion);
      return { item, isAi: false, lesion };
    });
    const ai = found.filter((lesion) => !taken.has(lesion)).map((lesion) => ({ item: { id: `mask-${lesion.number}`, kind: "diameters", k: lesion.k, points: points(lesion) }, isAi: true, lesion }));
    return [...ai, ...own];
  }

  // Whether a measurement of the reader's is measurable, in words.
  function judge({ item, lesion }, now) {
    const mm = overread.measureShapes.spacing(now.study);
    const lengths = [item.points.slice(0, 2), item.points.slice(2)].map(([a, b]) => overread.geometry.distance(a, b, mm));
    return overread.diameters.judge(lengths, lesion ? lesion.slices : 1, Boolean(mm));
  }

  // ---- life ----
  function open(session) {
    close();
    live = { session, worker: null, turn: 0, key: null, lesions: null, left: 0, isLate: false, failed: false, measured: null, timer: 0 };
  }

  function close() {
    live?.worker?.terminate();
    clearTimeout(live?.timer);
    live = null;
  }

  function mount(signal) {
    for (const id of ["findings-threshold", "findings-calls"]) {
      for (const name of ["pointerenter", "focusin"]) document.getElementById(id).addEventListener(name, warm, { signal });
    }
    const { on: listen } = overread.viewer;
    const again = (session) => { open(session); follow(session); };
    const removers = [listen("open", open), listen("result", again), listen("measures", follow), listen("threshold", follow), listen("close", close), overread.measureStore.on(tell)];
    let quiet = 0; // a stroke may follow at once, and all masks go to the worker
    if (overread.correction) removers.push(overread.correction.on("change", () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => follow(overread.viewer.now), QUIET_MS);
    }));
    removers.push(() => clearTimeout(quiet));
    return () => removers.forEach((remove) => remove());
  }

  return { on, mount, mask, place, lesions, all, judge, isShipped, corrected, get isLate() { return Boolean(live?.isLate); }, get hasFailed() { return Boolean(live?.failed); }, get left() { return live?.left || 0; } };
})();
