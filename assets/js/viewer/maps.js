// Maps over the image, pixel by pixel: the outline's probability, its uncertainty, where the classifier looked, the
// difference from the reference.
// The patterns of the difference are repeated in review.css, where the legend's swatches are.
window.overread = window.overread || {};

overread.maps = (function () {
  "use strict";

  const pack = (r, g, b, a) => ((a << 24) | (b << 16) | (g << 8) | r) >>> 0; // RGBA in the byte order of ImageData

  // Colours by stored value: stops are [value, r, g, b, alpha], mixed in between.
  function ramp(stops) {
    const table = new Uint32Array(256);
    for (let v = 0; v < 256; v++) {
      let s = 1;
      while (s < stops.length - 1 && v > stops[s][0]) s++;
      const [from, to] = [stops[s - 1], stops[s]];
      const t = Math.min(1, Math.max(0, (v - from[0]) / (to[0] - from[0])));
      const mixed = [1, 2, 3, 4].map((i) => Math.round(from[i] + t * (to[i] - from[i])));
      table[v] = v < stops[0][0] ? 0 : pack(...mixed);
    }
    return table;
  }

  // Dark to bright, so that the order can be read without telling the colours apart. Below 2% is noise.
  const STOPS = {
    probability: [[5, 70, 20, 110, 150], [77, 150, 40, 120, 220], [128, 221, 81, 58, 255], [179, 250, 160, 40, 255], [255, 252, 245, 170, 255]],
    uncertainty: [[5, 20, 60, 120, 130], [51, 30, 120, 190, 220], [128, 110, 200, 235, 255], [255, 240, 252, 255, 255]],
    attention: [[13, 40, 60, 110, 60], [90, 38, 130, 142, 170], [170, 80, 190, 110, 200], [255, 250, 231, 60, 225]],
  };
  const RAMPS = Object.fromEntries(Object.entries(STOPS).map(([name, stops]) => [name, ramp(stops)]));

  // The same colours without alpha for the legend, by value from left to right.
  const gradient = (name) => `linear-gradient(90deg, ${STOPS[name].map(([value, r, g, b]) => `rgb(${r} ${g} ${b}) ${((100 * value) / 255).toFixed(1)}%`).join(", ")})`;

  const BOTH = [143, 124, 240], AI_ONLY = [242, 169, 59], REFERENCE_ONLY = [86, 208, 196];

  function values(into, map, table) {
    for (let i = 0; i < map.length; i++) into[i] = table[map[i]];
  }

  // Where the masks agree: solid. AI only: diagonal stripes. Reference only: horizontal stripes.
  function difference(into, ai, reference, width, level) {
    const solid = pack(...BOTH, 190);
    const stripe = [pack(...AI_ONLY, 255), pack(...AI_ONLY, 90)], line = [pack(...REFERENCE_ONLY, 255), pack(...REFERENCE_ONLY, 90)];
    for (let i = 0; i < into.length; i++) {
      const called = ai ? ai[i] >= level : false, wanted = reference[i] > 127;
      const x = i % width, y = (i - x) / width;
      if (called && wanted) into[i] = solid;
      else if (called) into[i] = stripe[(x + y) % 4 < 2 ? 0 : 1];
      else if (wanted) into[i] = line[y % 3 === 0 ? 0 : 1];
      else into[i] = 0;
    }
  }

  // The map of the slice in view as {image: ImageData, crisp}; null where there is none, or it is on its way.
  function make(now, found) {
    const { study, k, show } = now;
    const { width, height, result } = study;
    const image = new ImageData(width, height);
    const into = new Uint32Array(image.data.buffer);
    if (show.map === "difference") {
      if (!found.reference || (overread.overlays.hasMask(now, k) && !found.ai)) return null;
      difference(into, found.ai, found.reference, width, overread.threshold.level(now));
      return { image, crisp: true };
    }
    if (!found[show.map]) return null;
    values(into, found[show.map], RAMPS[show.map]);
    if (show.map === "probability" && found.leftOut) found.leftOut.forEach((value, i) => { if (value) into[i] = RAMPS.probability[value]; });
    return { image, crisp: false };
  }

  return { make, gradient, RAMPED: Object.keys(STOPS) };
})();
