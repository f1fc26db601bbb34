// The strip under the image: slice scores as cells, areas as bars, the slice in view outlined; click or drag to go there.
window.overread = window.overread || {};

overread.strip = (function () {
  "use strict";

  const CELLS = { top: 2, height: 12 };
  const BARS = { top: 16, height: 36 };
  const HEIGHT = 56; // of cells and bars; the slider and the axis labels lie below
  const BELOW = 24;

  function colours(canvas) {
    const style = getComputedStyle(canvas);
    const token = (name) => style.getPropertyValue(`--${name}`).trim();
    return { ai: token("ai"), reference: token("reference"), correction: token("correction"), line: token("line"), text: token("text"), panel: token("panel"), muted: token("muted"), font: style.fontFamily };
  }

  const pitch = (width, n) => width / n;

  function draw(canvas, now) {
    const { study, referenceAreas } = now;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    if (!width) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round((HEIGHT + BELOW) * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round((HEIGHT + BELOW) * ratio);
    }
    const pen = canvas.getContext("2d");
    const c = colours(canvas);
    const p = pitch(width, study.n);
    const gap = p > 6 ? 2 : p > 3 ? 1 : 0;
    const slices = study.result?.slices;
    const areas = slices?.map((_, j) => overread.threshold.area(now, j)) || [];
    const corrected = Array.from({ length: study.n }, (_, j) => overread.correctionFigures.changedArea(j));
    const top = Math.max(1, ...areas, ...[...referenceAreas, ...corrected].map((area) => area || 0));
    const tall = (area) => (area ? Math.max(1.5, (area / top) * BARS.height) : 0);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, HEIGHT + BELOW);
    for (let j = 0; j < study.n; j++) {
      const x = j * p + gap / 2, w = p - gap;
      const score = slices ? slices[j].tumor_probability : null;
      pen.fillStyle = score === null ? c.line : c.ai;
      pen.globalAlpha = score === null ? 0.5 : 0.08 + 0.92 * (overread.calls.isCalled(now, j) ? Math.max(score, 0.75) : score * 0.6);
      pen.beginPath();
      pen.roundRect(x, CELLS.top, w, CELLS.height, Math.min(2, w / 3));
      pen.fill();
      if (slices && overread.viewer.isConflict(slices[j])) {
        pen.globalAlpha = 1;
        pen.strokeStyle = c.text;
        pen.lineWidth = 1.5;
        pen.stroke();
      }
      if (overread.calls.change(now, j)) drawChange(pen, c, x + w / 2, overread.calls.change(now, j));
      pen.globalAlpha = 0.55;
      pen.fillStyle = c.ai;
      if (areas[j]) pen.fillRect(x, BARS.top + BARS.height - tall(areas[j]), w, tall(areas[j]));
      pen.globalAlpha = 1;
    }
    drawReference(pen, c, p, gap, referenceAreas, tall);
    drawCorrection(pen, c, p, gap, corrected, tall);
    drawAxis(pen, c, p, study, width);
  }

  // A triangle over a slice that the reader's operating point changes: up where it is called now, down where not any more.
  function drawChange(pen, c, x, direction) {
    const tip = direction > 0 ? 3 : 13, base = direction > 0 ? 13 : 3;
    pen.globalAlpha = 1;
    pen.beginPath();
    pen.moveTo(x, tip);
    pen.lineTo(x - 5, base);
    pen.lineTo(x + 5, base);
    pen.closePath();
    pen.fillStyle = c.text;
    pen.fill();
    pen.strokeStyle = c.panel;
    pen.lineWidth = 1;
    pen.stroke();
  }

  function drawReference(pen, c, p, gap, areas, tall) {
    pen.strokeStyle = c.reference;
    pen.lineWidth = 2;
    pen.setLineDash([4, 2.5]);
    pen.beginPath();
    areas.forEach((area, j) => {
      if (!area) return;
      const y = BARS.top + BARS.height - tall(area);
      pen.moveTo(j * p + gap / 2, y);
      pen.lineTo((j + 1) * p - gap / 2, y);
    });
    pen.stroke();
    pen.setLineDash([]);
  }

  // A double line, as over the image, at the area of every slice where the corrected mask is not the AI's.
  function drawCorrection(pen, c, p, gap, areas, tall) {
    areas.forEach((area, j) => {
      if (area === null) return;
      const y = BARS.top + BARS.height - Math.max(2, tall(area));
      const x = j * p + gap / 2, w = Math.max(1, p - gap);
      pen.fillStyle = c.panel;
      pen.fillRect(x, y - 3, w, 6);
      pen.fillStyle = c.correction;
      pen.fillRect(x, y - 2.5, w, 1.7);
      pen.fillRect(x, y + 0.8, w, 1.7);
    });
  }

  function drawAxis(pen, c, p, study, width) {
    const step = [1, 5, 10, 20, 25, 50, 100, 200].find((every) => every * p >= 44) || 500;
    pen.fillStyle = c.muted;
    pen.font = `11px ${c.font}`;
    pen.textAlign = "center";
    for (let j = 0; j < study.n; j++) {
      const number = j + 1; // the place, as the corner of the image tells it
      if (j !== 0 && number % step !== 0) continue;
      if (j !== 0 && j * p < 28) continue;
      const x = Math.min(width - 10, Math.max(6, (j + 0.5) * p));
      pen.fillText(String(number), x, HEIGHT + 21);
    }
  }

  // "Slice 17 of 34: score 0.97, 20.97 cm², reference 21.40 cm²"
  function readout(now, k) {
    const { study, referenceAreas } = now;
    const amount = (pixels) => overread.amounts.areaWords(pixels, study);
    const parts = [];
    const slice = study.result?.slices[k];
    if (slice) {
      const pixels = overread.threshold.area(now, k);
      parts.push(`score ${slice.tumor_probability.toFixed(2)}`, pixels ? amount(pixels) : "nothing outlined");
      if (overread.viewer.isConflict(slice)) parts.push("conflict");
      if (overread.calls.change(now, k)) parts.push(overread.calls.isCalled(now, k) ? "called now" : "not called any more");
    } else parts.push("not analysed");
    if (referenceAreas[k]) parts.push(`reference ${amount(referenceAreas[k])}`);
    const own = overread.correctionFigures.changedArea(k);
    if (own !== null) parts.push(`${overread.correctionPanel.name().replace(/^[YV]/, (letter) => letter.toLowerCase())} ${amount(own)}`);
    return `Slice ${k + 1} of ${study.n}: ${parts.join(", ")}`;
  }

  function mount(signal) {
    const canvas = document.getElementById("strip-canvas");
    let pending = false, pointed = null; // the slice under the pointer
    const tell = () => {
      const { now } = overread.viewer;
      document.getElementById("strip-readout").textContent = now && pointed !== null ? readout(now, Math.min(pointed, now.study.n - 1)) : "";
    };
    const point = (event) => {
      pointed = event && overread.viewer.now ? under(event) : null;
      tell();
    };
    const redraw = () => {
      tell();
      if (pending) return;
      pending = true;
      requestAnimationFrame(() => {
        pending = false;
        if (overread.viewer.now) draw(canvas, overread.viewer.now);
      });
    };
    const slice = () => {
      const { study, k } = overread.viewer.now;
      const slider = document.getElementById("viewer-slider");
      slider.max = study.n;
      slider.value = k + 1;
      const strip = document.getElementById("viewer-strip");
      strip.style.setProperty("--n", study.n); // lines thumb and outline up with the cells
      strip.style.setProperty("--k", k);
      slider.setAttribute("aria-valuetext", `Slice ${k + 1} of ${study.n}`);
    };
    const lesions = () => {
      const slices = overread.viewer.now.study.result?.slices || [];
      document.getElementById("viewer-next-lesion").disabled = !slices.some((_, k) => overread.calls.isCalled(overread.viewer.now, k));
      document.getElementById("strip-conflict").hidden = !slices.some(overread.viewer.isConflict);
    };
    const under = (event) => {
      const { study } = overread.viewer.now;
      const box = canvas.getBoundingClientRect();
      const k = Math.floor((event.clientX - box.left) / pitch(box.width, study.n));
      return Math.min(study.n - 1, Math.max(0, k));
    };
    const go = (event) => overread.viewer.goTo(under(event));
    canvas.addEventListener("pointerleave", () => point(null), { signal });
    canvas.addEventListener("pointermove", point, { signal });
    canvas.addEventListener("pointerdown", (event) => {
      if (!overread.viewer.now || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      go(event);
    }, { signal });
    canvas.addEventListener("pointermove", (event) => overread.viewer.now && event.buttons & 1 && go(event), { signal });
    const observer = new ResizeObserver(redraw);
    observer.observe(canvas);
    document.addEventListener("overread:theme", redraw, { signal });
    const removers = ["slice", "result", "areas", "threshold", "open"].map((name) => overread.viewer.on(name, name === "slice" ? slice : redraw));
    removers.push(...["change", "loaded"].map((name) => overread.correction.on(name, redraw)));
    document.addEventListener("overread:correction", redraw, { signal }); // a version is shown
    removers.push(...["open", "result", "threshold"].map((name) => overread.viewer.on(name, lesions)));
    return () => {
      observer.disconnect();
      removers.forEach((remove) => remove());
    };
  }

  return { mount };
})();
