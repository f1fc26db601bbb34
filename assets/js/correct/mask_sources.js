// Where whole masks come from, slice by slice: the AI's answer at a threshold, the reference, a mask that was saved,
// none at all. A source: area(k) in pixels or null while unknown, bits(k) packed or null while its map is on its way,
// load(k) fetches it. Where they are maps of a result, `map` says how: {has(k), level}.
window.overread = window.overread || {};

overread.maskSources = (function () {
  "use strict";

  const KEPT = 8; // slices of each source that are kept packed; the maps lie in the viewer's loader and the browser's cache

  const zeros = ({ width, height }) => new Uint8Array(Math.ceil((width * height) / 8));

  async function fetchMap(now, url) {
    const known = now.loader.get(url);
    if (known) return known;
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  }

  // From maps of uint8: url(k) or null where the mask is empty, level the smallest value inside.
  function fromMaps(now, url, level, area) {
    const empty = zeros(now.study);
    const kept = new Map();
    const keep = (k, map) => {
      const mask = new Uint8Array(map.length);
      for (let i = 0; i < map.length; i++) mask[i] = map[i] >= level ? 1 : 0;
      const bits = overread.maskBits.pack(mask);
      kept.delete(k);
      kept.set(k, bits);
      if (kept.size > KEPT) kept.delete(kept.keys().next().value);
      return bits;
    };
    const bits = (k) => {
      if (!url(k)) return empty;
      if (kept.has(k)) return kept.get(k);
      const map = now.loader.get(url(k));
      return map ? keep(k, map) : null;
    };
    return { area, bits, load: async (k) => bits(k) || keep(k, await fetchMap(now, url(k))) };
  }

  // The AI's mask of a result as it stands, with a threshold and an operating point: {threshold, operating_point}.
  function ofAi(now, { threshold, operating_point: point }) {
    const { result } = now.study;
    const level = overread.threshold.toLevel(threshold);
    const hasMask = (k) => overread.calls.reaches(result.slices[k], point) && result.slices[k].outline_evidence !== null;
    const shipped = point === null && level === overread.threshold.toLevel(result.mask_threshold);
    const area = (k) => {
      if (!hasMask(k)) return 0;
      return shipped ? result.slices[k].mask_area_px : (now.measures?.areas[k]?.[level] ?? null);
    };
    const url = (k) => (hasMask(k) ? overread.overlays.address(result.probability_url, k) : null);
    return { ...fromMaps(now, url, level, area), map: { has: hasMask, level } };
  }

  function ofReference(now) {
    const { reference_url: template } = now.study;
    return template ? fromMaps(now, (k) => overread.overlays.address(template, k), 128, (k) => now.referenceAreas[k]) : null;
  }

  // slices: Map of packed masks by position; the others are empty.
  function ofSlices(study, slices) {
    const empty = zeros(study);
    const bits = (k) => slices.get(k) || empty;
    const areas = new Map([...slices].map(([k, mask]) => [k, overread.maskBits.count(mask)]));
    return { area: (k) => areas.get(k) || 0, bits, load: async (k) => bits(k) };
  }

  return { zeros, ofAi, ofReference, ofSlices };
})();
