// @ts-check
/**
 * The short tour of the review page: a card beside each of its main parts. Keys and mouse keep
 * working meanwhile. "Don't show again" is stored for the reader; Escape closes the tour for now.
 */

import { make, query, targetOf } from "../frame/dom.js";
import * as keys from "../frame/keys.js";
import * as reader from "../frame/reader.js";
import * as shell from "../frame/shell.js";
import * as viewer from "../viewer/viewer.js";

/**
 * @typedef {object} Shown
 * @property {number} step
 * @property {HTMLElement} card
 * @property {HTMLElement} ring Frame around the control.
 * @property {Element | null} before The element that had the focus.
 * @property {ResizeObserver} moves Follows the tool bar, whose rows move the controls.
 */

const GAP = 12;
const EDGE = 8;
const FOOT = 48;
/** {binding.id} becomes the reader's own key. Steps whose control is not visible are skipped. */
const STEPS = [
  {
    at: "#viewer-screen",
    title: "Image",
    text:
      "Scroll or press {slice.previous} {slice.next} to go through the slices. Drag to change" +
      " window and level; {view.reset} resets everything.",
  },
  {
    at: ".legend",
    title: "Overlays",
    text:
      "Solid amber: AI. Dashed teal: reference, if available. {show.ai} and {show.reference}" +
      " toggle them; hold {show.none} to hide all overlays.",
  },
  {
    at: "#viewer-strip",
    title: "Slice strip",
    text:
      "Slice scores on top, lesion areas below. Click to go to a slice; {lesion.next} goes to the" +
      " next marked slice.",
  },
  {
    at: "#findings",
    title: "Findings",
    text:
      "Volume, diameters, expected accuracy, and a threshold that changes the mask. Edema counts" +
      " as abnormality; a low score does not mean normal.",
  },
  {
    at: "#viewer-tools-edit",
    title: "Measure and edit",
    text:
      "Measure on the image, or correct the mask. Your correction is saved as a version; the AI" +
      " mask is not changed.",
  },
  {
    at: "#next-study",
    title: "Next study",
    text:
      "{study.next} opens the next study in your worklist. {help} lists all shortcuts and lets" +
      " you change them.",
  },
];
/** @type {Shown | null} */
let shown = null;
let offered = false; // once per page load

/** @param {string} selector */
function isInView(selector) {
  const box = document.querySelector(selector)?.getBoundingClientRect();
  return Boolean(box && box.width > 1 && box.height > 1);
}

const steps = () => STEPS.filter(({ at }) => isInView(at));

/**
 * A text with the reader's keys drawn as key caps.
 *
 * @param {string} text
 * @returns {(Node | string)[]}
 */
function sentence(text) {
  const bindings = keys.all().map(({ binding }) => binding);
  return text.split(/(\{[^}]+\})/).map((part) => {
    const id = /^\{(.+)\}$/.exec(part)?.[1];
    if (!id) return part;
    const binding = bindings.find((one) => one.id === id);
    const key = binding && keys.keyOf(binding);
    const textContent = key ? keys.names(key).join("+") : "no key";
    return make("kbd", { className: "key", textContent });
  });
}

/**
 * @param {string} id
 * @param {string} textContent
 * @param {() => void} run
 * @param {string} [kind]
 */
function button(id, textContent, run, kind = "") {
  const className = `button button--small ${kind}`;
  const made = make("button", { type: "button", id, className, textContent });
  made.addEventListener("click", run);
  return made;
}

function build() {
  const count = make("span", { id: "tour-count", className: "muted secondary tabular" });
  const card = make(
    "div",
    { className: "tour-card", id: "tour", role: "dialog" },
    make("div", { className: "tour-head" }, make("h2", { id: "tour-title" }), count),
    make("p", { id: "tour-text" }),
    make(
      "div",
      { className: "tour-foot" },
      button("tour-never", "Don't show again", () => end(true)),
      button("tour-back", "Back", () => go(-1)),
      button("tour-next", "Next", () => go(1), "button--primary"),
    ),
  );
  card.setAttribute("aria-labelledby", "tour-title");
  card.setAttribute("aria-describedby", "tour-text");
  const ring = make("div", { className: "tour-ring", ariaHidden: "true" });
  return { card, ring };
}

