// @ts-check
/**
 * The strip below the image: slice scores as cells, areas as bars, the slice in view outlined.
 * Click or drag to go to a slice.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Study } from "../viewer/study.js" */

import { byId } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as shell from "../frame/shell.js";
import * as correction from "../correct/correction.js";
import * as correctionFigures from "../correct/correction_figures.js";
import * as correctionLayer from "../correct/correction_layer.js";
import * as amounts from "../viewer/amounts.js";
import * as operatingPoint from "../viewer/operating_point.js";
import * as threshold from "../viewer/threshold.js";
import { numberOf, placeWords } from "../viewer/slices.js";
import * as viewer from "../viewer/viewer.js";
import * as correctionPanel from "./correction_panel.js";
import * as findings from "./findings.js";

/** @typedef {readonly (number | null)[]} Areas Pixels by slice. */

/**
 * Measures and colours for drawing the strip.
 *
 * @typedef {object} Chart
 * @property {CanvasRenderingContext2D} pen
 * @property {ReturnType<typeof coloursOf>} colours
 * @property {number} width
 * @property {number} pitch Distance from slice to slice.
 * @property {number} gap Gap between two slices.
 * @property {(area: number | null) => number} heightOf Height of a bar.
 */

const CELLS = { top: 2, height: 12 };
const BARS = { top: 16, height: 36 };
const BOTTOM = BARS.top + BARS.height;
const HEIGHT = 56; // of cells and bars; slider and axis labels are below
const BELOW = 24;

/** @param {HTMLCanvasElement} canvas */
function coloursOf(canvas) {
  const style = getComputedStyle(canvas);
  const token = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ai: token("ai"),
    reference: token("reference"),
    correction: token("correction"),
    line: token("line"),
    text: token("text"),
    panel: token("panel"),
    muted: token("muted"),
    font: style.fontFamily,
  };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Session} now
 */
function draw(canvas, now) {
  const { study, referenceAreas } = now;
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const pen = canvas.getContext("2d");
  if (!width || !pen) return;
  const size = { width: Math.round(width * ratio), height: Math.round((HEIGHT + BELOW) * ratio) };
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
  const pitch = width / study.n;
  const isAnalysed = Boolean(study.result);
  const areas = isAnalysed ? study.indices.map((_, j) => threshold.area(now, j)) : [];
  const corrected = study.indices.map((_, j) => correctionFigures.changedArea(j));
  const most = [...areas, ...referenceAreas, ...corrected].map((area) => area ?? 0);
  const top = Math.max(1, ...most);
  /** @type {Chart} */
  const chart = {
    pen,
    colours: coloursOf(canvas),
    width,
    pitch,
    gap: pitch > 6 ? 2 : pitch > 3 ? 1 : 0,
    heightOf: (area) => (area ? Math.max(1.5, (area / top) * BARS.height) : 0),
  };
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, HEIGHT + BELOW);
  for (let j = 0; j < study.n; j++) drawSlice(chart, now, j, areas[j] ?? 0);
  drawReference(chart, referenceAreas);
  drawCorrection(chart, corrected);
  drawAxis(chart, study);
}

/**
 * Draws the score of a slice as a cell and its area as a bar.
 *
 * @param {Chart} chart
 * @param {Session} now
 * @param {number} j
 * @param {number} area
 */
function drawSlice(chart, now, j, area) {
  const { pen, colours, pitch, gap, heightOf } = chart;
  const x = j * pitch + gap / 2;
  const w = pitch - gap;
  const slice = now.study.result?.slices[j];
  const score = slice?.slice_score ?? 0;
  const strength = operatingPoint.isAbove(now, j) ? Math.max(score, 0.75) : score * 0.6;
  pen.fillStyle = slice ? colours.ai : colours.line;
  pen.globalAlpha = slice ? 0.08 + 0.92 * strength : 0.5;
  pen.beginPath();
  pen.roundRect(x, CELLS.top, w, CELLS.height, Math.min(2, w / 3));
  pen.fill();
  if (slice && operatingPoint.isConflict(slice)) {
    pen.globalAlpha = 1;
    pen.strokeStyle = colours.text;
    pen.lineWidth = 1.5;
    pen.stroke();
  }
  const change = operatingPoint.change(now, j);
  if (change) drawChange(chart, x + w / 2, change);
  pen.globalAlpha = 0.55;
  pen.fillStyle = colours.ai;
  const isDoubtful = findings.doubtsOf(now, j).length > 0;
  if (area && !isDoubtful) pen.fillRect(x, BOTTOM - heightOf(area), w, heightOf(area));
  pen.globalAlpha = 1;
  if (area && isDoubtful) drawDoubtful(chart, x, w, heightOf(area));
}

