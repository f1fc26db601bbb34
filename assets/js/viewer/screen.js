// The figure and what lies over it: double-buffered layout.images, outlines in an SVG of the same coordinates,
// zoom and pan. Image coordinates: pixel (0, 0) covers 0..1 in x and y.
//
// Figure changes go through Plotly.update, not relayout: dcc.Graph answers a relayout by writing its figure
// property back, and with it an older image.
window.overread = window.overread || {};

overread.screen = (function () {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const XLINK = "http://www.w3.org/1999/xlink";

  async function figureReady(root) {
    for (;;) {
      const gd = root.querySelector(".js-plotly-plot");
      if (gd?._fullLayout && window.Plotly) return gd;
      if (!root.isConnected) throw new Error("the page has gone");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  function element(name, parent, className) {
    const node = document.createElementNS(SVG, name);
    if (className) node.setAttribute("class", className);
    parent.append(node);
    return node;
  }

  // What screens that are linked have in common: zoom, and the image point in their middle.
  const createView = ({ width, height }) => ({ zoom: 1, x: width / 2, y: height / 2, screens: new Set() });

  async function create(root, { width, height, spacing, view }, onView) {
    const gd = await figureReady(root);
    const unit = overread.geometry.pixelUnit(spacing);
    let size = [1, 1];
    let front = 1;
    let shown = null;

    const host = root.querySelector(".screen-overlay");
    host.replaceChildren();
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height, className: "overlay-map" });
    canvas.hidden = true;
    host.append(canvas);
    const svg = element("svg", host);
    svg.setAttribute("preserveAspectRatio", "none");
    const paths = { fill: element("path", svg, "outline-fill"), ai: element("path", svg, "outline-ai"), reference: element("path", svg, "outline-reference"), leftOut: element("path", svg, "outline-left-out"), band: element("path", svg, "outline-band"), halo: element("path", svg, "diameters-halo"), diameters: element("path", svg, "diameters") };
    const layers = new Map();

    // Screen pixels per image pixel, x and y.
    function scale() {
      const fit = Math.min(size[0] / (width * unit[0]), size[1] / (height * unit[1]));
      return [fit * view.zoom * unit[0], fit * view.zoom * unit[1]];
    }

    function apply() {
      const [sx, sy] = scale();
      const half = [size[0] / sx / 2, size[1] / sy / 2];
      view.x = Math.min(width, Math.max(0, view.x));
      view.y = Math.min(height, Math.max(0, view.y));
      const box = [view.x - half[0], view.y - half[1], 2 * half[0], 2 * half[1]];
      svg.setAttribute("viewBox", box.join(" "));
      canvas.style.transform = `matrix(${sx}, 0, 0, ${sy}, ${-box[0] * sx}, ${-box[1] * sy})`;
      const change = { "xaxis.range": [box[0], box[0] + box[2]], "yaxis.range": [box[1] + box[3], box[1]] };
      if (gd.layout.width !== size[0] || gd.layout.height !== size[1]) Object.assign(change, { width: size[0], height: size[1] });
      Plotly.update(gd, {}, change);
      onView(Math.min(sx, sy));
    }

    const applyAll = () => view.screens.forEach((screen) => screen.apply());

    function measure() {
      const box = root.getBoundingClientRect();
      if (box.width < 2 || box.height < 2) return;
      size = [box.width, box.height];
      apply();
    }

    // The place as it is now: a row of tools may have opened in this frame, and the observer tells of it after the next.
    function place() {
      const box = root.getBoundingClientRect();
      if (box.width !== size[0] || box.height !== size[1]) measure();
      return box;
    }

    // Image coordinates of a point of the window.
    function toImage(clientX, clientY) {
      const box = place();
      const [sx, sy] = scale();
      return { x: view.x + (clientX - box.left - size[0] / 2) / sx, y: view.y + (clientY - box.top - size[1] / 2) / sy };
    }

    // Plotly keeps images of one place and size apart by nothing: two that are equal in both become one element.
    const other = width + 1e-6;
    const images = { "images[0].sizex": width, "images[0].sizey": height, "images[1].sizex": other, "images[1].sizey": height };
    Plotly.update(gd, {}, images);
    const observer = new ResizeObserver(measure);
    observer.observe(root);
    measure();

    // One of the two images, and what Plotly knows of it. Its own update takes 8 ms of a frame's 17: it is asked only
    // where the element is not there yet, and finds ours when it draws again (zoom, size).
    function put(i, change) {
      const image = [...gd.querySelectorAll("image")].find((one) => one.__data__?._index === i);
      if (!image) return false;
      for (const { images: known } of [gd.layout, gd._fullLayout]) Object.assign(known[i], change);
      if (change.source) image.setAttributeNS(XLINK, "xlink:href", change.source);
      image.setAttribute("opacity", change.opacity);
      return true;
    }

    // Show a decoded picture. The two images take turns, and change at once: a step never shows an empty frame, nor
    // the outlines of one slice over the picture of another.
    function show(url) {
      if (url === shown) return;
      shown = url;
      front = 1 - front;
      if (put(front, { source: url, opacity: 1 }) && put(1 - front, { opacity: 0 })) return;
      Plotly.update(gd, {}, { [`images[${front}].source`]: url, "images[0].opacity": 1 - front, "images[1].opacity": front });
    }

    function clear() {
      if (shown === null) return;
      shown = null;
      Plotly.update(gd, {}, { "images[0].opacity": 0, "images[1].opacity": 0 });
    }

    const screen = {
      root,
      show,
      clear,
      apply,
      isAlive: () => root.isConnected && Boolean(gd._fullLayout),
      scale: () => place() && scale(),
      toImage,
      // A group of the SVG over the image, in image coordinates; made when it is first asked for.
      layer(name) {
        if (!layers.has(name)) layers.set(name, element("g", svg, `layer-${name}`));
        return layers.get(name);
      },
      outline(name, d) {
        paths[name].setAttribute("d", d);
      },
      // found: {image: ImageData, crisp: whether its pixels stay squares}, or null.
      map(found, opacity) {
        canvas.hidden = !found;
        if (!found) return;
        canvas.getContext("2d").putImageData(found.image, 0, 0);
        canvas.style.opacity = opacity;
        canvas.classList.toggle("overlay-map--crisp", found.crisp);
      },
      fillOpacity(share) {
        paths.fill.style.fillOpacity = share;
      },
      zoomBy(factor, clientX, clientY) {
        const zoom = Math.min(16, Math.max(0.5, view.zoom * factor));
        const box = root.getBoundingClientRect();
        const [sx, sy] = scale();
        const dx = (clientX - box.left - size[0] / 2) / sx, dy = (clientY - box.top - size[1] / 2) / sy;
        const change = 1 - view.zoom / zoom; // keeps the point under the pointer where it is
        view.x += dx * change;
        view.y += dy * change;
        view.zoom = zoom;
        applyAll();
      },
      panBy(dx, dy) {
        const [sx, sy] = scale();
        view.x -= dx / sx;
        view.y -= dy / sy;
        applyAll();
      },
      reset() {
        Object.assign(view, { zoom: 1, x: width / 2, y: height / 2 });
        applyAll();
      },
      dispose() {
        view.screens.delete(screen);
        observer.disconnect();
        host.replaceChildren();
        if (gd.isConnected) clear();
      },
    };
    view.screens.add(screen);
    return screen;
  }

  return { create, createView };
})();
