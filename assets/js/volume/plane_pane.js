// One reformatted plane: its picture, outlines and crosshair on a canvas, its words, and drags on it. Between slices
// the canvas interpolates (smooth scaling); the outlines are interpolated from the same values.
window.overread = window.overread || {};

overread.planePane = (function () {
  "use strict";

  const GAP = 9; // free of lines around the crosshair's middle, in screen pixels
  const LINES = { ai: ["--on-image-ai", []], reference: ["--on-image-reference", [5, 4]], correction: ["--on-image-correction", []], cross: ["--on-image-cross", []] };
  const CORE = "#14101c"; // between the two lines of a correction, as in correction.css

  // view and axes: from planeViews. centre(axis): the place in the middle of the screen; zoom(): 1 fits the pane.
  function create(root, view, { axes, centre, zoom }) {
    const canvas = root.querySelector("canvas");
    const context = canvas.getContext("2d");
    const picture = document.createElement("canvas");
    const inPlane = view.fixed === "row" ? "column" : "row";
    picture.width = axes[inPlane].length;
    picture.height = axes.slice.length;
    const kept = { pixels: "", paths: new Map() };
    const size = { width: 1, height: 1 };
    const style = getComputedStyle(root);
    const colours = Object.fromEntries(Object.entries(LINES).map(([name, [token]]) => [name, style.getPropertyValue(token)]));

    function measure() {
      const box = root.getBoundingClientRect();
      const dense = window.devicePixelRatio || 1;
      Object.assign(size, { width: box.width, height: box.height, left: box.left, top: box.top });
      canvas.width = Math.max(1, Math.round(box.width * dense));
      canvas.height = Math.max(1, Math.round(box.height * dense));
    }

    // Screen pixels per voxel along both sides.
    function scale() {
      const [u, v] = [axes[view.across.axis], axes[view.down.axis]];
      const fit = Math.min(size.width / (u.length * u.mm), size.height / (v.length * v.mm)) * zoom();
      return [u.mm * fit * (view.across.flip ? -1 : 1), v.mm * fit * (view.down.flip ? -1 : 1)];
    }

    // Places along the view's two axes under a point of the window.
    function placesAt(event) {
      const [sx, sy] = scale();
      return {
        [view.across.axis]: centre(view.across.axis) + (event.clientX - size.left - size.width / 2) / sx,
        [view.down.axis]: centre(view.down.axis) + (event.clientY - size.top - size.height / 2) / sy,
      };
    }

    // Takes (in-plane axis, slice) of a cut to the screen.
    function matrix() {
      const [sx, sy] = scale();
      const e = size.width / 2 - sx * centre(view.across.axis), f = size.height / 2 - sy * centre(view.down.axis);
      return view.across.axis === "slice" ? new DOMMatrix([0, sy, sx, 0, e, f]) : new DOMMatrix([sx, 0, 0, sy, e, f]);
    }

    function paintPicture({ key, values }, table, tableKey) {
      if (kept.pixels === `${key} ${tableKey}`) return;
      kept.pixels = `${key} ${tableKey}`;
      const image = new ImageData(picture.width, picture.height);
      const into = new Uint32Array(image.data.buffer);
      for (let i = 0; i < into.length; i++) into[i] = 0xff000000 | (table[values[i]] * 0x010101);
      picture.getContext("2d").putImageData(image, 0, 0);
    }

    function outline({ key, values }, level) {
      const name = key.split(" ")[0], full = `${key} ${level}`;
      if (kept.paths.get(name)?.key !== full) {
        const path = new Path2D(overread.contours.path(values, picture.width, picture.height, level));
        kept.paths.set(name, { key: full, path });
      }
      return kept.paths.get(name).path;
    }

    function stroke(path, name, width, colour = colours[name]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.setLineDash(LINES[name][1]);
      context.stroke(path);
    }

    function cross(at) {
      const [sx, sy] = scale();
      const x = size.width / 2 + sx * (at[view.across.axis] + 0.5 - centre(view.across.axis));
      const y = size.height / 2 + sy * (at[view.down.axis] + 0.5 - centre(view.down.axis));
      const path = new Path2D(`M0 ${y}H${x - GAP}M${x + GAP} ${y}H${size.width}M${x} 0V${y - GAP}M${x} ${y + GAP}V${size.height}`);
      stroke(path, "cross", 1);
    }

    // drawn: {pixels, ai, reference, correction: cuts or null, table, tableKey, level, fill: opacity or 0, at: the crosshair or null}
    function draw(drawn) {
      if (!drawn.pixels) return; // the older picture stays while this one is on its way
      const dense = canvas.width / Math.max(1, size.width);
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      paintPicture(drawn.pixels, drawn.table, drawn.tableKey);
      const place = matrix();
      context.setTransform(new DOMMatrix([dense, 0, 0, dense, 0, 0]).multiply(place));
      context.imageSmoothingEnabled = true;
      context.imageSmoothingQuality = "high";
      context.drawImage(picture, 0, 0);
      context.setTransform(dense, 0, 0, dense, 0, 0);
      for (const name of ["ai", "reference", "correction"]) {
        if (!drawn[name]) continue;
        const path = new Path2D();
        path.addPath(outline(drawn[name], name === "ai" ? drawn.level - 0.5 : 127.5), place);
        if (name !== "reference" && drawn.fill) {
          context.globalAlpha = drawn.fill;
          context.fillStyle = colours[name];
          context.fill(path, "evenodd");
          context.globalAlpha = 1;
        }
        if (name !== "correction") stroke(path, name, 1.6);
        else for (const [width, colour] of [[4.4], [1.7, CORE]]) stroke(path, name, width, colour);
      }
      if (drawn.at) cross(drawn.at);
    }

    // Whole voxels, inside the volume.
    function reach(event) {
      const found = placesAt(event);
      return Object.fromEntries(Object.entries(found).map(([axis, at]) => [axis, Math.min(axes[axis].length - 1, Math.max(0, Math.floor(at)))]));
    }

    return { view, root, draw, measure, placesAt, reach, scale };
  }

  return { create };
})();
