// @ts-check
/** Keys, buttons and sliders of the viewer. Wheel and drags are in viewer/pointer.js. */

/** @import { Binding } from "../frame/keys.js" */
/** @import { Session, Show } from "../viewer/session.js" */

import { byId, letGoOfClick, makeRange, query, targetOf } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import * as correction from "../correct/correction.js";
import * as correctionFigures from "../correct/correction_figures.js";
import * as operatingPoint from "../viewer/operating_point.js";
import * as drawing from "../viewer/drawing.js";
import * as maps from "../viewer/maps.js";
import { note } from "../viewer/notes.js";
import { homeWindow } from "../viewer/pointer.js";
import * as threshold from "../viewer/threshold.js";
import * as tools from "../viewer/tools.js";
import * as viewer from "../viewer/viewer.js";
import * as rail from "./rail.js";

/** @typedef {"ai" | "reference" | "fill" | "hidden" | "diameters"} Toggle */

const HELD_MS = 300;
const MASK_LOADING = "The mask is still loading.";
const ZOOM = 1.2;
let hiddenAt = 0;

/** @param {(now: Session) => unknown} run Runs only while a study is open. */
const go = (run) => () => viewer.now && run(viewer.now);

const reset = go(({ screen }) => {
  homeWindow();
  viewer.display({ invert: false });
  screen?.reset();
});

const NO_REFERENCE = "No reference outline in this study.";

/**
 * Shows why something is not in the study in view.
 *
 * @param {Session} now
 * @param {"result" | "reference" | "mask"} wanted mask: of the AI or the reader.
 * @returns {boolean} Whether it is not.
 */
function isMissing(now, wanted) {
  if (wanted === "reference") {
    if (!now.study.reference_url) note(NO_REFERENCE, "no-reference");
    return !now.study.reference_url;
  }
  const why = wanted === "mask" && correction.isThere() ? "" : operatingPoint.whyNoResult(now);
  if (why) note(why, "no-result");
  return Boolean(why);
}

/** @type {Readonly<Partial<Record<Toggle, "result" | "reference" | "mask">>>} */
const NEEDED = { ai: "result", reference: "reference", fill: "mask", diameters: "mask" };

/** @param {Toggle} name */
const flip = (name) =>
  go((now) => {
    const needed = NEEDED[name];
    if (needed && isMissing(now, needed)) return;
    viewer.display({ show: { [name]: !now.show[name] } });
  });

/** @param {maps.Name} name */
const map = (name) =>
  go((now) => {
    if (isMissing(now, "result") || (name === "difference" && isMissing(now, "reference"))) return;
    if (now.mode === "space") return note("Maps are shown on slices, not in 3D.", "not-in-3d");
    viewer.display({ show: { map: now.show.map === name ? "none" : name } });
  });

const invert = go((now) => viewer.display({ invert: !now.invert }));

/**
 * Goes to the next slice that meets a condition, or reports why there is no other.
 *
 * @param {number} direction 1 or -1.
 * @param {(now: Session, k: number) => boolean} isWanted
 * @param {Readonly<Record<"none" | "only", readonly [string, string]>>} words Sentence and code
 *   where no slice does, and where only the one in view does.
 */
const goToNext = (direction, isWanted, { none, only }) =>
  go((now) => {
    if (isMissing(now, "result")) return;
    const found = now.study.indices.flatMap((_, k) => (isWanted(now, k) ? [k] : []));
    if (!found.length) return note(...none);
    if (found.length === 1 && found[0] === now.k) return note(...only);
    viewer.goTo(operatingPoint.nextOf(found, now.k, direction) ?? now.k);
  });

/** @param {number} direction 1 or -1. */
const goToMarked = (direction) =>
  goToNext(direction, operatingPoint.isAbove, {
    none: ["No slice above the operating point. This does not mean normal.", "no-marked"],
    only: ["This is the only marked slice.", "only-marked"],
  });

/**
 * @param {Session} now
 * @param {number} k
 */
const isConflict = (now, k) => operatingPoint.isConflict(operatingPoint.resultOf(now).slices[k]);

