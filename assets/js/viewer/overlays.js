// What lies over the slice in view: outlines, fill, diameters, one of the maps. viewer.js asks for it with each drawing.
window.overread = window.overread || {};

overread.overlays = (function () {
  "use strict";

  const MOST_PATHS = 600; // of all slices and of the thresholds that were tried
  const LINES = ["ai", "fill", "reference", "leftOut", "band", "halo", "diameters"];
  const MAP_URLS = { probability: "probability_url", uncertainty: "disagreement_url", attention: "attention_url" }; // of a result
  const address = (template, k, channel) => template.replace("{channel}", channel).replace("{slice}", k);

  // Only slices that are called and that the segmenter was run on have a mask.
  const hasMask = (now, k) => Boolean(now.study.result) && overread.calls.isCalled(now, k) && now.study.result.slices[k].outline_evidence !== null;

  // [name, address] of every map that a slice needs as it is shown now.
  function sources(now, k) {
    const { study, show } = now;
    const { result } = study;
    const found = [];
    if (hasMask(now, k)) found.push(["ai", address(result.probability_url, k)]);
    if (overread.leftOut.pixels({ study, k })) found.push(["leftOut", address(result.left_out_url, k)]);
    if (study.reference_url) found.push(["reference", address(study.reference_url, k)]);
    const outlined = result && result.slices[k].outline_evidence !== null;
    if (outlined && MAP_URLS[show.map]) found.push([show.map, address(result[MAP_URLS[show.map]], k)]);
    return found;
  }

  function path(now, url, level) {
    const key = `${url} ${level}`;
    const { study, paths, loader } = now;
    if (paths.has(key)) return paths.get(key);
    const map = loader.get(url);
    if (!map) return null;
    const d = overread.contours.path(map, study.width, study.height, level);
    if (paths.size >= MOST_PATHS) paths.clear();
    paths.set(key, d);
    return d;
  }

  // Lines at both ends of the band of thresholds: a cue besides the colours.
  const band = (now, url) => overread.threshold.BAND.map((threshold) => path(now, url, overread.threshold.toLevel(threshold) - 0.5)).join("");

  // Draws them in a pane; returns whether one of them failed to load.
  function draw(now, pane) {
    const { show, loader, k, study } = now;
    const { screen } = pane;
    const has = overread.panes.overlaysOf(now, pane);
    const d = { ai: "", reference: "", leftOut: "", band: "" };
    const found = {};
    let missing = false;
    for (const [name, url] of sources(now, k)) {
      found[name] = loader.get(url);
      if (!found[name]) missing ||= loader.hasFailed(url);
      else if (name === "ai") d.ai = path(now, url, overread.threshold.level(now) - 0.5);
      else if (name === "reference") d.reference = path(now, url, 127.5);
      else if (name === "leftOut") d.leftOut = path(now, url, overread.threshold.toLevel(study.result.mask_threshold) - 0.5);
      else if (name === "probability") d.band = band(now, url);
    }
    const seen = !show.hidden;
    const ai = seen && has.ai;
    screen.outline("ai", ai && show.ai ? d.ai : "");
    screen.outline("fill", ai && show.ai && show.fill ? d.ai : "");
    screen.outline("reference", seen && has.reference && show.reference ? d.reference : "");
    screen.outline("leftOut", ai && show.ai ? d.leftOut : "");
    screen.outline("band", ai ? d.band : "");
    const lines = ai ? overread.measureTools.lines(now) : "";
    screen.outline("halo", lines);
    screen.outline("diameters", lines);
    overread.correctionLayer.draw(now, pane);
    screen.map(ai && show.map !== "none" && study.result ? overread.maps.make(now, found) : null, show.mapOpacity);
    return missing;
  }

  function clear(screen) {
    for (const name of LINES) screen.outline(name, "");
    screen.map(null);
  }

  return { address, hasMask, sources, draw, clear };
})();
