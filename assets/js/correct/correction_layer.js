// Draws the reader's mask over the slice: a double line of its own colour, filled where the fill is on, and whatever
// the tools draw beside it (the brush, a polygon in the making). viewer.js asks with each slice that it paints.
window.overread = window.overread || {};

overread.correctionLayer = (function () {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const found = new WeakMap(); // outlines, by the packed mask that they are of
  let version = null; // {number, author, base, source} of a saved version that is shown in place of the mask in hand
  let scheduled = false;

  function part(layer, name) {
    const known = layer.querySelector(`.${name}`);
    if (known) return known;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    layer.append(path);
    return path;
  }

  const outline = (mask, { width, height }) => overread.contours.path(mask, width, height, 0.5);

  function packedOutline(bits, study) {
    if (!found.has(bits)) found.set(bits, outline(overread.maskBits.unpack(bits, study.width * study.height), study));
    return found.get(bits);
  }

  // The outline of the slice in view, "" where there is nothing to show.
  function current(now) {
    const { correction } = overread;
    const { state } = correction;
    if (!state) return "";
    if (state.live?.k === now.k) return outline(state.live.mask, now.study);
    if (version) return packedOutline(version.source.bits(now.k), now.study);
    if (!correction.isThere()) return "";
    const bits = correction.bits(now.k);
    if (!bits) void correction.fetchBase(now.k);
    return bits ? packedOutline(bits, now.study) : "";
  }

  // Called for every pane that is painted.
  function draw(now, pane) {
    const { show } = now;
    const seen = !show.hidden && show.correction !== false && overread.panes.overlaysOf(now, pane).ai;
    const d = seen ? current(now) : "";
    const layer = pane.screen.layer("correction");
    for (const name of ["correction-fill", "correction-line", "correction-core"]) {
      const wanted = name === "correction-fill" && !show.fill ? "" : d;
      const path = part(layer, name);
      if (path.getAttribute("d") !== wanted) path.setAttribute("d", wanted);
    }
    layer.style.setProperty("--correction-opacity", String(show.opacity));
    layer.dataset.version = version ? version.number : "";
  }

  // Once a frame, however many moves of the pointer came in between; the slice itself is not drawn again.
  function invalidate() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      const { now } = overread.viewer;
      for (const pane of now?.panes || []) if (pane.shown) draw(now, pane);
    });
  }

  // Whether a mask of the reader's, or a version, is drawn on slices that have one.
  function isShown({ show }) {
    return !show.hidden && show.correction !== false && (version !== null || overread.correction.isThere());
  }

  const UNTOUCHED = new Map();

  // The mask that is drawn where it is not hidden: {touched, under, spec}, the packed masks by slice, the source of all
  // others and what it is called on the server; null where there is none.
  function drawn() {
    if (version) return { touched: UNTOUCHED, under: version.source, spec: version.base.spec };
    if (!overread.correction.isThere()) return null;
    const { touched, base } = overread.correction.state;
    return { touched, under: base.under, spec: base.spec };
  }

  // line: {number, author, base, mask} or null. Drawing anything goes back to the mask in hand.
  function showVersion(line) {
    const { now } = overread.viewer;
    version = line && now ? { number: line.number, author: line.author, base: line.base, source: overread.maskSources.ofSlices(now.study, line.mask) } : null;
    if (version && now.show.correction === false) overread.viewer.display({ show: { correction: true } });
    invalidate();
    document.dispatchEvent(new CustomEvent("overread:correction"));
  }

  function putAway() {
    if (!version) return invalidate();
    overread.editBar.say(`Version ${version.number} is not shown any more: the tools work on your own mask.`);
    return showVersion(null);
  }

  function mount() {
    const { on } = overread.correction;
    const removers = [
      on("change", () => (version ? showVersion(null) : invalidate())),
      on("live", (state) => (state.live ? putAway() : invalidate())),
      on("loaded", invalidate),
      on("close", () => { version = null; }),
    ];
    return () => removers.forEach((remove) => remove());
  }

  return { draw, drawn, invalidate, isShown, showVersion, mount, get version() { return version; }, get versionShown() { return version?.number ?? null; } };
})();
