// The two diameters of each lesion of the AI's mask as it is in view ("ai") and of the reader's corrected one ("own").
// The server measures: at the shipped thresholds the AI's come with the result, of any other mask they are asked for. The
// reader may drag their ends: a measurement of the reader's own, which stands in the place of the mask's until it is
// deleted; it belongs to the corrected mask where there is one.
window.overread = window.overread || {};

overread.bidimensional = (function () {
  "use strict";

  const MASKS = ["ai", "own"];
  const listeners = new Set();
  let live = null; // of the study in view: {session, ai, own, judged: {ai, own}}, each of them as latest_answer.js makes it

  function on(run) {
    listeners.add(run);
    return () => listeners.delete(run);
  }

  function tell() {
    if (!live) return;
    const { session } = live, late = isLate(drawn(session));
    for (const { screen } of session.panes) screen.root.classList.toggle("diameters-late", late);
    listeners.forEach((run) => run(session));
  }

  // ---- masks ----
  const corrected = () => Boolean(overread.correction?.isThere());
  const isShipped = (now, which) => which === "ai" && overread.threshold.isUnchanged(now);

  // Whose diameters belong to what is drawn: "ai", "own", or "none" while a saved version stands in the place of the mask.
  function drawn(now) {
    if (now.show.correction === false) return "ai";
    if (overread.correctionLayer && overread.correctionLayer.versionShown !== null) return "none";
    return corrected() ? "own" : "ai";
  }

  // The mask of a slice as {w, h, data}, 1 inside; the reference where there is no other; null where none is at hand.
  function mask(now, k) {
    const { study, loader } = now;
    const { width: w, height: h, result } = study;
    if (drawn(now) === "own") {
      const data = overread.correction.mask(k);
      return data && { w, h, data };
    }
    const template = result ? overread.calls.isCalled(now, k) && result.probability_url : study.reference_url;
    const map = template && loader.get(overread.overlays.address(template, k));
    if (!map) return null;
    const level = result ? overread.threshold.level(now) : 128;
    return { w, h, data: Uint8Array.from(map, (value) => Number(value >= level)) };
  }

  // Where the mask lies on the slice in view, which labels keep off: {middle: [x, y], box}; null without a mask.
  function place(now) {
    const steps = drawn(now) === "own" ? overread.correction.state.steps : "";
    const key = `${now.k} ${now.threshold} ${now.calls} ${steps}`;
    if (live?.placeKey === key && live.place) return live.place;
    const found = mask(now, now.k);
    const box = found && overread.contours.bounds(found.data, found.w, found.h, 1);
    const lies = box && { middle: middleOf(found, box), box: { x: box.left, y: box.top, width: box.right + 1 - box.left, height: box.bottom + 1 - box.top } };
    if (live) Object.assign(live, { placeKey: key, place: lies });
    return lies;
  }

  function middleOf({ w, data }, { left, right, top, bottom }) {
    let n = 0, sumX = 0, sumY = 0;
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        if (!data[y * w + x]) continue;
        n++;
        sumX += x;
        sumY += y;
      }
    }
    return [sumX / n + 0.5, sumY / n + 0.5];
  }

  // ---- lesions ----
  // What the server says of one of the masks: {unit, notes, lesions}; the last that was known while it is being measured.
  function measured(now, which) {
    if (!now.study.result || live?.session !== now || which === "none" || (which === "own" && !corrected())) return null;
    if (isShipped(now, which)) return now.measures;
    if (live[which].sentence) return null;
    return live[which].answer || (which === "ai" ? now.measures : null);
  }

  const lesions = (now, which = drawn(now)) => measured(now, which)?.lesions || null;
  const notes = (now, which) => measured(now, which)?.notes || [];

  function followOne(now, which) {
    if (isShipped(now, which) || (which === "own" && !corrected())) {
      live[which].stop();
      return tell();
    }
    const { study } = now, { requestJson } = overread.latestAnswer;
    if (which === "ai") {
      const url = overread.threshold.address(now, study.result.diameters_url);
      return live.ai.follow([url], (signal) => requestJson(url, { signal }));
    }
    const { state, baseNow } = overread.correction;
    const { touched } = state, base = baseNow();
    return live.own.follow([touched, base], async (signal) => {
      const body = { based_on: base.spec, mask: await overread.maskBits.encode(touched, study) };
      return requestJson(`/api/studies/${study.study_id}/corrections/diameters`, { signal, body });
    });
  }

  function follow(now, masks = MASKS) {
    if (now && live?.session === now && now.study.result) masks.forEach((which) => followOne(now, which));
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

  // What one of them says by RANO, in the server's words; the last that were known while they are on their way.
  function reason(now, which, { item, isAi, lesion }) {
    if (isAi) return lesion.reason;
    const track = live.judged[which], slices = lesion ? lesion.slices : 1;
    const body = { points: item.points, slices };
    const url = `/api/studies/${now.study.study_id}/measurements/judge`;
    track.follow([JSON.stringify(body)], (signal) => overread.latestAnswer.requestJson(url, { signal, body }));
    return track.sentence || track.answer?.reason || "";
  }

  // ---- life ----
  function open(session) {
    close();
    const { create } = overread.latestAnswer;
    live = { session, ai: create(tell), own: create(tell), judged: { ai: create(tell), own: create(tell) } };
  }

  function close() {
    for (const track of live ? [live.ai, live.own, live.judged.ai, live.judged.own] : []) track.stop();
    live = null;
  }

  function mount(signal) {
    const { on: listen } = overread.viewer;
    const again = (session) => { open(session); follow(session); };
    const removers = [listen("open", open), listen("result", again), listen("measures", (now) => follow(now)), listen("threshold", (now) => follow(now)), listen("close", close), overread.measureStore.on(tell)];
    if (overread.correction) removers.push(overread.correction.on("change", () => follow(overread.viewer.now, ["own"])));
    document.addEventListener("overread:correction", tell, { signal }); // a version is shown, or not any more
    return () => removers.forEach((remove) => remove());
  }

  // Whether figures or words are those of a moment ago, as the server has not answered yet.
  const isLate = (which) => Boolean(live?.[which]?.isLate || live?.judged[which]?.isLate);
  const sentence = (which) => live?.[which]?.sentence || ""; // why they are not there

  return { on, mount, mask, place, lesions, notes, all, reason, isShipped, corrected, isLate, sentence };
})();
