// @ts-check
/** The view as a PNG: picture, maps and outlines as on the screen, with what it shows in words. */

/** @import { Pane } from "../viewer/panes.js" */
/** @import { Session } from "../viewer/session.js" */

/** Pixels of the PNG for one of the screen. */
const SCALE = 2;
/** What makes a line look as it does on the screen, if it is shown there at all. */
const STYLES = [
  "display",
  "fill",
  "fill-opacity",
  "fill-rule",
  "font-family",
  "font-size",
  "font-weight",
  "opacity",
  "paint-order",
  "stroke",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "stroke-opacity",
  "stroke-width",
  "text-anchor",
  "vector-effect",
  "visibility",
];
const TEXT_PX = 12;

/**
 * A copy of a drawing that looks the same without the page's style sheets.
 *
 * @param {SVGElement} svg
 */
function styledCopy(svg) {
  const copy = /** @type {SVGElement} */ (svg.cloneNode(true));
  const copies = [copy, ...copy.querySelectorAll("*")];
  [svg, ...svg.querySelectorAll("*")].forEach((element, at) => {
    const computed = getComputedStyle(element);
    const words = STYLES.map((name) => `${name}:${computed.getPropertyValue(name)}`).join(";");
    copies[at].setAttribute("style", words);
  });
  return copy;
}

/** @param {string} src */
async function loaded(src) {
  const image = new Image();
  image.src = src;
  await image.decode();
  return image;
}

/**
 * The panes in view, from left to right.
 *
 * @param {Session} now
 */
const panesInView = ({ panes, mode }) =>
  panes.filter(
    ({ screen, isMain }) =>
      screen.shown() &&
      (isMain || mode !== "swipe") &&
      screen.root.getBoundingClientRect().width > 1,
  );

/**
 * What the picture shows, one line each.
 *
 * @param {Session} now
 * @param {readonly string[]} badges What the page says over the image, such as of its threshold.
 */
export function pictureLines({ study, k, channel }, badges = []) {
  const name = [study.name, study.study_date].filter(Boolean).join(", ");
  const slice = `Slice ${study.indices[k]}, ${study.channels[channel].label}`;
  return [name, slice, ...badges, study.orientation_note, "Research use only"].filter(Boolean);
}

/**
 * Draws the letters of the sides, each where it is on the screen.
 *
 * @param {CanvasRenderingContext2D} paper
 * @param {HTMLElement} root Of the pane.
 */
function drawLetters(paper, root) {
  const pane = root.getBoundingClientRect();
  for (const edge of root.querySelectorAll(".edge")) {
    if (!edge.textContent || !edge.checkVisibility()) continue;
    const { backgroundColor, color, font } = getComputedStyle(edge);
    const box = edge.getBoundingClientRect();
    const [x, y] = [box.x - pane.x, box.y - pane.y];
    paper.fillStyle = backgroundColor;
    paper.fillRect(x, y, box.width, box.height);
    Object.assign(paper, { fillStyle: color, font, textAlign: "center", textBaseline: "middle" });
    paper.fillText(edge.textContent, x + box.width / 2, y + box.height / 2);
  }
}

/**
 * @param {CanvasRenderingContext2D} paper
 * @param {Pane} pane
 * @param {{ width: number, height: number }} study
 */
async function drawPane(paper, { screen }, { width, height }) {
  const box = screen.root.getBoundingClientRect();
  const [sx, sy] = screen.scale();
  const zero = screen.toImage(box.left, box.top);
  paper.save();
  paper.beginPath();
  paper.rect(0, 0, box.width, box.height);
  paper.clip();
  const place = [-zero.x * sx, -zero.y * sy, width * sx, height * sy];
  const at = /** @type {[number, number, number, number]} */ (place);
  const { picture, map } = screen;
  paper.drawImage(picture, ...at);
  if (!map.hidden) {
    paper.globalAlpha = Number(getComputedStyle(map).opacity);
    paper.drawImage(map, ...at);
    paper.globalAlpha = 1;
  }
  const svg = screen.root.querySelector(".screen-overlay svg");
  if (svg instanceof SVGElement) {
    const copy = styledCopy(svg);
    copy.setAttribute("width", String(box.width));
    copy.setAttribute("height", String(box.height));
    const text = new XMLSerializer().serializeToString(copy);
    const url = `data:image/svg+xml,${encodeURIComponent(text)}`;
    paper.drawImage(await loaded(url), 0, 0, box.width, box.height);
  }
  drawLetters(paper, screen.root);
  paper.restore();
}

/**
 * The view as a PNG, with its file's name; null where no slice is in view.
 *
 * @param {Session} now
 */
export async function viewPicture(now) {
  const panes = panesInView(now);
  if (!panes.length) return null;
  const boxes = panes.map(({ screen }) => screen.root.getBoundingClientRect());
  const left = Math.min(...boxes.map((box) => box.left));
  const top = Math.min(...boxes.map((box) => box.top));
  const width = Math.max(...boxes.map((box) => box.right)) - left;
  const height = Math.max(...boxes.map((box) => box.bottom)) - top;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: Math.round(width * SCALE), height: Math.round(height * SCALE) });
  const paper = canvas.getContext("2d");
  if (!paper) return null;
  paper.scale(SCALE, SCALE);
  paper.fillStyle = "#000";
  paper.fillRect(0, 0, width, height);
  for (const [at, pane] of panes.entries()) {
    paper.save();
    paper.translate(boxes[at].left - left, boxes[at].top - top);
    await drawPane(paper, pane, now.study);
    paper.restore();
  }
  paper.font = `${TEXT_PX}px sans-serif`;
  paper.fillStyle = "#e4e9ee";
  paper.shadowColor = "#000";
  paper.shadowBlur = 3;
  const badges = [...document.querySelectorAll(".screen-badges > :not([hidden])")];
  const lines = pictureLines(
    now,
    badges.map(({ textContent }) => textContent.replaceAll("\n", ", ")),
  );
  lines.forEach((line, at) => {
    const y = at ? height - 8 - (lines.length - 1 - at) * 1.4 * TEXT_PX : 8 + TEXT_PX;
    paper.fillText(line, 8, y);
  });
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const name = `${now.study.case_id}_slice${now.study.indices[now.k]}.png`;
  return blob && { blob, name };
}
