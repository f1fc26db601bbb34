// The panes in which the slice in view is painted: one, or two that are linked. What the second one shows is
// `now.second`: "reference" (then the first one shows the AI's outline only), "bare" (no overlay), or a channel.
window.overread = window.overread || {};

overread.panes = (function () {
  "use strict";

  const PICTURE_BYTES = 96 * 1024 * 1024; // decoded, four bytes a pixel
  const TWO = new Set(["linked", "swipe"]);

  const createPictures = ({ width, height }) =>
    overread.greyscale.createPictures(Math.max(16, Math.min(160, Math.floor(PICTURE_BYTES / (4 * width * height)))));

  // Series that differ from the others, as [channel, label].
  const distinct = (study) => study.channels.map(({ label, same_as: same }, i) => [i, label, same]).filter(([, , same]) => same === null);

  // What can stand beside the main view, as [second, words].
  function choices({ study, channel }) {
    const others = distinct(study).filter(([i]) => i !== channel).map(([i, label]) => [i, label]);
    return [...(study.reference_url ? [["reference", "Reference outline"]] : []), ...others, ["bare", "No overlay"]];
  }

  const firstSecond = (study, channel) => choices({ study, channel })[0][0];

  const channelOf = (now, pane) => (pane.isMain || typeof now.second !== "number" ? now.channel : now.second);
  const source = (now, pane) => overread.overlays.address(now.study.pixels_url, now.k, channelOf(now, pane));
  const channels = (now) => [...new Set([now.channel, ...now.panes.map((pane) => channelOf(now, pane))])];

  // Which overlays a pane has, besides what the reader switched off.
  function overlaysOf(now, pane) {
    if (!TWO.has(now.mode) || typeof now.second === "number") return { ai: true, reference: true };
    if (now.second === "reference") return { ai: pane.isMain, reference: !pane.isMain };
    return { ai: pane.isMain, reference: pane.isMain };
  }

  function table(now, channel) {
    const { study, invert, tables } = now;
    const window = now.windows[channel];
    const key = `${window.low} ${window.high} ${invert}`;
    if (tables.get(channel)?.key !== key) {
      const size = study.pixel_type === "uint16" ? 65536 : 256;
      tables.set(channel, { key, values: overread.greyscale.lookup(size, study.slope, study.intercept, window, invert) });
    }
    return tables.get(channel).values;
  }

  // The decoded picture of a slice as {url, isReady, done}; null while its pixels are on their way.
  function picture(now, j, channel) {
    const { study, loader, pictures, invert } = now;
    const stored = loader.get(overread.overlays.address(study.pixels_url, j, channel));
    if (!stored) return null;
    const window = now.windows[channel];
    const key = `${channel} ${j} ${window.low} ${window.high} ${invert}`;
    return pictures.get(key, () => overread.greyscale.picture(stored, study.width, study.height, table(now, channel)));
  }

  // Paint the slice in view; returns painted, decoding, missing, failed or unreadable. again() is called when it can go on.
  function paint(now, pane, again) {
    const entry = picture(now, now.k, channelOf(now, pane));
    if (!entry) return now.loader.hasFailed(source(now, pane)) ? "failed" : "missing";
    if (entry.isBroken) return "unreadable";
    if (!entry.isReady) {
      entry.done.then(again, () => {
        entry.isBroken = true;
        again();
      });
      return "decoding";
    }
    pane.screen.show(entry.url);
    pane.screen.fillOpacity(now.show.opacity);
    pane.shown = entry.url;
    return "painted";
  }

  async function create(session, id, onView) {
    const { study, view } = session;
    const settings = { width: study.width, height: study.height, spacing: study.spacing_mm, view };
    const screen = await overread.screen.create(document.getElementById(id), settings, onView);
    return { screen, isMain: id === "viewer-screen", shown: null };
  }

  // The main pane. onView(scale) is told of zoom and pan.
  async function open(session, onView) {
    session.tables = new Map();
    session.panes = [await create(session, "viewer-screen", onView)];
  }

  // Make or take away the second pane, as the mode wants it.
  async function arrange(session) {
    document.querySelector(".viewer").dataset.mode = session.mode;
    const wanted = TWO.has(session.mode);
    if (wanted && session.panes.length === 1) {
      const second = await create(session, "viewer-second", () => {});
      if (TWO.has(session.mode) && session.panes.length === 1 && overread.viewer.now === session) session.panes.push(second);
      else second.screen.dispose();
    }
    if (!wanted && session.panes.length === 2) session.panes.pop().screen.dispose();
  }

  function dispose(session) {
    for (const { screen } of session.panes) screen.dispose();
    session.panes = [];
    const viewer = document.querySelector(".viewer");
    if (viewer) viewer.dataset.mode = "one";
  }

  return { createPictures, choices, firstSecond, channels, source, channelOf, overlaysOf, picture, paint, open, arrange, dispose };
})();
