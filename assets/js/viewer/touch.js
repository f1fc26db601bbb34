// Two fingers on the image: together they zoom and move it, whatever the tool. One finger is the tool's (pointer.js);
// what it has begun is taken back when the second one comes.
window.overread = window.overread || {};

overread.touch = (function () {
  "use strict";

  const fingers = new Map(); // pointerId -> {x, y}
  let pinching = false; // until every finger has gone: the one that is left must not draw
  let before = null; // the window as the first finger found it, and its channel

  const state = () => overread.viewer.now;
  const paneOf = (surface) => state()?.panes.find(({ screen }) => screen.root.contains(surface)) || state()?.panes[0];

  function spread() {
    const [a, b] = [...fingers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, length: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
  }

  function onDown(event) {
    if (event.pointerType !== "touch" || !state()) return;
    if (event.isPrimary) {
      fingers.clear(); // one of an earlier touch may have left unseen
      pinching = false;
      const pane = paneOf(event.currentTarget);
      const channel = pane ? overread.panes.channelOf(state(), pane) : state().channel;
      before = { channel, window: { ...state().windows[channel] } };
    }
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size < 2) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (pinching) return;
    pinching = true;
    const surface = event.currentTarget;
    for (const id of fingers.keys()) if (id !== event.pointerId) surface.dispatchEvent(new PointerEvent("pointercancel", { pointerId: id }));
    overread.viewer.display(before);
  }

  function onMove(event) {
    if (!fingers.has(event.pointerId)) return;
    const from = fingers.size > 1 ? spread() : null;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (!pinching) return;
    event.stopImmediatePropagation();
    const screen = paneOf(event.currentTarget)?.screen;
    if (!from || !screen) return;
    const to = spread();
    screen.panBy(to.x - from.x, to.y - from.y); // first: what lay between the fingers goes on lying there
    screen.zoomBy(to.length / from.length, to.x, to.y);
  }

  function onEnd(event) {
    if (!event.isTrusted || !fingers.delete(event.pointerId)) return;
    if (pinching) event.stopImmediatePropagation();
  }

  function mount(signal) {
    fingers.clear();
    for (const surface of document.querySelectorAll(".screen-surface")) {
      surface.addEventListener("pointerdown", onDown, { capture: true, signal });
      surface.addEventListener("pointermove", onMove, { capture: true, signal });
      for (const name of ["pointerup", "pointercancel"]) surface.addEventListener(name, onEnd, { capture: true, signal });
    }
    return () => fingers.clear();
  }

  return { mount };
})();
