// The kinds of measurements: how each is drawn, which ends it has, what dragging an end does, what it says. Points are
// [x, y] in image coordinates, as in geometry.js.
window.overread = window.overread || {};

overread.measureShapes = (function () {
  "use strict";

  const NAMES = { ruler: "Ruler", angle: "Angle", area: "Area", ellipse: "Ellipse", diameters: "Diameters" };
  const geometry = () => overread.geometry;
  const spacing = ({ spacing_mm: mm }) => (mm ? [mm[1], mm[2]] : null);
  const show = ([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`;
  const line = (points) => `M${points.map(show).join("L")}`;

  function path({ kind, points }) {
    if (kind === "area") return `${line(points)}Z`;
    if (kind === "diameters") return line(points.slice(0, 2)) + line(points.slice(2));
    if (kind !== "ellipse") return line(points);
    const { x, y, rx, ry } = geometry().ellipse(points);
    return `M${show([x - rx, y])}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0Z`;
  }

  // What can be dragged; an ellipse has the four ends of its axes.
  function handles({ kind, points }) {
    if (kind !== "ellipse") return points;
    const { x, y, rx, ry } = geometry().ellipse(points);
    return [[x - rx, y], [x + rx, y], [x, y - ry], [x, y + ry]];
  }

  const inside = ([x, y], { width, height }) => [Math.min(width, Math.max(0, x)), Math.min(height, Math.max(0, y))];
  const rounded = (points) => points.map((point) => point.map((value) => Math.round(value * 1000) / 1000));

  // The item with one of its ends elsewhere.
  function withHandle(item, index, point, study) {
    const [x, y] = inside(point, study);
    if (item.kind !== "ellipse") return { ...item, points: rounded(item.points.map((old, i) => (i === index ? [x, y] : old))) };
    const { x: cx, y: cy, rx, ry } = geometry().ellipse(item.points);
    const sides = [cx - rx, cx + rx, cy - ry, cy + ry];
    sides[index] = index < 2 ? x : y;
    return { ...item, points: rounded([[sides[0], sides[2]], [sides[1], sides[3]]]) };
  }

  // The whole item moved, as far as it stays on the image.
  function moved(item, dx, dy, { width, height }) {
    const xs = item.points.map(([x]) => x), ys = item.points.map(([, y]) => y);
    const x = Math.min(width - Math.max(...xs), Math.max(-Math.min(...xs), dx)), y = Math.min(height - Math.max(...ys), Math.max(-Math.min(...ys), dy));
    return { ...item, points: rounded(item.points.map(([px, py]) => [px + x, py + y])) };
  }

  // Screen pixels from a point to the item's line; scale is screen pixels per image pixel, x and y.
  function distance({ kind, points }, [x, y], scale) {
    const own = [scale[1], scale[0]]; // as a spacing: row, column
    const { toLine } = geometry();
    if (kind === "diameters") return Math.min(toLine([x, y], points[0], points[1], own), toLine([x, y], points[2], points[3], own));
    const ring = kind === "ellipse" ? round(points) : points;
    let best = Infinity;
    for (let i = 0; i + 1 < ring.length; i++) best = Math.min(best, toLine([x, y], ring[i], ring[i + 1], own));
    if (kind === "area") best = Math.min(best, toLine([x, y], ring[ring.length - 1], ring[0], own));
    return best;
  }

  // Points all along an item's line, corners only where it is straight.
  const outline = (item) => (item.kind === "ellipse" ? round(item.points) : item.points);

  function round(points) {
    const { x, y, rx, ry } = geometry().ellipse(points);
    return Array.from({ length: 49 }, (_, i) => [x + rx * Math.cos((i * Math.PI) / 24), y + ry * Math.sin((i * Math.PI) / 24)]);
  }

  const length = (value, mm) => (mm ? `${value.toFixed(1)} mm` : `${value.toFixed(1)} px`);
  const surface = (value, mm) => (!mm ? `${Math.round(value).toLocaleString("en-US")} px` : value < 100 ? `${value.toFixed(1)} mm²` : `${(value / 100).toFixed(2)} cm²`);
  const amount = (value, range) => value.toFixed(range >= 100 ? 0 : range >= 10 ? 1 : 2);

  // Statistics of the pixels of the series in view, as lines; none while they are on their way.
  function statistics(item, now) {
    const { study, channel, loader } = now;
    const stored = loader.get(overread.overlays.address(study.pixels_url, item.k, channel));
    if (!stored) return [];
    const runs = geometry()[item.kind === "ellipse" ? "ellipseRuns" : "polygonRuns"](item.points, study.width, study.height);
    const found = geometry().statistics(stored, study.width, runs, study.slope, study.intercept);
    if (!found) return ["No pixel's centre is inside."];
    const range = found.max - found.min, [mean, sd] = [found.mean, found.sd].map((value) => amount(value, range));
    const [min, max] = [found.min, found.max].map((value) => (Number.isInteger(value) ? String(value) : amount(value, range)));
    return [`Mean ${mean}  SD ${sd}`, `Min ${min}  Max ${max}`, study.channels[channel].label];
  }

  // What a measurement says, the main thing first.
  function words(item, now) {
    const mm = spacing(now.study), { points } = item;
    if (item.kind === "ruler") return [length(geometry().distance(points[0], points[1], mm), mm)];
    if (item.kind === "angle") {
      const found = points.length === 3 ? geometry().angle(points, mm) : null;
      return [found === null ? "no angle" : `${found.toFixed(1)}°`];
    }
    if (item.kind === "diameters") {
      const both = [points.slice(0, 2), points.slice(2)].map(([a, b]) => geometry().distance(a, b, mm));
      return [`${both[0].toFixed(1)} × ${length(both[1], mm)}`, "changed by the reader"];
    }
    const found = item.kind === "ellipse" ? geometry().ellipseArea(points, mm) : geometry().polygonArea(points, mm);
    return [surface(found, mm), ...statistics(item, now)];
  }

  return { NAMES, path, outline, handles, withHandle, moved, distance, words, spacing, inside, rounded };
})();