const nextConflict = goToNext(1, isConflict, {
  none: ["No conflicts: classifier and segmentation agree on all slices.", "no-conflict"],
  only: ["This is the only conflict in the study.", "only-conflict"],
});

/**
 * Pixels by slice of the reader's mask where there is one and it is shown, else of the AI mask;
 * null while they are unknown.
 *
 * @param {Session} now
 */
function areasOf(now) {
  const { state } = correction;
  if (state && correction.isThere() && now.show.correction)
    return correctionFigures.volume(state).areas ?? null;
  return now.study.result && now.study.indices.map((_, k) => threshold.area(now, k));
}

/** Goes to the slice on which the mask is largest, or reports why the mask is empty. */
const goToLargest = go((now) => {
  const areas = areasOf(now);
  if (!areas) return note(operatingPoint.whyNoResult(now) || MASK_LOADING, "mask-unknown");
  const most = Math.max(...areas);
  if (!most) return note("No slice has a mask.", "no-mask");
  viewer.goTo(areas.indexOf(most));
});

/**
 * Shows or hides the rail or the findings in a window that is too narrow for them.
 *
 * @param {"rail" | "findings"} name
 * @param {boolean} [wanted] By default it is toggled.
 */
function fold(name, wanted) {
  const open = query(".review").classList.toggle(`review--${name}`, wanted);
  byId(`viewer-toggle-${name}`).setAttribute("aria-pressed", String(open));
  /** @type {HTMLElement | null} */
  const first = byId(name).querySelector("button, a, summary");
  if (open) first?.focus();
}

/** @returns {NodeListOf<HTMLDetailsElement>} */
const openMenus = () => document.querySelectorAll(".menu[open]");

/**
 * Closes the menus of the tool bar, except one that contains what was pressed.
 *
 * @param {Element} [pressed]
 */
function closeMenus(pressed) {
  for (const menu of openMenus()) if (!pressed || !menu.contains(pressed)) menu.open = false;
}

/**
 * Closes what is open or unfolded, else goes back from any tool to window and level; a button that
 * has the focus gives the keyboard back to the image.
 */
const leave = go(() => {
  const menus = openMenus();
  for (const menu of menus) menu.querySelector("summary")?.focus();
  closeMenus();
  if (menus.length) return;
  const { activeElement: focused } = document;
  if (focused instanceof HTMLElement && focused.matches("button, summary")) focused.blur();
  const open = /** @type {const} */ (["rail", "findings"]).filter((name) =>
    query(".review").classList.contains(`review--${name}`),
  );
  for (const name of open) fold(name, false);
  if (!open.length) tools.leave();
});

const resetToDefaults = go((now) => {
  if (!operatingPoint.canMove(now)) return;
  if (threshold.isUnchanged(now))
    return note("Mask threshold and operating point are at their defaults.", "at-defaults");
  threshold.set(null);
  operatingPoint.set(null);
});

/** Actions by the id of their button, without "viewer-". */
const BUTTONS = {
  "show-ai": flip("ai"),
  "show-reference": flip("reference"),
  fill: flip("fill"),
  "hide-all": flip("hidden"),
  "show-diameters": flip("diameters"),
  ...Object.fromEntries(maps.NAMES.map((name) => [`map-${name}`, map(name)])),
  invert,
  reset,
  "next-lesion": goToMarked(1),
  "largest-lesion": goToLargest,
  "next-conflict": nextConflict,
  "threshold-default": () => threshold.set(null),
  "operating-point-default": () => operatingPoint.set(null),
  retry: drawing.retry,
  "toggle-rail": () => fold("rail"),
  "toggle-findings": () => fold("findings"),
  "close-findings": () => fold("findings", false),
};

