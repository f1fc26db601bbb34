// Keys and buttons of the measurements. While a mask is edited, undo and redo are the edit's: then these keys are gone.
window.overread = window.overread || {};

overread.measureKeys = (function () {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const store = () => overread.measureStore;
  const tools = () => overread.measureTools;
  const shapes = () => overread.measureShapes;
  const state = () => overread.viewer.now;
  const go = (run) => (event) => state() && run(state(), event);
  const tool = (name) => go(() => overread.tools.choose(name));

  const chosen = (now) => tools().here(now).find(({ item }) => item.id === tools().selected?.id);

  // The next one on the slice, round the end.
  function next(now) {
    const list = tools().here(now);
    const at = list.findIndex(({ item }) => item.id === tools().selected?.id);
    if (list.length) tools().select(list[(at + 1) % list.length].item.id);
  }

  // All of it, then its ends one after the other.
  function nextEnd(now) {
    const one = chosen(now);
    if (!one) return next(now);
    const count = shapes().handles(one.item).length, { handle } = tools().selected;
    const last = handle === null ? -1 : handle;
    tools().select(one.item.id, last + 1 < count ? last + 1 : null);
  }

  const nudge = (dx, dy) => go((now) => {
    const one = chosen(now);
    if (!one) return;
    const { item, isAi } = one, { handle } = tools().selected, { study } = now;
    if (item.kind === "diameters") return handle !== null && nudgeDiameters(now, item, isAi, [dx, dy]);
    const [x, y] = shapes().handles(item)[handle ?? 0];
    store().change(item.id, handle === null ? shapes().moved(item, dx, dy, study) : shapes().withHandle(item, handle, [x + dx, y + dy], study));
  });

  // By keys nothing snaps: a step of one pixel would never leave the border.
  function nudgeDiameters(now, item, isAi, [dx, dy]) {
    const { handle } = tools().selected, [x, y] = item.points[handle];
    const settings = { mask: overread.bidimensional.mask(now, item.k), spacing: shapes().spacing(now.study) || [1, 1], scale: [1e6, 1e6] };
    const id = isAi ? store().newId() : item.id;
    const points = overread.chordDrag.drag(item.points, handle, shapes().inside([x + dx, y + dy], now.study), settings);
    store().change(id, { ...item, id, points: shapes().rounded(points.map((point) => shapes().inside(point, now.study))) });
    tools().select(id, handle);
  }

  function remove(id = tools().selected?.id) {
    const item = store().items.find((one) => one.id === id);
    if (!item) return;
    store().change(id, null);
    tools().select(null);
  }

  // A measurement of the chosen kind in the middle of what is in view: its ends are then moved by keys.
  function place(now) {
    const kind = overread.tools.group() === "measure" ? now.tool : "ruler";
    const box = now.screen.root.getBoundingClientRect(), [sx, sy] = now.screen.scale();
    const { x, y } = now.screen.toImage(box.left + box.width / 2, box.top + box.height / 2);
    const at = (dx, dy) => shapes().inside([x + dx / sx, y + dy / sy], now.study);
    const points = { ruler: [at(-60, 0), at(60, 0)], angle: [at(-60, -60), at(-60, 60), at(60, 60)], area: [at(-50, -50), at(50, -50), at(50, 50), at(-50, 50)], ellipse: [at(-60, -40), at(60, 40)] }[kind];
    const id = store().newId();
    store().change(id, { id, kind, k: now.k, points: shapes().rounded(points) });
    tools().select(id);
  }

  const undo = () => store().undo();
  const redo = () => store().redo();

  const TOOLS = [
    { id: "measure.ruler", key: "k", label: "Ruler", run: tool("ruler") },
    { id: "measure.angle", key: "a", label: "Angle", run: tool("angle") },
    { id: "measure.area", key: "q", label: "Area, freehand or by corners", run: tool("area") },
    { id: "measure.ellipse", key: "o", label: "Ellipse with statistics", run: tool("ellipse") },
    { id: "measure.next", key: "Shift+k", label: "Select the next measurement on the slice", repeat: true, run: go(next) },
    { id: "measure.end", key: "Shift+o", label: "Select its next end", repeat: true, run: go(nextEnd) },
    { id: "measure.left", key: "Shift+ArrowLeft", label: "Move what is selected by one pixel", repeat: true, run: nudge(-1, 0) },
    { id: "measure.right", key: "Shift+ArrowRight", repeat: true, run: nudge(1, 0) },
    { id: "measure.up", key: "Shift+ArrowUp", repeat: true, run: nudge(0, -1) },
    { id: "measure.down", key: "Shift+ArrowDown", repeat: true, run: nudge(0, 1) },
    { id: "measure.delete", key: "Delete", label: "Delete the selected measurement", run: go(() => remove()) },
  ];
  const STEPS = [
    { id: "measure.undo", key: "Ctrl+z", label: "Undo a measurement", repeat: true, run: go(undo) },
    { id: "measure.redo", key: "Ctrl+Shift+z", label: "Do it again", repeat: true, run: go(redo) },
    { id: "measure.redo-y", key: "Ctrl+y", repeat: true, run: go(redo) },
  ];

  // Enter and Escape belong to a measurement that is being drawn; Escape also lets go of a selected one.
  function onKey(event) {
    if (event.key !== "Escape" && event.key !== "Enter") return;
    if (tools().pending) {
      event.preventDefault();
      event.stopPropagation();
      if (event.key === "Enter") tools().closeArea();
      else tools().drop();
    } else if (event.key === "Escape" && tools().selected && !document.querySelector("dialog[open]")) tools().select(null);
  }

  function showButtons() {
    byId("measure-undo").disabled = !store().canUndo;
    byId("measure-redo").disabled = !store().canRedo;
    byId("measure-delete").disabled = !store().items.some(({ id }) => id === tools().selected?.id);
    byId("measure-note").textContent = !state() || state().study.spacing_mm ? "" : "The input has no pixel spacing: lengths are in pixels.";
  }

  function mount(signal) {
    let takeSteps = null;
    const keepSteps = () => {
      const isEditing = overread.tools.group() === "edit";
      if (isEditing && takeSteps) takeSteps = void takeSteps();
      else if (!isEditing && !takeSteps) takeSteps = overread.keys.add("Measurements: undo", STEPS);
    };
    document.addEventListener("keydown", onKey, { capture: true, signal });
    for (const [id, run] of [["measure-undo", undo], ["measure-redo", redo], ["measure-delete", () => remove()], ["measure-place", place]]) {
      byId(id).addEventListener("click", (event) => {
        if (event.detail) event.currentTarget.blur();
        if (state()?.screen) run(state());
      }, { signal });
    }
    const removers = [overread.keys.add("Measurements", TOOLS), store().on(showButtons), overread.viewer.on("open", showButtons), overread.viewer.on("display", keepSteps)];
    keepSteps();
    return () => {
      removers.forEach((stop) => stop());
      takeSteps?.();
    };
  }

  return { mount, remove, showButtons };
})();
