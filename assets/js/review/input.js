// @ts-check
/** Keys and buttons of the viewer, and its sliders. Wheel and drags are in viewer/pointer.js. */

/** @import { Binding } from "../frame/keys.js" */
/** @import { Session, Show } from "../viewer/session.js" */

import { byId, letGoOfClick, makeRange, query } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import * as calls from "../viewer/calls.js";
import * as drawing from "../viewer/drawing.js";
import * as greyscale from "../viewer/greyscale.js";
import * as maps from "../viewer/maps.js";
import { note } from "../viewer/notes.js";
import { homeWindow } from "../viewer/pointer.js";
import * as threshold from "../viewer/threshold.js";
import * as tools from "../viewer/tools.js";
import * as viewer from "../viewer/viewer.js";
import * as rail from "./rail.js";

/** @typedef {"ai" | "reference" | "fill" | "hidden" | "diameters"} Toggle */

const HELD_MS = 300;
const ZOOM = 1.2;
let hiddenAt = 0;

/** @param {(now: Session) => unknown} run Only while a study is open. */
const go = (run) => () => viewer.now && run(viewer.now);

const fullRange = go(({ study, channel }) => {
  const { slope, intercept } = study;
  const top = study.pixel_type === "uint16" ? 65535 : 255;
  const ends = study.value_range?.[channel] ?? [intercept, top * slope + intercept];
  viewer.display({ window: { low: Math.min(...ends), high: Math.max(...ends) } });
});

const autoWindow = go(({ study: { width, slope, intercept } }) => {
  const stored = drawing.pixelsInView();
  if (stored) viewer.display({ window: greyscale.autoWindow(stored, width, slope, intercept) });
});

const reset = go(({ screen }) => {
  homeWindow();
  viewer.display({ invert: false });
  screen?.reset();
});

/** @param {Toggle} name */
const flip = (name) => go(({ show }) => viewer.display({ show: { [name]: !show[name] } }));

/** @param {maps.Name} name */
const map = (name) =>
  go(({ study, show }) => {
    if (!study.result || (name === "difference" && !study.reference_url)) return;
    viewer.display({ show: { map: show.map === name ? "none" : name } });
  });

const invert = go((now) => viewer.display({ invert: !now.invert }));

/** The next conflict; says why where there is nowhere to go. */
const nextConflict = go(({ study: { result }, k }) => {
  if (!result) return note("This study has no result yet, and so no conflicts.");
  const found = result.slices.flatMap((slice, j) => (calls.isConflict(slice) ? [j] : []));
  const contradict = "classifier and outline contradict each other";
  if (!found.length) return note("Classifier and outline contradict each other on no slice.");
  if (found.length === 1 && found[0] === k)
    return note(`This slice is the only one on which ${contradict}.`);
  calls.goToConflict(1);
});

/**
 * Shows or hides the rail or the findings where the window is too narrow for them.
 *
 * @param {"rail" | "findings"} name
 * @param {boolean} [wanted] The other way round where it is left out.
 */
function fold(name, wanted) {
  const open = query(".review").classList.toggle(`review--${name}`, wanted);
  byId(`viewer-toggle-${name}`).setAttribute("aria-pressed", String(open));
  /** @type {HTMLElement | null} */
  const first = byId(name).querySelector("button, a, summary");
  if (open) first?.focus();
}

function backToShipped() {
  threshold.set(null);
  calls.set(null);
}