/** @param {Session} session */
function showState({ show, study, invert: isInverted }) {
  const { result, reference_url: reference } = study;
  /**
   * @param {string} id
   * @param {boolean} on
   */
  const press = (id, on) => byId(`viewer-${id}`).setAttribute("aria-pressed", String(on));
  press("show-ai", show.ai);
  press("show-reference", show.reference);
  press("fill", show.fill);
  press("hide-all", show.hidden);
  press("show-diameters", show.diameters);
  press("invert", isInverted);
  byId("viewer-show-ai", HTMLButtonElement).disabled = !result;
  byId("viewer-fill", HTMLButtonElement).disabled = !result;
  const button = byId("viewer-show-reference", HTMLButtonElement);
  button.disabled = !reference;
  button.title = reference ? "" : NO_REFERENCE;
  const hasMap = show.map !== "none";
  const opacity = byId("viewer-opacity", HTMLInputElement);
  opacity.disabled = !(show.fill || hasMap) || !result;
  opacity.value = String(100 * (hasMap ? show.mapOpacity : show.opacity));
  query(".legend").classList.toggle("legend--hidden", show.hidden);
}

/** @param {number} by */
const step = (by) => go(({ k }) => viewer.goTo(k + by));

/** @param {number} factor */
const zoom = (factor) =>
  go(({ screen }) => {
    const box = byId("viewer-surface").getBoundingClientRect();
    screen?.zoomBy(factor, box.left + box.width / 2, box.top + box.height / 2);
  });

/** @param {KeyboardEvent} event */
function hide(event) {
  hiddenAt = event.timeStamp; // of the key, not of a page that is busy drawing
  flip("hidden")();
}

/** @param {KeyboardEvent} event */
function unhide(event) {
  if (hiddenAt && event.timeStamp - hiddenAt > HELD_MS) flip("hidden")();
  hiddenAt = 0; // a key that was pressed elsewhere, such as in a dialog, may be released here
}

/**
 * A binding that repeats while its key is held.
 *
 * @param {string} id
 * @param {string} key
 * @param {string | undefined} label
 * @param {() => unknown} run
 */
const held = (id, key, label, run) => ({ id, key, label, repeat: true, run });

/**
 * Readers' own keys are stored by these ids, which never change.
 *
 * @type {Binding[]}
 */
const KEYS = [
  held("slice.next", "ArrowDown", "Next slice", step(1)),
  held("slice.previous", "ArrowUp", "Previous slice", step(-1)),
  held("slice.next-right", "ArrowRight", undefined, step(1)),
  held("slice.previous-left", "ArrowLeft", undefined, step(-1)),
  held("slice.ten-on", "PageDown", "Ten slices forward", step(10)),
  held("slice.ten-back", "PageUp", "Ten slices back", step(-10)),
  { id: "slice.first", key: "Home", label: "First slice", run: go(() => viewer.goTo(0)) },
  {
    id: "slice.last",
    key: "End",
    label: "Last slice",
    run: go(({ study }) => viewer.goTo(study.n - 1)),
  },
  {
    id: "lesion.next",
    key: "n",
    label: "Next marked slice",
    run: goToMarked(1),
  },
  {
    id: "lesion.previous",
    key: "Shift+n",
    label: "Previous marked slice",
    run: goToMarked(-1),
  },
  {
    id: "lesion.largest",
    key: "Shift+l",
    label: "Slice with the largest area",
    run: goToLargest,
  },
  {
    id: "conflict.next",
    key: "c",
    label: "Next conflict (classifier vs segmentation)",
    run: nextConflict,
  },
  { id: "show.ai", key: "m", label: "FLAIR abnormality (AI) on or off", run: flip("ai") },
  { id: "show.reference", key: "r", label: "Reference outline on or off", run: flip("reference") },
  { id: "show.fill", key: "f", label: "Fill on or off", run: flip("fill") },
  {
    id: "show.diameters",
    key: "l",
    label: "Diameters on or off",
    run: flip("diameters"),
  },
  ...maps.NAMES.map((name) => {
    const { binding: id, key, label } = maps.MAPS[name];
    return { id, key, label, run: map(name) };
  }),
  held("threshold.lower", ",", "Lower mask threshold", () => threshold.move(-1)),
  held("threshold.raise", ".", "Raise mask threshold", () => threshold.move(1)),
  held("calls.lower", "[", "Lower operating point", () => operatingPoint.move(-1)),
  held("calls.raise", "]", "Raise operating point", () => operatingPoint.move(1)),
  {
    id: "threshold.shipped",
    key: "t",
    label: "Default mask threshold and operating point",
    run: resetToDefaults,
  },
  {
    id: "show.none",
    key: " ",
    label: "Hide overlays (hold, or press to toggle)",
    run: hide,
    up: unhide,
  },
  { id: "window.invert", key: "Shift+d", label: "Invert greyscale", run: invert },
  { id: "view.reset", key: "0", label: "Reset window, zoom and pan", run: reset },
  {
    id: "tool.window",
    key: "w",
    label: "Left drag: window and level",
    run: () => tools.choose("window"),
  },
  { id: "tool.zoom", key: "z", label: "Left drag: zoom", run: () => tools.choose("zoom") },
  { key: "Escape", label: "Close menu or side panel, leave button or tool", run: leave },
  { id: "series.first", key: "1", label: "First series", run: () => rail.choose(0) },
  { id: "series.second", key: "2", label: "Second series", run: () => rail.choose(1) },
  { id: "series.third", key: "3", label: "Third series", run: () => rail.choose(2) },
  { key: "", shown: "Right drag", label: "Zoom (or Ctrl + wheel, or pinch)" },
  { key: "", shown: "Shift+Drag", label: "Pan (or middle drag)" },
  { key: "", shown: "Double click", label: "Reset window" },
  held("view.zoom-in", "+", "Zoom in", zoom(ZOOM)),
  held("view.zoom-out", "-", "Zoom out", zoom(1 / ZOOM)),
];

