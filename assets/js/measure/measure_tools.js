// The measuring tools: drawing a new measurement by drag or by clicks, choosing one, dragging its ends or all of it, keys.
// Ends and lines can be dragged while a measuring tool is chosen: then their handles are drawn, and with any other tool a
// drag is that tool's alone.
window.overread = window.overread || {};

overread.measureTools = (function () {
  "use strict";

  const END_PX = 9, LINE_PX = 6, TOUCH = 2, CLICK_PX = 4, CLOSE_PX = 10, FREEHAND_PX = 1.5;
  const COUNT = { ruler: 2, angle: 3, ellipse: 2 };
  const store = () => overread.measureStore;
  const shapes = () => overread.measureShapes;
  const state = () => overread.viewer.now;
  const isMeasuring = () => overread.tools.group() === "measure";
  let selected = null, hovered = null; // {id, handle}
  let pending = null; // {item, session}: being drawn
  let preview = null; // an item while it is dragged, in the place of the one with its id

  // ---- what is in view ----
  const seen = (now) => Boolean(now) && !now.show.hidden;

  // Everything on the slice in view: {item, isAi}.
  function here(now) {
    const own = store().items.filter(({ kind, k }) => kind !== "diameters" && k === now.k).map((item) => ({ item, isAi: false }));
    const diameters = now.show.diameters ? overread.bidimensional.all(now).filter(({ item }) => item.k === now.k) : [];
    return [...diameters, ...own].map((one) => (preview && (preview.id === one.item.id || preview.from === one.item.id) ? { ...one, item: preview.item, isAi: false } : one));
  }

  // The mask's own diameters on the slice, but for one that is being dragged, as a path.
  const lines = (now) => here(now).filter(({ isAi }) => isAi).map(({ item }) => shapes().path(item)).join("");

  function drawLines(now) {
    for (const { screen } of now.panes.filter((pane) => overread.panes.overlaysOf(now, pane).ai)) {
      const d = seen(now) ? lines(now) : "";
      if (screen.root.querySelector("path.diameters").getAttribute("d") === d) continue; // as overlays.js drew them
      screen.outline("halo", d);
      screen.outline("diameters", d);
    }
  }

  let scheduled = false;

  // Drawn once a frame, however often it is asked for.
  function render() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      paint(state());
    });
  }

  // At once: with the slice that has just been painted.
  function paint(now) {
    if (!now?.screen) return;
    if (pending && (pending.session !== now || pending.item.k !== now.k)) pending = null;
    const list = seen(now) ? here(now) : [], measuring = isMeasuring();
    const drawn = list.map(({ item, isAi }) => ({ item, isAi, isSelected: selected?.id === item.id, isHovered: measuring && hovered?.id === item.id, handle: pointedAt(item.id) }));
    if (pending && seen(now)) drawn.push({ item: pending.item, isAi: false, isSelected: true, isHovered: false, handle: null });
    drawLines(now);
    overread.measureDraw.draw(now, drawn, measuring);
  }

  const pointedAt = (id) => (hovered?.id === id && hovered.handle !== null ? hovered.handle : selected?.id === id ? selected.handle : null);

  function select(id, handle = null) {
    if (selected?.id === id && selected?.handle === handle) return;
    selected = id ? { id, handle } : null;
    overread.measureList.show();
    render();
  }

  // The end or line under a point: {one, handle or null}; ends come before lines, the nearest first.
  function pick(point, event, screen, withLines) {
    const now = state();
    if (!seen(now)) return null;
    const [sx, sy] = screen.scale(), wider = event.pointerType === "touch" ? TOUCH : 1;
    let best = null, near = END_PX * wider;
    const list = here(now);
    for (const one of list) {
      shapes().handles(one.item).forEach(([x, y], handle) => {
        const away = Math.hypot((x - point.x) * sx, (y - point.y) * sy);
        if (away < near) [best, near] = [{ one, handle }, away];
      });
    }
    if (best || !withLines) return best;
    near = LINE_PX * wider;
    for (const one of list) {
      const away = shapes().distance(one.item, [point.x, point.y], [sx, sy]);
      if (away < near) [best, near] = [{ one, handle: null }, away];
    }
    return best;
  }

  // ---- dragging what is there ----
  function drag({ one, handle }, point, screen) {
    const now = state(), { item } = one;
    if (item.kind === "diameters" && handle === null) return select(item.id) || { move() {} };
    const mask = item.kind === "diameters" ? overread.bidimensional.mask(now, item.k) : null;
    const id = one.isAi ? store().newId() : item.id;
    const spacing = shapes().spacing(now.study) || [1, 1];
    select(item.id, handle);
    document.body.classList.add("measure-dragging");
    const make = ({ x, y }) => {
      if (item.kind === "diameters") return { ...item, id, points: shapes().rounded(overread.chordDrag.drag(item.points, handle, shapes().inside([x, y], now.study), { mask, spacing, scale: screen.scale() }).map((end) => shapes().inside(end, now.study))) };
      return handle === null ? shapes().moved(item, x - point.x, y - point.y, now.study) : shapes().withHandle(item, handle, [x, y], now.study);
    };
    const finish = () => {
      const made = preview?.item;
      preview = null;
      document.body.classList.remove("measure-dragging");
      render();
      return made;
    };
    return {
      move(to) {
        preview = { id, from: item.id, item: make(to) };
        if (selected?.id !== id) selected = { id, handle };
        render();
      },
      end() {
        const made = finish();
        if (made) store().change(id, made);
      },
      cancel() {
        finish();
        select(item.id, handle);
      },
    };
  }

  // An end under the press, before the chosen tool begins anything.
  function grab(point, event, screen) {
    if (!isMeasuring() || pending) return null;
    const found = pick(point, event, screen, false);
    return found && drag(found, point, screen);
  }

  // ---- drawing a new one ----
  function begin(kind, point, event, screen) {
    const now = state();
    if (pending && pending.item.kind !== kind) pending = null;
    if (!pending) {
      const found = pick(point, event, screen, true);
      if (found) return drag(found, point, screen);
      select(null);
    }
    const at = shapes().inside([point.x, point.y], now.study);
    if (!pending) pending = { session: now, item: { id: "new", kind, k: now.k, points: [at, at] } };
    else setLast(at);
    render();
    return kind === "area" ? freehand(at, event, screen) : stretch(event);
  }

  const setLast = (at) => {
    const { item } = pending;
    pending.item = { ...item, points: [...item.points.slice(0, -1), at] };
    render();
  };

  const far = (event, start) => Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > CLICK_PX;
  const drop = () => { pending = null; render(); };

  // A press that moved sets the last point where it ends; one that did not sets it where the next press is.
  function stretch(start) {
    return {
      move: ({ x, y }) => pending && setLast(shapes().inside([x, y], state().study)),
      end({ x, y }, event) {
        if (!pending) return;
        const { points } = pending.item, isFirst = points.length === 2 && points[0] === points[1];
        if (isFirst && !far(event, start)) return; // a click: the next one sets the other end
        setLast(shapes().inside([x, y], state().study));
        advance();
      },
      cancel: drop,
    };
  }

  function advance() {
    const { item } = pending;
    if (item.points.length < COUNT[item.kind]) {
      pending.item = { ...item, points: [...item.points, item.points[item.points.length - 1]] };
      return render();
    }
    finish(item);
  }

  // A drag draws freehand and closes; clicks set corners until one is set on the first, or twice.
  function freehand(at, start, screen) {
    const { points } = pending.item, isFirst = points.length === 2 && points[0] === points[1];
    const corners = isFirst ? [] : points.slice(0, -1), line = [at];
    const [sx, sy] = screen.scale();
    return {
      move(point, event) {
        if (!pending || (line.length === 1 && !far(event, start))) return;
        const next = shapes().inside([point.x, point.y], state().study), last = line[line.length - 1];
        if (Math.hypot((next[0] - last[0]) * sx, (next[1] - last[1]) * sy) < FREEHAND_PX) return;
        line.push(next);
        pending.item = { ...pending.item, points: [...corners, ...line] };
        render();
      },
      end() {
        if (!pending) return;
        const all = [...corners, ...line];
        const onFirst = corners.length > 2 && Math.hypot((at[0] - corners[0][0]) * sx, (at[1] - corners[0][1]) * sy) < CLOSE_PX;
        if (onFirst) return finish({ ...pending.item, points: corners });
        if (line.length > 3) return finish({ ...pending.item, points: overread.geometry.simplify(all, 0.6 / Math.min(sx, sy)) });
        pending.item = { ...pending.item, points: [...all, at] };
        render();
      },
      cancel: drop,
    };
  }

  // Corners set so far, without the one that follows the pointer and what a double click set twice.
  function closeArea() {
    if (pending?.item.kind !== "area") return;
    const kept = pending.item.points.slice(0, -1).filter(([x, y], i, all) => !i || Math.hypot(x - all[i - 1][0], y - all[i - 1][1]) > 1e-6);
    finish({ ...pending.item, points: kept });
  }

  function finish(item) {
    pending = null;
    const size = item.kind === "area" ? overread.geometry.polygonArea(item.points, null) : Math.max(...item.points.map((point) => overread.geometry.distance(point, item.points[0], null)));
    const fits = item.points.length >= (COUNT[item.kind] || 3) && size > 0.2 && (item.kind !== "ellipse" || overread.geometry.ellipseArea(item.points, null) > 0.2);
    if (!fits) return render();
    const id = store().newId();
    selected = { id, handle: null };
    store().change(id, { id, kind: item.kind, k: item.k, points: shapes().rounded(item.points).slice(0, 1000) });
  }

  function hover(point) {
    if (pending) setLast(shapes().inside([point.x, point.y], state().study));
  }

  // ---- hovering, while measuring ----
  function onMove(event) {
    const now = state();
    if (!now?.screen || event.buttons) return;
    const pane = now.panes.find(({ screen }) => screen.root.contains(event.currentTarget));
    const found = !pending && pane && isMeasuring() ? pick(pane.screen.toImage(event.clientX, event.clientY), event, pane.screen, true) : null;
    const next = found ? { id: found.one.item.id, handle: found.handle } : null;
    event.currentTarget.classList.toggle("measure-grab", Boolean(found));
    if (next?.id === hovered?.id && next?.handle === hovered?.handle) return;
    hovered = next;
    render();
  }

  function mount(signal) {
    selected = hovered = pending = preview = null;
    const removers = Object.keys(shapes().NAMES).filter((kind) => kind !== "diameters").map((kind) =>
      overread.tools.add({ name: kind, group: "measure", cursor: "crosshair", hover, begin: (...given) => begin(kind, ...given), double: closeArea }));
    for (const surface of document.querySelectorAll(".screen-surface")) surface.addEventListener("pointermove", onMove, { signal });
    for (const name of ["threshold", "view", "display", "channel", "mode", "measures"]) removers.push(overread.viewer.on(name, render));
    removers.push(overread.viewer.on("painted", paint));
    removers.push(store().on(render), overread.bidimensional.on(render), overread.measureKeys.mount(signal));
    removers.push(overread.viewer.on("display", ({ tool }) => pending && pending.item.kind !== tool && drop()));
    return () => removers.forEach((remove) => remove());
  }

  return {
    mount, grab, select, here, lines, closeArea, drop, render,
    get selected() { return selected; },
    get pending() { return pending; },
  };
})();
