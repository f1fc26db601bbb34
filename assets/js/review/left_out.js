// Pieces that were outlined and left out of the mask, since they are small beside the lesion: a dotted outline on the
// slice (overlays.js), and here its words. Without them a conflict would point at nothing.
window.overread = window.overread || {};

overread.leftOut = (function () {
  "use strict";

  const pixels = ({ study: { result }, k }) => result?.slices[k].left_out_px || 0;

  function show(now) {
    const node = document.getElementById("finding-left-out"), px = pixels(now);
    node.hidden = px === 0;
    node.textContent = px ? `Dotted: ${overread.amounts.areaWords(px, now.study)} that was outlined here and left out of the mask, as it is small beside the lesion.` : "";
  }

  function mount() {
    const removers = ["open", "result", "slice"].map((name) => overread.viewer.on(name, show));
    return () => removers.forEach((remove) => remove());
  }

  return { mount, pixels };
})();