/**
 * Draws the bar of an outline that is likely false: hollow, with a question mark above it.
 *
 * @param {Chart} chart
 * @param {number} x
 * @param {number} w
 * @param {number} height
 */
function drawDoubtful({ pen, colours }, x, w, height) {
  pen.strokeStyle = colours.ai;
  pen.lineWidth = 1;
  pen.strokeRect(x + 0.5, BOTTOM - height + 0.5, Math.max(1, w - 1), Math.max(1, height - 1));
  pen.fillStyle = colours.text;
  pen.font = `600 11px ${colours.font}`;
  pen.textAlign = "center";
  pen.fillText("?", x + w / 2, Math.max(BARS.top + 9, BOTTOM - height - 3));
}

/**
 * Draws a triangle over a slice that changes sides at the reader's operating point: up if it is now
 * above, down if it is now below.
 *
 * @param {Chart} chart
 * @param {number} x
 * @param {number} direction
 */
function drawChange({ pen, colours }, x, direction) {
  const tip = direction > 0 ? 3 : 13;
  const base = direction > 0 ? 13 : 3;
  pen.globalAlpha = 1;
  pen.beginPath();
  pen.moveTo(x, tip);
  pen.lineTo(x - 5, base);
  pen.lineTo(x + 5, base);
  pen.closePath();
  pen.fillStyle = colours.text;
  pen.fill();
  pen.strokeStyle = colours.panel;
  pen.lineWidth = 1;
  pen.stroke();
}

/**
 * @param {Chart} chart
 * @param {Areas} areas
 */
function drawReference({ pen, colours, pitch, gap, heightOf }, areas) {
  pen.strokeStyle = colours.reference;
  pen.lineWidth = 2;
  pen.setLineDash([4, 2.5]);
  pen.beginPath();
  areas.forEach((area, j) => {
    if (!area) return;
    const y = BOTTOM - heightOf(area);
    pen.moveTo(j * pitch + gap / 2, y);
    pen.lineTo((j + 1) * pitch - gap / 2, y);
  });
  pen.stroke();
  pen.setLineDash([]);
}

/**
 * Draws a double line, as over the image, at the area of every slice where the corrected mask
 * differs from the AI mask.
 *
 * @param {Chart} chart
 * @param {Areas} areas
 */
function drawCorrection({ pen, colours, pitch, gap, heightOf }, areas) {
  areas.forEach((area, j) => {
    if (area === null) return;
    const y = BOTTOM - Math.max(2, heightOf(area));
    const x = j * pitch + gap / 2;
    const w = Math.max(1, pitch - gap);
    pen.fillStyle = colours.panel;
    pen.fillRect(x, y - 3, w, 6);
    pen.fillStyle = colours.correction;
    pen.fillRect(x, y - 2.5, w, 1.7);
    pen.fillRect(x, y + 0.8, w, 1.7);
  });
}

/**
 * Draws slice numbers, the same as in the corner of the image.
 *
 * @param {Chart} chart
 * @param {Study} study
 */
function drawAxis({ pen, colours, pitch, width }, study) {
  const step = [1, 5, 10, 20, 25, 50, 100, 200].find((every) => every * pitch >= 44) ?? 500;
  pen.fillStyle = colours.muted;
  pen.font = `11px ${colours.font}`;
  pen.textAlign = "center";
  for (let j = 0; j < study.n; j++) {
    if (j !== 0 && ((j + 1) % step !== 0 || j * pitch < 28)) continue;
    const x = Math.min(width - 10, Math.max(6, (j + 0.5) * pitch));
    pen.fillText(String(numberOf(study, j)), x, HEIGHT + 21);
  }
}

/**
 * What is special about a slice, as codes and in words.
 *
 * @param {Session} now
 * @param {number} k
 * @returns {[string, string][]}
 */
function marksOf(now, k) {
  const slice = now.study.result?.slices[k];
  if (!slice)
    return now.study.no_result ? [["no-result", "no result"]] : [["not-analysed", "not analysed"]];
  /** @type {[string, string][]} */
  const marks = threshold.area(now, k) ? [] : [["no-mask", "no mask"]];
  if (operatingPoint.isConflict(slice)) marks.push(["conflict", "conflict"]);
  for (const code of findings.doubtsOf(now, k))
    marks.push(["doubt", `likely false (${findings.DOUBTS[code]})`]);
  const change = operatingPoint.change(now, k);
  if (change > 0) marks.push(["now-above", "now above operating point"]);
  if (change < 0) marks.push(["now-below", "now below operating point"]);
  return marks;
}

