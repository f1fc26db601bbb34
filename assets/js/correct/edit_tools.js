// What a drag or a click on the image does to the reader's mask: brush, eraser, polygon that adds or cuts out, fill.
// While a stroke is drawn it is shown live; only when it ends it becomes a step that can be taken back. Alt, and the
// other end of a pen, turn brush and eraser round.
window.overread = window.overread || {};

overread.editTools = (function () {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const SMALLEST = 1, LARGEST = 80;
  const NEAR_PX = 10; // of the screen: a click that close to the first point closes a polygon
  const LASSO_PX = 6; // of the screen, between points that are drawn in one drag

  const PEN_ERASER = 32;
  const brush = { size: 9 };
  let outline = null; // the polygon in the making: {k, points, value, at: where the pointer is}

  const viewer = () => overread.viewer;
  const correction = () => overread.correction;

  function size(study) {
    const { width, height, spacing_mm: mm } = study;
    return { width, height, unit: overread.geometry.pixelUnit(mm) };
  }

  // A copy of the slice in view to draw on, or null with a sentence why not.
  function begin() {
    const { k } = viewer().now;
    if (overread.correctionStore.isLoading) return overread.editBar.say("Your correction is still loading.");
    const mask = correction().mask(k);
    if (mask) return { k, mask };
    void correction().fetchBase(k);
    return overread.editBar.say("The mask of this slice is still loading.");
  }

  // ---- the mark of the brush ----
  function mark(name, make) {
    const layer = viewer().now?.screen?.layer("edit");
    if (!layer) return null;
    const known = layer.querySelector(`.${name}`);
    if (known || !make) return known;
    const node = document.createElementNS(SVG, make);
    node.setAttribute("class", name);
    layer.append(node);
    return node;
  }

  function showBrush(point) {
    if (!point) return mark("edit-brush")?.remove();
    const ring = mark("edit-brush", "ellipse");
    const { unit } = size(viewer().now.study);
    const values = { cx: point.x, cy: point.y, rx: brush.size / 2 / unit[0], ry: brush.size / 2 / unit[1] };
    for (const [name, value] of Object.entries(values)) ring?.setAttribute(name, value);
    return ring;
  }

  // ---- brush and eraser ----
  function stroke(value) {
    return (point, event) => {
      const drawn = begin();
      if (!drawn) return null;
      const turned = event.altKey || Boolean(event.buttons & PEN_ERASER);
      const set = turned ? 1 - value : value;
      const image = size(viewer().now.study);
      let last = point;
      const to = (next) => {
        overread.maskShapes.stroke(drawn.mask, image, last, next, brush.size / 2, set);
        last = next;
        correction().showLive(drawn);
        showBrush(next);
      };
      to(point);
      return {
        move: to,
        end: () => correction().change(set ? "Brush" : "Eraser", [drawn]),
        cancel: () => correction().showLive(null),
      };
    };
  }

  function setSize(wanted) {
    brush.size = Math.min(LARGEST, Math.max(SMALLEST, Math.round(wanted)));
    const ring = mark("edit-brush");
    if (ring) showBrush({ x: Number(ring.getAttribute("cx")), y: Number(ring.getAttribute("cy")) });
    overread.editBar.showSize(brush.size);
  }

  // Small brushes by one, large ones by more.
  const resize = (direction) => setSize(brush.size + direction * Math.max(1, Math.round(brush.size / 8)));

  // ---- polygons ----
  function drawOutline() {
    const { points, at } = outline || { points: [] };
    if (!points.length) {
      for (const name of ["edit-polygon-halo", "edit-polygon", "edit-first"]) mark(name)?.remove();
      return;
    }
    const d = [...points, ...(at ? [at] : [])].map(({ x, y }, i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");
    for (const name of ["edit-polygon-halo", "edit-polygon"]) mark(name, "path")?.setAttribute("d", d);
    const first = mark("edit-first", "ellipse");
    const [sx, sy] = viewer().now.screen.scale();
    for (const [name, value] of Object.entries({ cx: points[0].x, cy: points[0].y, rx: 4 / sx, ry: 4 / sy })) first?.setAttribute(name, value);
  }

  function distance(a, b) {
    const [sx, sy] = viewer().now.screen.scale();
    return Math.hypot((a.x - b.x) * sx, (a.y - b.y) * sy);
  }

  function addPoint(value) {
    return (point) => {
      const { k } = viewer().now;
      if (outline && (outline.k !== k || outline.value !== value)) dropOutline();
      if (outline?.points.length > 2 && distance(point, outline.points[0]) < NEAR_PX) {
        closeOutline();
        return null;
      }
      outline ||= { k, value, points: [], at: null };
      const { points } = outline;
      if (!points.length || distance(point, points.at(-1)) >= 2) points.push(point); // the second click of a double one adds nothing
      drawOutline();
      const mine = outline;
      return {
        move(next) {
          if (outline !== mine) return;
          if (distance(next, points.at(-1)) >= LASSO_PX) points.push(next);
          drawOutline();
        },
        cancel: dropOutline,
      };
    };
  }

  function hoverOutline(point) {
    if (!outline) return;
    outline.at = point;
    drawOutline();
  }

  function dropOutline() {
    outline = null;
    drawOutline();
  }

  function dropLastPoint() {
    outline.points.pop();
    if (!outline.points.length) outline = null;
    drawOutline();
  }

  function closeOutline() {
    const { points, value, k } = outline;
    if (points.length < 3) return overread.editBar.say("A polygon has three points or more.");
    dropOutline();
    const drawn = k === viewer().now.k && begin();
    if (!drawn) return null;
    overread.maskShapes.polygon(drawn.mask, size(viewer().now.study), points, value);
    return correction().change(value ? "Polygon" : "Cut out", [drawn]);
  }

  // Enter, Escape and Backspace belong to the polygon while one is being made.
  function outlineKey(event) {
    if (!outline || document.querySelector("dialog[open]")) return;
    const run = { Enter: closeOutline, Escape: dropOutline, Backspace: dropLastPoint }[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  }

  // ---- fill ----
  function fill(point, event) {
    const { study } = viewer().now;
    const drawn = begin();
    if (!drawn || point.x < 0 || point.y < 0 || point.x >= study.width || point.y >= study.height) return null;
    const { pixels, value, open } = overread.maskShapes.region(drawn.mask, size(study), point);
    if (value && !event.altKey) return overread.editBar.say("Click into a hole to fill it. With Alt, a click on a piece of the mask takes it away.");
    if (!value && open) return overread.editBar.say("This is no hole: it reaches the edge of the image.");
    drawn.mask.forEach((_, i) => { if (pixels[i]) drawn.mask[i] = 1 - value; });
    correction().change(value ? "Piece taken away" : "Fill hole", [drawn]);
    return null;
  }

  const TOOLS = [
    { name: "brush", begin: stroke(1), hover: showBrush, leave: () => showBrush(null), cursor: "none" },
    { name: "eraser", begin: stroke(0), hover: showBrush, leave: () => showBrush(null), cursor: "none" },
    { name: "polygon", begin: addPoint(1), hover: hoverOutline, double: () => outline && closeOutline(), cursor: "crosshair" },
    { name: "cut", begin: addPoint(0), hover: hoverOutline, double: () => outline && closeOutline(), cursor: "crosshair" },
    { name: "fill", begin: fill, double: () => {}, cursor: "cell" },
  ];

  function show({ tool }) {
    if (tool !== "brush" && tool !== "eraser") showBrush(null);
    if (outline && tool !== (outline.value ? "polygon" : "cut")) dropOutline();
  }

  function mount(signal) {
    const { on } = viewer();
    document.addEventListener("keydown", outlineKey, { capture: true, signal });
    const removers = [
      ...TOOLS.map((tool) => overread.tools.add({ double: () => {}, ...tool, group: "edit" })),
      on("display", show),
      on("view", () => outline && drawOutline()),
      on("slice", () => outline && dropOutline()),
      on("close", () => { outline = null; }),
    ];
    return () => removers.forEach((remove) => remove());
  }

  return { SMALLEST, LARGEST, size, setSize, resize, mount, get brushSize() { return brush.size; }, get isDrawing() { return Boolean(outline); } };
})();
