// Measures the lesions of a mask that the reader has changed, beside the page's own thread: scrolling stays smooth. It
// fetches the probability maps once (the browser has most of them already) and keeps of each only the box that any
// threshold can take in.
//
// In:  {scripts, urls: address or null by slice, w, h, spacing, lowest}, once; then {turn, level, called, corrected}, where
//      called says by slice whether it has a mask, and corrected holds [k, Uint8Array of 0 and 1 or null] in its place;
//      or {warm: true}: fetch the maps already.
// Out: {turn, lesions, left}, or {turn, failed: true}. Only the latest turn is answered.
(function () {
  "use strict";

  if (typeof WorkerGlobalScope === "undefined" || !(globalThis instanceof WorkerGlobalScope)) return; // Dash loads every script

  let study = null, wanted = null, isBusy = false;

  async function fetchBoxes({ urls, w, h, lowest }) {
    const boxes = new Map();
    for (const [k, url] of urls.entries()) {
      if (!url) continue;
      const response = await fetch(url);
      if (!response.ok) throw new Error(`status ${response.status}`);
      const box = cut(new Uint8Array(await response.arrayBuffer()), lowest, { k, w, h });
      if (box) boxes.set(k, box);
    }
    return boxes;
  }

  // The box of the values >= lowest with the values themselves.
  function cut(map, lowest, { k, w, h }) {
    const found = globalThis.overread.diameters.piece(map, lowest, { k, w, h });
    if (!found) return null;
    for (let y = 0; y < found.h; y++) found.data.set(map.subarray((found.y + y) * w + found.x, (found.y + y) * w + found.x + found.w), y * found.w);
    return found;
  }

  async function work() {
    if (isBusy) return;
    isBusy = true;
    while (wanted) {
      const order = wanted;
      wanted = null;
      let answer;
      try {
        study.boxes = study.boxes || (await fetchBoxes(study));
        if (order.warm) continue;
        answer = measure(order);
      } catch (error) {
        if (order.warm) continue; // it is tried again when it is needed
        answer = { failed: true };
      }
      if (!wanted) postMessage({ turn: order.turn, ...answer });
      await new Promise((resolve) => setTimeout(resolve)); // lets a newer order in
    }
    isBusy = false;
  }

  function measure({ level, called, corrected }) {
    const { piece, measure: measurePieces } = globalThis.overread.diameters;
    const own = new Map(corrected);
    const pieces = [];
    for (let k = 0; k < study.urls.length; k++) {
      const box = study.boxes.get(k), mask = own.get(k);
      if (mask) pieces.push(piece(mask, 1, { k, w: study.w, h: study.h }));
      else if (!own.has(k) && box && called[k]) pieces.push(piece(box.data, level, box));
    }
    return measurePieces(pieces.filter(Boolean), study.spacing);
  }

  addEventListener("message", ({ data }) => {
    if (data.scripts) {
      importScripts(...data.scripts);
      study = data;
      return;
    }
    if (!data.warm || !wanted) wanted = data;
    work();
  });
})();
