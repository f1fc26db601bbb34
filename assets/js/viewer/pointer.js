// Wheel and drags on the image. As PACS do it: left drag is the chosen tool, right drag zooms, middle or Shift drag
// moves, Ctrl + wheel or a pinch zooms, a double click puts the window back unless the tool wants it.
window.overread = window.overread || {};

overread.pointer = (function () {
  "use strict";

  const NOTCH = 60; // a wheel's notch reports 100 or more at once, a trackpad a stream of small steps
  const TRACKPAD_STEP = 40;
  const PAUSE_MS = 250;

  const viewer = () => overread.viewer;
  const state = () => overread.viewer.now;
  const wheel = { sum: 0, at: 0 };

  // The pane on whose surface an event happened.
  const paneOf = (event) => state().panes.find(({ screen }) => screen.root.contains(event.currentTarget)) || state().panes[0];
  const screenOf = (event) => paneOf(event).screen;

  function onWheel(event) {
    if (!state()) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 40 : event.deltaMode === 2 ? 400 : 1;
    const delta = (event.deltaY || event.deltaX) * unit;
    if (event.ctrlKey) {
      screenOf(event)?.zoomBy(Math.exp(-Math.max(-120, Math.min(120, delta)) / 300), event.clientX, event.clientY);
      return;
    }
    if (event.timeStamp - wheel.at > PAUSE_MS || Math.sign(delta) !== Math.sign(wheel.sum)) wheel.sum = 0;
    wheel.at = event.timeStamp;
    if (Math.abs(delta) >= NOTCH) {
      wheel.sum = 0;
      viewer().goTo(state().k + Math.sign(delta));
      return;
    }
    wheel.sum += delta;
    const steps = Math.trunc(wheel.sum / TRACKPAD_STEP);
    wheel.sum -= steps * TRACKPAD_STEP;
    if (steps) viewer().goTo(state().k + steps);
  }

  const pan = () => ({ move: (_, event, last) => state().screen?.panBy(event.clientX - last.x, event.clientY - last.y) });

  function zoom(_, event, screen) {
    const { clientX, clientY } = event;
    return { move: (point, moved, last) => screen?.zoomBy(Math.exp(-(moved.clientY - last.y) / 150), clientX, clientY) };
  }

  function windowAndLevel(_, event) {
    const { windows, study } = state();
    const channel = overread.panes.channelOf(state(), paneOf(event));
    const { low, high } = windows[channel];
    const home = study.windows[channel];
    const perPixel = Math.max(home[1] - home[0], 1e-6) / 300;
    return {
      move(point, moved) {
        const width = Math.max(perPixel, high - low + (moved.clientX - event.clientX) * perPixel);
        const level = (low + high) / 2 + (moved.clientY - event.clientY) * perPixel;
        viewer().display({ channel, window: { low: level - width / 2, high: level + width / 2 } });
      },
    };
  }

  // What a press begins: {move(point, event, last), end(point, event), cancel()}, or nothing.
  function begin(event, point, screen) {
    if (event.button === 1 || (event.button === 0 && event.shiftKey)) return pan();
    if (event.button === 2) return zoom(point, event, screen);
    if (event.button !== 0) return null;
    return overread.measureTools.grab(point, event, screen) || overread.tools.current()?.begin(point, event, screen);
  }

  function onPointerDown(event) {
    if (!state()?.screen) return;
    const surface = event.currentTarget;
    const screen = screenOf(event);
    const session = state();
    const at = (moved) => screen.toImage(moved.clientX, moved.clientY);
    const action = begin(event, at(event), screen);
    if (!action) return;
    surface.setPointerCapture(event.pointerId);
    event.preventDefault();
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur(); // keys belong to the image again
    session.dragging = true;
    let last = { x: event.clientX, y: event.clientY };
    const done = new AbortController();
    const { signal } = done;
    const mine = (run) => (moved) => moved.pointerId === event.pointerId && run(moved);
    const finish = (how) => mine((moved) => {
      session.dragging = false;
      done.abort();
      if (state() === session) action[how]?.(at(moved), moved);
    });
    surface.addEventListener("pointermove", mine((moved) => {
      if (state() !== session) return;
      action.move?.(at(moved), moved, last);
      last = { x: moved.clientX, y: moved.clientY };
    }), { signal });
    surface.addEventListener("pointerup", finish("end"), { signal });
    surface.addEventListener("pointercancel", finish("cancel"), { signal });
  }

  function onHover(event) {
    if (!state()?.screen || event.buttons) return;
    overread.tools.current()?.hover?.(screenOf(event).toImage(event.clientX, event.clientY), event);
  }

  function onDouble(event) {
    if (!state()?.screen) return;
    const tool = overread.tools.current();
    if (tool?.double) return tool.double(screenOf(event).toImage(event.clientX, event.clientY), event);
    homeWindow(overread.panes.channelOf(state(), paneOf(event)));
  }

  function homeWindow(channel = state().channel) {
    const [low, high] = state().study.windows[channel];
    viewer().display({ channel, window: { low, high } });
  }

  function mount(signal) {
    for (const surface of document.querySelectorAll(".screen-surface")) {
      surface.addEventListener("wheel", onWheel, { passive: false, signal });
      surface.addEventListener("pointerdown", onPointerDown, { signal });
      surface.addEventListener("pointermove", onHover, { signal });
      surface.addEventListener("pointerleave", () => state() && overread.tools.current()?.leave?.(), { signal });
      surface.addEventListener("dblclick", onDouble, { signal });
      surface.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
    }
    document.getElementById("viewer-strip").addEventListener("wheel", onWheel, { passive: false, signal });
    const removers = [
      overread.tools.add({ name: "window", group: "view", begin: windowAndLevel }),
      overread.tools.add({ name: "zoom", group: "view", cursor: "zoom-in", begin: zoom }),
    ];
    return () => removers.forEach((remove) => remove());
  }

  return { homeWindow, mount };
})();
