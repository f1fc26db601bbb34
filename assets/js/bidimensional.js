// The two diameters of each lesion of the AI's mask as it is in view ("ai") and of the reader's corrected one ("own"). At
// the shipped threshold the AI's come with the result; of any other mask a worker measures them here. The reader may drag
// their ends: a measurement of the reader's own, which stands in the place of the mask's until it is deleted; it belongs
// to the corrected mask where there is one.
window.overread = window.overread || {};

overread.bidimensional = (function () {
  "use strict";

  const PATIENCE_MS = 250; // before it is shown that the diameters in view are not yet those of the mask
  const QUIET_MS = 250; // after a step of the correction
  const listeners = new Set();
  const TRACK = { worker: null, turn: 0, key: null, lesions: null, left: 0, isLate: false, failed: false, measured: null, timer: 0 };
  let live = null; // of the study in view: {session, ai, own}, each of these a TRACK

  function on(run) {
    listeners.add(run);
    return () => listeners.delete(run);
  }

  const tell = () => listeners.forEach((run) => run(live?.session));

  // ---- masks ----
  const corrected = () => Boolean(overread.correction?.isThere());
  const isShipped = (now, which) => which === "ai" && overread.threshold.isUnchanged(now);

  // Whose diameters belong to what is drawn: "ai", "own", or "none" while a saved version stands in the place of the mask.
  function drawn(now) {
    if (now.show.correction === false) return "ai";
    if (overread.correctionLayer && overread.correctionLayer.versionShown !== null) return "none";
    return corrected() ? "own" : "ai";
  }

  function levelOf(now, which) {
    const spec = which === "own" ? overread.correction.baseNow().spec : null;
    return spec?.threshold ? overread.threshold.toLevel(spec.threshold) : overread.threshold.level(now);
  }

  function isCalled(now, k, which) {
    const spec = which === "own" ? overread.correction.baseNow().spec : null;
    if (!spec) return overread.calls.isCalled(now, k);
    const slice = now.study.result?.slices[k];
    return Boolean(slice && (spec.operating_point === null ? slice.tumor : slice.tumor_probability >= spec.operating_point));
  }

  // The mask of a slice as {w, h, data}, 1 inside; the reference where there is no other; null where none is at hand.
  function mask(now, k, which = drawn(now)) {
    const { study, loader } = now;
    const { width: w, height: h, result } = study;
    if (which === "own") {
      const data = overread.correction.mask(k);
      return data && { w, h, data };
    }
    const url = result ? isCalled(now, k, which) && overread.overlays.address(result.probability_url, k) : study.reference_url && overread.overlays.address(study.reference_url, k);
    const map = url && loader.get(url);
    if (!map) return null;
    const level = result ? levelOf(now, which) : 128;
    const data = new Uint8Array(map.length);
    for (let i = 0; i < map.length; i++) data[i] = map[i] >= level ? 1 : 0;
    return { w, h, data };
  }

  // Where the mask lies on the slice in view, which labels keep off: {middle: [x, y], box}; null without a mask.
  function place(now) {
    const key = `${now.k} ${now.threshold} ${now.calls} ${drawn(now) === "own" ? overread.correction.state.steps : ""}`;
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
  const keyOf = (now, which) => (which === "own" ? `own ${overread.correction.state.steps}` : `${now.threshold} ${now.calls}`);

  // Lesions of one of the masks; null while they are measured or where that failed.
  function lesions(now, which = drawn(now)) {
    if (!now.study.result || live?.session !== now || which === "none" || (which === "own" && !corrected())) return null;
    if (isShipped(now, which)) return now.measures?.lesions || null;
    const track = live[which];
    return track.isLate || track.failed ? null : track.lesions;
  }

  function scriptUrl(name) {
    return [...document.scripts].map((script) => script.src).find((src) => new URL(src, location.href).pathname.endsWith(`/js/${name}.js`));
  }

  function startWorker(now, track) {
    const { study } = now;
    const worker = new Worker(scriptUrl("measure_worker"));
    const urls = study.result.slices.map((slice, k) => (slice.outline_evidence === null ? null : new URL(overread.overlays.address(study.result.probability_url, k), location.href).href));
    worker.postMessage({ scripts: ["chords", "diameters"].map(scriptUrl), urls, w: study.width, h: study.height, spacing: study.spacing_mm, lowest: overread.threshold.toLevel(overread.threshold.LOWEST) });
    worker.addEventListener("message", ({ data }) => track.worker === worker && data.turn === track.turn && arrived(track, data));
    worker.addEventListener("error", () => track.worker === worker && arrived(track, { failed: true }));
    return worker;
  }

  function arrived(track, { lesions: found, left, failed = false }) {
    clearTimeout(track.timer);
    Object.assign(track, { isLate: false, failed, lesions: found || null, left: left || 0, measured: failed ? null : track.key });
    if (failed) {
      track.worker.terminate();
      track.worker = null;
    }
    tell();
  }

  // Masks that stand in the place of the AI's: [k, mask or null].
  function ownSlices(now) {
    const isVersion = overread.correction.baseNow().spec.version !== null || !now.study.result;
    const list = [];
    for (let k = 0; k < now.study.n; k++) {
      if (!isVersion && !overread.correction.isTouched(k)) continue;
      list.push([k, overread.correction.isEmpty(k) ? null : overread.correction.mask(k)]); // a volume of zeros is large
    }
    return list;
  }

  function followOne(now, which) {
    const track = live[which];
    const isIdle = isShipped(now, which) || (which === "own" && !corrected());
    if (isIdle || keyOf(now, which) === track.measured) {
      clearTimeout(track.timer);
      Object.assign(track, { turn: track.turn + 1, isLate: false, failed: false });
      return tell();
    }
    track.key = keyOf(now, which);
    track.worker = track.worker || startWorker(now, track);
    track.turn++;
    const called = now.study.result.slices.map((_, k) => isCalled(now, k, which));
    track.worker.postMessage({ turn: track.turn, level: levelOf(now, which), called, corrected: which === "own" ? ownSlices(now) : [] });
    clearTimeout(track.timer);
    track.timer = setTimeout(() => {
      if (track.key === track.measured) return;
      track.isLate = true;
      tell();
    }, track.lesions ? PATIENCE_MS : 0);
    return null;
  }

  function follow(now, masks = ["ai", "own"]) {
    if (now && live?.session === now && now.study.result) masks.forEach((which) => followOne(now, which));
  }

  // The reader is about to move a slider: have the maps at hand.
  function warm() {
    if (!live?.session.study.result || live.ai.worker) return;
    live.ai.worker = startWorker(live.session, live.ai);
    live.ai.worker.postMessage({ warm: true });
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

  // All diameters of the study: {item, isAi, lesion}, isAi where they are a mask's as it was measured. Those of the mask
  // that the reader changed are the reader's.
  function all(now, which = drawn(now)) {
    const found = lesions(now, which) || [];
    const taken = new Set();
    const own = overread.measureStore.items.filter(({ kind }) => kind === "diameters").map((item) => {
      const lesion = lesionOf(item, found);
      if (lesion && (which === "own" || !corrected())) taken.add(lesion);
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
    live = { session, ai: { ...TRACK }, own: { ...TRACK } };
  }

  function close() {
    for (const track of live ? [live.ai, live.own] : []) {
      track.worker?.terminate();
      track.worker = null; // what it still sends is of another study
      clearTimeout(track.timer);
    }
    live = null;
  }

  function mount(signal) {
    for (const id of ["findings-threshold", "findings-calls"]) {
      for (const name of ["pointerenter", "focusin"]) document.getElementById(id).addEventListener(name, warm, { signal });
    }
    const { on: listen } = overread.viewer;
    const again = (session) => { open(session); follow(session); };
    const removers = [listen("open", open), listen("result", again), listen("measures", (now) => follow(now)), listen("threshold", (now) => follow(now)), listen("close", close), overread.measureStore.on(tell)];
    let quiet = 0; // a stroke may follow at once, and all masks go to the worker
    if (overread.correction) removers.push(overread.correction.on("change", () => {
      clearTimeout(quiet);
      if (!corrected()) follow(overread.viewer.now, ["own"]);
      quiet = setTimeout(() => follow(overread.viewer.now, ["own"]), QUIET_MS);
    }));
    document.addEventListener("overread:correction", tell, { signal }); // a version is shown, or not any more
    removers.push(() => clearTimeout(quiet));
    return () => removers.forEach((remove) => remove());
  }

  const isLate = (which) => Boolean(live?.[which].isLate);
  const hasFailed = (which) => Boolean(live?.[which].failed);
  const left = (which) => live?.[which].left || 0;

  return { on, mount, mask, place, lesions, all, judge, isShipped, corrected, isLate, hasFailed, left };
})();