/**
 * @param {string} host
 * @param {Record<string, string | number>} attributes
 * @param {(value: number) => void} onInput
 */
function putRange(host, attributes, onInput) {
  const slider = makeRange(attributes, (value) => viewer.now && onInput(value));
  byId(`viewer-${host}`).replaceChildren(slider);
}

/** @param {Partial<Show>} show */
const setShow = (show) => viewer.display({ show });

function putSliders() {
  putRange(
    "opacity-host",
    {
      id: "viewer-opacity",
      class: "slider opacity-slider",
      min: 5,
      max: 100,
      step: 5,
      value: 25,
      "aria-label": "Opacity of fill or map in percent",
      disabled: "",
    },
    (percent) => {
      const isFill = viewer.opened().show.map === "none";
      setShow(isFill ? { opacity: percent / 100 } : { mapOpacity: percent / 100 });
    },
  );
  putRange(
    "slider-host",
    {
      id: "viewer-slider",
      class: "slice-slider",
      min: 1,
      max: 1,
      value: 1,
      "aria-label": "Slice",
      "data-pass-keys": "yes",
    },
    (slice) => viewer.goTo(slice - 1),
  );
  const hundredths = { step: 0.01, value: 0.5 };
  putRange(
    "threshold-host",
    {
      id: "viewer-threshold",
      class: "slider threshold-slider",
      min: threshold.LOWEST,
      max: threshold.HIGHEST,
      ...hundredths,
      "aria-label": "Mask threshold",
    },
    threshold.set,
  );
  putRange(
    "operating-point-host",
    {
      id: "viewer-operating-point",
      class: "slider operating-point-slider",
      min: operatingPoint.LOWEST,
      max: operatingPoint.HIGHEST,
      ...hundredths,
      "aria-label": "Detection threshold (operating point)",
    },
    operatingPoint.set,
  );
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  putSliders();
  query(".review").addEventListener("click", letGoOfClick, { signal });
  const pressed = (/** @type {Event} */ event) => closeMenus(targetOf(event));
  document.addEventListener("pointerdown", pressed, { capture: true, signal });
  for (const [id, run] of Object.entries(BUTTONS)) {
    const works = /^(toggle|close)-/.test(id); // before a study is open, too
    const press = () => {
      if (works || viewer.now) run();
    };
    byId(`viewer-${id}`).addEventListener("click", press, { signal });
  }
  return all([keys.add("Review", KEYS), viewer.on(["display", "open", "result"], showState)]);
}