/**
 * The read-out of a slice: "Slice 17 of 34: score 0.97, 20.97 cm², reference 21.40 cm²"
 *
 * @param {Session} now
 * @param {number} k
 */
function readout(now, k) {
  const { study, referenceAreas } = now;
  const amount = (/** @type {number} */ pixels) => amounts.areaWords(pixels, study);
  const parts = [];
  const slice = study.result?.slices[k];
  if (slice)
    parts.push(`score ${amounts.besideThreshold(slice.slice_score, operatingPoint.value(now))[0]}`);
  if (slice && threshold.area(now, k)) parts.push(amount(threshold.area(now, k)));
  parts.push(...marksOf(now, k).map(([, text]) => text));
  const reference = referenceAreas[k];
  if (reference) parts.push(`reference ${amount(reference)}`);
  const own = correctionFigures.changedArea(k);
  const name = correctionPanel.name().replace(/^[YV]/, (letter) => letter.toLowerCase());
  if (own !== null) parts.push(`${name} ${amount(own)}`);
  return `Slice ${placeWords(study, k)}: ${parts.join(", ")}`;
}

/** @param {Session} session */
function showSlice({ study, k }) {
  const slider = byId("viewer-slider", HTMLInputElement);
  slider.max = String(study.n);
  slider.value = String(k + 1);
  slider.setAttribute("aria-valuetext", `Slice ${placeWords(study, k)}`);
  const strip = byId("viewer-strip");
  strip.style.setProperty("--n", String(study.n)); // lines thumb and outline up with the cells
  strip.style.setProperty("--k", String(k));
}

/** @param {Session} now */
function showLesions(now) {
  const slices = now.study.result?.slices ?? [];
  byId("viewer-next-lesion", HTMLButtonElement).disabled = !slices.some((_, k) =>
    operatingPoint.isAbove(now, k),
  );
  byId("strip-conflict").hidden = !slices.some(operatingPoint.isConflict);
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  const canvas = byId("strip-canvas", HTMLCanvasElement);
  let scheduled = false;
  /** @type {number | null} the slice under the pointer */
  let pointed = null;
  const showReadout = () => {
    const { now } = viewer;
    const k = now && pointed !== null ? Math.min(pointed, now.study.n - 1) : null;
    const place = byId("strip-readout");
    const isShown = now !== null && k !== null;
    place.textContent = isShown ? readout(now, k) : "";
    place.dataset.slice = isShown ? String(numberOf(now.study, k)) : "";
    place.dataset.marks = isShown
      ? marksOf(now, k)
          .map(([code]) => code)
          .join(" ")
      : "";
  };
  const redraw = () => {
    showReadout();
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      if (viewer.now) draw(canvas, viewer.now);
    });
  };
  /** @param {PointerEvent} event */
  const under = ({ clientX }) => {
    const { n } = viewer.opened().study;
    const box = canvas.getBoundingClientRect();
    return Math.min(n - 1, Math.max(0, Math.floor((clientX - box.left) / (box.width / n))));
  };
  /** @param {PointerEvent} event */
  const press = (event) => {
    if (!viewer.now || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    viewer.goTo(under(event));
  };
  /** @param {PointerEvent} event */
  const move = (event) => {
    pointed = viewer.now && under(event);
    showReadout();
    if (pointed !== null && event.buttons & 1) viewer.goTo(pointed);
  };
  const leave = () => {
    pointed = null;
    showReadout();
  };
  canvas.addEventListener("pointerdown", press, { signal });
  canvas.addEventListener("pointermove", move, { signal });
  canvas.addEventListener("pointerleave", leave, { signal });
  const observer = new ResizeObserver(redraw);
  observer.observe(canvas);
  return all([
    () => observer.disconnect(),
    viewer.on("slice", showSlice),
    viewer.on(["open", "result", "threshold", "areas"], redraw),
    viewer.on(["open", "result", "threshold"], showLesions),
    correction.on(["change", "loaded"], redraw),
    correctionLayer.on("version", redraw), // another mask is shown
    shell.on("theme", redraw),
  ]);
}
