// Draws the measurements of the slice in view over each pane: line with halo, ends, label. Ends and labels keep their size
// on zoom; a label keeps off the lesion, the image's edge, other shapes and labels, and stays where it is while it can.
window.overread = window.overread || {};

overread.measureDraw = (function () {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const LINE_PX = 15, PAD_PX = 6, GAP_PX = 9, AWAY_PX = 26, CLEAR_PX = 26;
  const STAYS = 2; // what it may cover more, in its own sizes, before a label leaves its place
  const ranks = new WeakMap(); // screen -> Map of item's id -> the place that its label has
  let ruler = null; // for the width of texts

  function textWidth(text) {
    if (!ruler) {
      ruler = document.createElement("canvas").getContext("2d");
      ruler.font = '550 12px "Inter Variable", system-ui, sans-serif';
    }
    return ruler.measureText(text).width * 1.05; // figures of one width are a little wider
  }

  function make(name, className, attributes) {
    const node = document.createElementNS(SVG, name);
    node.setAttribute("class", className);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  }

  function endOf([x, y], [sx, sy], isStrong) {
    const r = isStrong ? 5 : 3.2;
    return make("ellipse", `measure-end${isStrong ? " measure-end--strong" : ""}`, { cx: x, cy: y, rx: r / sx, ry: r / sy });
  }

  // Where a label may stand, in screen pixels from the image's corner: beside the last end, then round the shape.
  function places(item, width, height, [sx, sy]) {
    const points = overread.measureShapes.handles(item).map(([x, y]) => [x * sx, y * sy]);
    const [ex, ey] = points[item.kind === "ruler" ? 1 : 0];
    const left = Math.min(...points.map(([x]) => x)), right = Math.max(...points.map(([x]) => x));
    const top = Math.min(...points.map(([, y]) => y)), bottom = Math.max(...points.map(([, y]) => y));
    const middle = { x: (left + right) / 2 - width / 2, y: (top + bottom) / 2 - height / 2 };
    const beside = item.kind === "ruler" || item.kind === "diameters" ? [[ex + GAP_PX, ey - height / 2], [ex - GAP_PX - width, ey - height / 2], [ex - width / 2, ey + GAP_PX], [ex - width / 2, ey - GAP_PX - height],
      [ex + GAP_PX, ey - GAP_PX - height], [ex + GAP_PX, ey + GAP_PX], [ex - GAP_PX - width, ey - GAP_PX - height], [ex - GAP_PX - width, ey + GAP_PX]] : [];
    const round = [GAP_PX, GAP_PX + AWAY_PX].flatMap((gap) => {
      const sides = { right: right + gap, left: left - gap - width, under: bottom + gap, over: top - gap - height };
      return [[sides.right, middle.y], [sides.left, middle.y], [middle.x, sides.under], [middle.x, sides.over],
        [sides.right, sides.over], [sides.right, sides.under], [sides.left, sides.over], [sides.left, sides.under]];
    });
    return [...beside, ...round]
      .map(([x, y], rank) => ({ x, y, width, height, rank }));
  }

  // Points along the item's lines.
  function along(item) {
    const ends = overread.measureShapes.outline(item);
    if (item.kind !== "ruler" && item.kind !== "angle" && item.kind !== "diameters") return ends;
    return ends.slice(1).flatMap(([bx, by], i) => {
      const [ax, ay] = ends[i];
      return item.kind === "diameters" && i === 1 ? [] : [0, 0.2, 0.4, 0.6, 0.8, 1].map((part) => [ax + part * (bx - ax), ay + part * (by - ay)]);
    });
  }

  const overlap = (a, b) => Math.max(0, Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)) * Math.max(0, Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y));

  // The place that covers least of what must be seen.
  function choose(candidates, { view, taken, centre, lesion, own, others, rank }) {
    const within = (points, { x: left, y: top, width, height }) => points.filter(([x, y]) => x > left && x < left + width && y > top && y < top + height).length;
    const cost = (place) => {
      const size = place.width * place.height, has = place.rank === rank, clear = has ? CLEAR_PX / 2 : CLEAR_PX;
      const out = size - overlap(place, view);
      const covers = centre && place.x - clear < centre[0] && centre[0] < place.x + place.width + clear && place.y - clear < centre[1] && centre[1] < place.y + place.height + clear;
      const labels = taken.reduce((sum, other) => sum + overlap(place, other), 0);
      return (covers ? 1e6 : 0) + 20 * out + 10 * labels + (lesion ? 3 * overlap(place, lesion) : 0) + (within(own, place) + within(others, place)) * size + place.rank - (has ? STAYS * size : 0);
    };
    return candidates.reduce((best, place) => (cost(place) < cost(best) ? place : best));
  }

  function label(item, texts, scale, around) {
    const width = Math.max(...texts.map(textWidth)) + 2 * PAD_PX, height = texts.length * LINE_PX + 4;
    const own = around.lines.get(item.id), others = [...around.lines].flatMap(([id, points]) => (id === item.id ? [] : points));
    const place = choose(places(item, width, height, scale), { ...around, own, others, rank: around.ranks.get(item.id) });
    around.taken.push(place);
    if (item.id !== "new") around.ranks.set(item.id, place.rank);
    const group = make("g", "measure-label", { transform: `translate(${place.x / scale[0]} ${place.y / scale[1]}) scale(${1 / scale[0]} ${1 / scale[1]})` });
    group.append(make("rect", "measure-label-back", { width, height, rx: 3 }));
    texts.forEach((text, i) => {
      const row = make("text", i ? "measure-label-more" : "measure-label-main", { x: PAD_PX, y: LINE_PX * (i + 1) - 2 });
      row.textContent = text;
      group.append(row);
    });
    return group;
  }

  function viewOf(screen, [sx, sy]) {
    const box = screen.root.getBoundingClientRect();
    const from = screen.toImage(box.left, box.top), to = screen.toImage(box.right, box.bottom);
    return { x: from.x * sx, y: from.y * sy, width: (to.x - from.x) * sx, height: (to.y - from.y) * sy };
  }

  const onScreen = ({ x, y, width, height }, [sx, sy]) => ({ x: x * sx, y: y * sy, width: width * sx, height: height * sy });

  // shapes: [{item, isSelected, isHovered, handle, isPending, isAi}]; of the AI's, what is chosen or can be dragged. Ends are
  // drawn where they can be dragged.
  function draw(now, all, measuring) {
    for (const pane of now.panes) {
      const { screen } = pane, layer = screen.layer("measure");
      const canTake = measuring && overread.panes.overlaysOf(now, pane).ai;
      const shapes = all.filter(({ isAi, isSelected, isHovered }) => !isAi || isSelected || isHovered || canTake);
      if (!shapes.length) {
        if (layer.firstChild) layer.replaceChildren();
        continue;
      }
      const scale = screen.scale();
      const hasLabels = shapes.some(({ isAi }) => !isAi);
      const lies = hasLabels ? overread.bidimensional.place(now) : null;
      if (!ranks.has(screen)) ranks.set(screen, new Map());
      const lines = new Map(all.map(({ item }) => [item.id, along(item).map(([x, y]) => [x * scale[0], y * scale[1]])]));
      const around = { lines, ranks: ranks.get(screen), view: viewOf(screen, scale), taken: [], centre: lies && lies.middle.map((v, i) => v * scale[i]), lesion: lies && onScreen(lies.box, scale) };
      layer.replaceChildren(...shapes.map((shape) => drawOne(now, { ...shape, measuring }, scale, around)));
    }
  }

  function drawOne(now, { item, isSelected, isHovered, handle, isAi, measuring }, scale, around) {
    const state = `${isSelected ? " measure--selected" : ""}${isHovered ? " measure--hovered" : ""}`;
    const group = make("g", `measure measure--${item.kind}${state}`, { "data-measure": item.id });
    const d = overread.measureShapes.path(item);
    const isActive = isSelected || isHovered;
    if (!isAi || isActive) group.append(make("path", "measure-halo", { d }), make("path", "measure-line", { d }));
    const ends = overread.measureShapes.handles(item);
    const shown = isActive || (measuring && item.kind !== "area"); // a freehand area has hundreds
    if (shown) ends.forEach((point, i) => group.append(endOf(point, scale, handle === i)));
    if (!isAi) group.append(label(item, overread.measureShapes.words(item, now), scale, around));
    return group;
  }

  return { draw };
})();
