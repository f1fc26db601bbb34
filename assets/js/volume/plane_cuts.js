// The values along a cut across all slices, rows = slices: put together here where all slices are at hand, which takes
// no time and no request; else asked of the server, which cuts large studies that a browser should not hold.
window.overread = window.overread || {};

overread.planeCuts = (function () {
  "use strict";

  const BUDGET_BYTES = 48 * 1024 * 1024;
  const AHEAD = 4; // planes to either side that are fetched, where they are fetched

  const fill = (template, axis, place, channel) => template.replace("{axis}", axis).replace("{place}", place).replace("{channel}", channel);

  const lengthOf = (axis, { width, height }) => (axis === "row" ? width : height);

  // One row or column of every slice into values, as cut_plane in dashboard/api/space.py has it; sliceOf(k) gives a
  // slice's values, null leaves zeros, undefined ends it all: null.
  function along(axis, place, study, sliceOf, values) {
    const { n, width } = study, across = lengthOf(axis, study);
    for (let k = 0; k < n; k++) {
      const from = sliceOf(k);
      if (from === undefined) return null;
      if (from === null) continue;
      if (axis === "row") values.set(from.subarray(place * width, (place + 1) * width), k * across);
      else for (let y = 0; y < across; y++) values[k * across + y] = from[y * width + place];
    }
    return values;
  }

  // onChange() is called when a plane has arrived or failed.
  function create(now, onChange) {
    const { study } = now;
    const loader = overread.pixels.createLoader({ budgetBytes: BUDGET_BYTES, onChange });
    const made = new Map(); // key -> values, one for each kind and axis
    let wishes = [];

    const address = (template, k, channel) => overread.overlays.address(template, k, channel);
    const PLACES = {
      pixels: { slice: (k) => address(study.pixels_url, k, now.channel), plane: () => study.plane_url, has: () => true },
      ai: { slice: (k) => address(study.result.probability_url, k), plane: () => study.result.plane_probability_url, has: (k) => overread.overlays.hasMask(now, k) },
      reference: { slice: (k) => address(study.reference_url, k), plane: () => study.plane_reference_url, has: () => true },
      // What a correction stands on: the same answer, of the slices that were called when it was begun.
      under: { slice: (k) => address(study.result.probability_url, k), plane: () => study.result.plane_probability_url, has: (k) => corrected.under.map.has(k) },
    };
    let corrected = null; // as correctionLayer.drawn() gives it
    const numbers = new WeakMap(); // of objects that are never altered in place
    let numbered = 0;
    const numberOf = (object) => numbers.get(object) ?? (numbers.set(object, ++numbered), numbered);

    const emptyLike = (kind, size) => (kind === "pixels" && study.pixel_type === "uint16" ? new Uint16Array(size) : new Uint8Array(size));

    // From the slices at hand; null where one of them is missing.
    function gather(kind, axis, place) {
      const { slice, has } = PLACES[kind];
      const values = emptyLike(kind, study.n * lengthOf(axis, study));
      return along(axis, place, study, (k) => (has(k) ? now.loader.get(slice(k)) : null), values);
    }

    // From the server; rows of slices that have no mask are emptied.
    function fetched(kind, axis, place) {
      const { plane, has } = PLACES[kind];
      const found = loader.get(fill(plane(), axis, place, now.channel));
      if (!found) return null;
      const across = lengthOf(axis, study), values = found.slice();
      for (let k = 0; k < study.n; k++) if (!has(k)) values.fill(0, k * across, (k + 1) * across);
      return values;
    }

    function ask(kind, axis, place) {
      const length = study.n * lengthOf(axis, study), limit = axis === "row" ? study.height : study.width;
      const type = kind === "pixels" ? study.pixel_type : "uint8";
      for (let step = 0; step <= AHEAD; step++) {
        for (const at of step ? [place + step, place - step] : [place]) {
          if (at >= 0 && at < limit) wishes.push({ url: fill(PLACES[kind].plane(), axis, at, now.channel), type, length, step });
        }
      }
    }

    function keep(kind, axis, place, of, make) {
      const key = `${kind} ${axis} ${place} ${of} ${study.result?.key}`;
      const slot = `${kind} ${axis}`;
      if (made.get(slot)?.key === key) return made.get(slot);
      const values = make();
      if (!values) return null;
      made.set(slot, { key, values });
      return made.get(slot);
    }

    // {values, key} of a kind ("pixels", "ai", "reference", "under") along a row or column; null while it is on its way.
    function get(kind, axis, place) {
      const of = kind === "pixels" ? now.channel : kind === "under" ? numberOf(corrected.under) : now.calls;
      const cut = keep(kind, axis, place, of, () => gather(kind, axis, place) || fetched(kind, axis, place));
      if (!cut) ask(kind, axis, place);
      return cut;
    }

    // The same of the reader's mask, 0 or 255: slices that were touched, and what the others stand on.
    function getCorrected(mask, axis, place) {
      corrected = mask;
      const { touched, under } = mask;
      const below = under.map ? get("under", axis, place) : null;
      if (under.map && !below) return null;
      return keep("correction", axis, place, `${numberOf(touched)} ${numberOf(under)}`, () => {
        const across = lengthOf(axis, study), { width } = study, values = new Uint8Array(study.n * across);
        const at = axis === "row" ? (i) => place * width + i : (i) => i * width + place;
        for (let k = 0; k < study.n; k++) {
          const packed = touched.get(k) || (under.map ? null : under.bits(k));
          for (let i = 0, to = k * across; i < across; i++, to++) {
            const pixel = at(i);
            const inside = packed ? (packed[pixel >> 3] >> (7 - (pixel & 7))) & 1 : below.values[to] >= under.map.level;
            values[to] = inside ? 255 : 0;
          }
        }
        return values;
      });
    }

    return {
      get,
      getCorrected,
      // Before and after the cuts of a picture are asked for: what is missing is fetched, the planes in view first.
      begin: () => void (wishes = []),
      end: () => loader.want(wishes.sort((a, b) => a.step - b.step)),
      hasFailed: (axis, place) => loader.hasFailed(fill(study.plane_url, axis, place, now.channel)),
      dispose: loader.dispose,
    };
  }

  return { create, along };
})();