function show() {
  if (shown || !document.querySelector(".review") || !steps().length) return;
  const moves = new ResizeObserver(place);
  shown = { step: 0, before: document.activeElement, moves, ...build() };
  document.body.append(shown.ring, shown.card);
  moves.observe(query(".tool-bar"));
  draw();
}

/** @param {number} by */
function go(by) {
  if (!shown) return;
  if (shown.step + by >= steps().length) return end(true);
  shown.step = Math.max(0, shown.step + by);
  draw();
}

/**
 * An element of the card.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
const part = (id) => /** @type {HTMLElement} */ (shown?.card.querySelector(`#tour-${id}`));

/** @param {boolean} [withFocus] Whether to move the focus to the card. */
function draw(withFocus = true) {
  const list = steps();
  if (!shown || !list.length) return;
  const last = list.length - 1;
  const { title, text } = list[Math.min(shown.step, last)];
  part("title").textContent = title;
  part("count").textContent = `${shown.step + 1} of ${list.length}`;
  part("text").replaceChildren(...sentence(text));
  part("back").hidden = shown.step === 0;
  part("next").textContent = shown.step === last ? "Done" : "Next";
  place();
  if (withFocus) part("next").focus({ preventScroll: true });
}

/**
 * Places the card where there is room beside the control, or inside a control that fills the
 * window; never over the tool bar, whose rows stay in use meanwhile.
 */
function place() {
  const list = steps();
  if (!shown || !list.length) return;
  const { at } = list[Math.min(shown.step, list.length - 1)];
  const target = document.querySelector(at)?.getBoundingClientRect();
  if (!target) return;
  const { offsetWidth: w, offsetHeight: h } = shown.card;
  const { innerWidth: width, innerHeight: height } = window;
  const clampX = (/** @type {number} */ x) => Math.max(EDGE, Math.min(width - w - EDGE, x));
  const clampY = (/** @type {number} */ y) => Math.max(EDGE, Math.min(height - h - EDGE, y));
  let [x, y] = [clampX(target.left + GAP), clampY(target.bottom - h - GAP - FOOT)];
  if (target.bottom + GAP + h < height) [x, y] = [clampX(target.left), target.bottom + GAP];
  else if (target.top - GAP - h > 0) [x, y] = [clampX(target.left), target.top - GAP - h];
  else if (target.left - GAP - w > 0) [x, y] = [target.left - GAP - w, clampY(target.top + GAP)];
  else if (target.right + GAP + w < width) [x, y] = [target.right + GAP, clampY(target.top + GAP)];
  const bar = document.querySelector(".tool-bar")?.getBoundingClientRect();
  if (bar && x < bar.right && x + w > bar.left && y < bar.bottom && y + h > bar.top)
    y = bar.bottom + GAP;
  Object.assign(shown.card.style, { left: `${x}px`, top: `${y}px` });
  Object.assign(shown.ring.style, {
    left: `${target.left}px`,
    top: `${target.top}px`,
    width: `${target.width}px`,
    height: `${target.height}px`,
  });
}

/** @param {boolean} isDone Whether not to show it again. */
function end(isDone) {
  if (!shown) return;
  const { card, ring, before, moves } = shown;
  shown = null;
  moves.disconnect();
  const hadFocus = card.contains(document.activeElement);
  card.remove();
  ring.remove();
  if (hadFocus && before instanceof HTMLElement && before.isConnected && before !== document.body)
    before.focus();
  if (isDone && !reader.now.tour_done) void reader.change({ tour_done: true });
}

/** Opens the tour for a reader who has not seen it, once an image is shown. */
function offer() {
  const { loaded, tour_done: isDone } = reader.now;
  if (offered || !loaded || isDone || !viewer.now?.painted) return;
  if (document.querySelector("dialog[open]")) return;
  offered = true;
  show();
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (!shown || event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  event.stopPropagation();
  event.preventDefault();
  end(false);
}

export function mount() {
  return viewer.on("painted", offer);
}

export function start() {
  reader.on("change", offer);
  keys.on("change", () => draw(false)); // the reader may be typing
  shell.on("page", () => end(false));
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("click", (event) => {
    if (targetOf(event).closest("#help-tour")) show();
  });
  window.addEventListener("resize", place);
}