/** By the ids of the buttons, without "viewer-". */
const BUTTONS = {
  "show-ai": flip("ai"),
  "show-reference": flip("reference"),
  fill: flip("fill"),
  "hide-all": flip("hidden"),
  "show-diameters": flip("diameters"),
  ...Object.fromEntries(maps.NAMES.map((name) => [`map-${name}`, map(name)])),
  invert,
  "window-auto": autoWindow,
  "window-full": fullRange,
  reset,
  "next-lesion": () => calls.goToLesion(1),
  "next-conflict": nextConflict,
  "threshold-shipped": () => threshold.set(null),
  "calls-shipped": () => calls.set(null),
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
  button.title = reference ? "" : "This study has no reference outline";
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

const hide = go(() => {
  hiddenAt = performance.now();
  flip("hidden")();
});

const unhide = go(() => {
  if (performance.now() - hiddenAt > HELD_MS) flip("hidden")();
});

/**
 * A binding that runs again while its key is held.
 *
 * @param {string} id
 * @param {string} key
 * @param {string | undefined} label
 * @param {() => unknown} run
 */
const held = (id, key, label, run) => ({ id, key, label, repeat: true, run });

/** @type {Binding[]} */
const KEYS = [
  held("slice.next", "ArrowDown", "Next slice", step(1)),
  held("slice.previous", "ArrowUp", "Previous slice", step(-1)),
  held("slice.next-right", "ArrowRight", undefined, step(1)),
  held("slice.previous-left", "ArrowLeft", undefined, step(-1)),
  held("slice.ten-on", "PageDown", "Ten slices on", step(10)),
  held("slice.ten-back", "PageUp", "Ten slices back", step(-10)),
  { id: "slice.first", key: "Home", label: "First slice", run: go(() => viewer.goTo(0)) },
  {
    id: "slice.last",
    key: "End",
    label: "Last slice",
    run: go(({ study }) => viewer.goTo(study.n - 1)),
  },
  { id: "lesion.next", key: "n", label: "Next lesion slice", run: () => calls.goToLesion(1) },
  {
    id: "lesion.previous",
    key: "Shift+n",
    label: "Previous lesion slice",
    run: () => calls.goToLesion(-1),
  },
  {
    id: "conflict.next",
    key: "c",
    label: "Next conflict of classifier and outline",
    run: nextConflict,
  },
  { id: "show.ai", key: "m", label: "FLAIR abnormality (AI) on or off", run: flip("ai") },
  { id: "show.reference", key: "r", label: "Reference outline on or off", run: flip("reference") },
  { id: "show.fill", key: "f", label: "Fill on or off", run: flip("fill") },
  {
    id: "show.diameters",
    key: "l",
    label: "Lines of the diameters on or off",
    run: flip("diameters"),
  },
  ...maps.NAMES.map((name) => {
    const { key, label } = maps.MAPS[name];
    return { id: `map.${name}`, key, label, run: map(name) };
  }),
  held("threshold.lower", ",", "Lower the mask threshold", () => threshold.move(-1)),
  held("threshold.raise", ".", "Raise the mask threshold", () => threshold.move(1)),
  held("calls.lower", "[", "Lower the operating point of the slice score", () => calls.move(-1)),
  held("calls.raise", "]", "Raise the operating point of the slice score", () => calls.move(1)),
  {
    id: "threshold.shipped",
    key: "t",
    label: "Back to the shipped threshold and operating point",
    run: backToShipped,
  },
  {
    id: "show.none",
    key: " ",
    label: "Hide all (while held, or until pressed again)",
    run: hide,
    up: unhide,
  },
  { id: "window.invert", key: "i", label: "Invert", run: invert },
  { id: "view.reset", key: "0", label: "Window, zoom and position as at first", run: reset },
  {
    id: "window.auto",
    key: "b",
    label: "Auto: window from the brain in this slice",
    run: autoWindow,
  },
  {
    id: "tool.window",
    key: "w",
    label: "Left drag: window and level",
    run: () => tools.choose("window"),
  },
  { id: "tool.zoom", key: "z", label: "Left drag: zoom", run: () => tools.choose("zoom") },
  {
    key: "Escape",
    run: go(() => {
      fold("rail", false);
      fold("findings", false);
    }),
  },
  { id: "series.first", key: "1", label: "First series", run: () => rail.choose(0) },
  { id: "series.second", key: "2", label: "Second series", run: () => rail.choose(1) },
  { id: "series.third", key: "3", label: "Third series", run: () => rail.choose(2) },
  { key: "", shown: "Right drag", label: "Zoom (also Ctrl and wheel, or pinch)" },
  { key: "", shown: "Shift+Drag", label: "Move the image (also middle drag)" },
  { key: "", shown: "Double click", label: "Window as at first" },
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
      "aria-label": "Opacity of fill or map, percent",
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
    "calls-host",
    {
      id: "viewer-calls",
      class: "slider calls-slider",
      min: calls.LOWEST,
      max: calls.HIGHEST,
      ...hundredths,
      "aria-label": "Operating point of the slice score",
    },
    calls.set,
  );
}

/** @param {AbortSignal} signal Takes the listeners off the page's elements. */
export function mount(signal) {
  putSliders();
  query(".review").addEventListener("click", letGoOfClick, { signal });
  for (const [id, run] of Object.entries(BUTTONS)) {
    const works = /^(toggle|close)-/.test(id); // before a study is there, too
    const press = () => {
      if (works || viewer.now) run();
    };
    byId(`viewer-${id}`).addEventListener("click", press, { signal });
  }
  return all([keys.add("Review", KEYS), viewer.on(["display", "open", "result"], showState)]);
}
