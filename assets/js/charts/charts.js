// @ts-check
/**
 * The frame of every chart (`dashboard/components/charts.py`): the table behind it, its download as
 * CSV or as a picture. All are made from the figure, which carries its data
 * (`dashboard/figures/chart_data.py`).
 */

import { csvOf } from "../frame/csv.js";
import { targetOf } from "../frame/dom.js";
import { saveAddress, saveFile } from "../frame/outgoing.js";
import { fileNameOf, tableOf } from "./chart_data.js";

/** @import { ChartData } from "./chart_data.js" */

/** Of a downloaded picture: its pixels for each pixel of the page, and its least width. */
const SCALE = 2;
const LEAST_PX = 800;
/** Room in pixels for its title, and for an axis below that. */
const TITLE_PX = 44;
const AXIS_PX = 44;
/** Figures whose table follows them. @type {WeakSet<PlotlyElement>} */
const followed = new WeakSet();

/**
 * The figure of a frame; null before it is drawn.
 *
 * @param {Element} frame
 */
const figureOf = (frame) =>
  /** @type {PlotlyElement | null} */ (frame.querySelector(".js-plotly-plot"));

/**
 * @param {PlotlyElement | null} figure
 * @returns {ChartData | null}
 */
const dataOf = (figure) => figure?.layout?.meta ?? null;

/**
 * Fills the table of a frame, and again whenever its figure changes.
 *
 * @param {HTMLDetailsElement} details
 */
function fill(details) {
  const frame = details.closest(".chart-frame");
  const place = details.querySelector(".chart-table");
  const figure = frame && figureOf(frame);
  if (!frame || !place || !figure) return;
  /** @type {ChartData | null} */
  let shown = null;
  const show = () => {
    const data = dataOf(figure);
    if (!details.open || !data || data === shown) return;
    shown = data;
    place.replaceChildren(tableOf(data));
  };
  show();
  if (followed.has(figure)) return;
  followed.add(figure);
  figure.on("plotly_afterplot", show);
}

/**
 * Downloads a chart.
 *
 * @param {Element} frame
 * @param {string} kind
 */
async function save(frame, kind) {
  const figure = figureOf(frame);
  const data = dataOf(figure);
  const title = frame instanceof HTMLElement ? (frame.dataset.chartTitle ?? "") : "";
  const name = `${fileNameOf(title)}.${kind}`;
  if (!figure || !data) return;
  if (kind === "csv")
    saveFile(new Blob([csvOf([data.columns, ...data.rows])], { type: "text/csv" }), name);
  else saveAddress(await drawPicture(figure, title, kind), name);
}

/**
 * The figure as a picture with its title, on the ground of its panel.
 *
 * @param {PlotlyElement} figure
 * @param {string} title
 * @param {string} format `png` or `svg`.
 * @returns {Promise<string>} Its data URL.
 */
function drawPicture(figure, title, format) {
  const colour = (/** @type {string} */ name) =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const { data, layout: shown, offsetWidth, offsetHeight } = figure;
  const margin = shown.margin ?? {};
  const room = TITLE_PX + (shown.xaxis?.side === "top" ? AXIS_PX : 0);
  const place = { x: 0, xref: "container", xanchor: "left", y: 1, yref: "container" };
  const layout = {
    ...shown,
    title: { text: title, ...place, yanchor: "top", pad: { t: 14, l: 14 }, font: { size: 14 } },
    font: { family: "sans-serif" }, // a picture has no fonts of the page
    showlegend: data.some((trace) => trace.showlegend),
    paper_bgcolor: colour("--panel"),
    plot_bgcolor: colour("--panel"),
    margin: { ...margin, t: (margin.t ?? 0) + room, l: (margin.l ?? 0) + 12 },
  };
  const width = Math.max(offsetWidth, LEAST_PX);
  const size = { width, height: offsetHeight + room, scale: SCALE };
  return Plotly.toImage({ data, layout }, { format, ...size });
}

export function start() {
  document.addEventListener("click", (event) => {
    const button = targetOf(event).closest("[data-chart-save]");
    const frame = button?.closest(".chart-frame");
    if (button instanceof HTMLElement && frame) void save(frame, button.dataset.chartSave ?? "");
  });
  // the event of an opened table does not bubble
  const options = { capture: true };
  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (target instanceof HTMLDetailsElement && target.matches(".chart-data")) fill(target);
    },
    options,
  );
}
