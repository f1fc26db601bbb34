// @ts-check
/**
 * The list of measurements in the findings panel. A click goes to the slice and selects the
 * measurement; each has a delete button.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Item } from "./measure_shapes.js" */

import { byId, find, letGoOfClick, make, setAttributes, targetOf } from "../frame/dom.js";
import { all } from "../frame/events.js";
import { numberOf } from "../viewer/slices.js";
import * as viewer from "../viewer/viewer.js";
import { remove } from "./measure_keys.js";
import * as measureShapes from "./measure_shapes.js";
import * as measureStore from "./measure_store.js";
import * as measureTools from "./measure_tools.js";

let timer = 0;

/**
 * @param {string} className
 * @param {string} textContent
 */
const span = (className, textContent) => make("span", { className, textContent });

/**
 * @param {Item} item
 * @param {Session} now
 */
function row(item, now) {
  const [main, ...more] = measureShapes.words(item, now);
  const name = measureShapes.NAMES[item.kind];
  const where = `slice ${numberOf(now.study, item.k)}`;
  const isSelected = measureTools.selected?.id === item.id;
  const go = make("button", { type: "button", className: "measure-go" });
  const title = [main, ...more].join(", ");
  setAttributes(go, { "data-go": item.id, "aria-pressed": String(isSelected), title });
  go.append(span("", name), span("measure-where", where), span("measure-value", main));
  if (item.kind === "ellipse" && more.length > 1)
    go.append(span("measure-more", more[0].replace("  ", ", ")));
  const className = "measure-delete";
  const gone = make("button", { type: "button", className, textContent: "×" });
  const label = `Delete ${name.toLowerCase()} on ${where}, ${main}`;
  setAttributes(gone, { "data-delete": item.id, "aria-label": label });
  return make("li", { className: "measure-row" }, go, gone);
}

/** Delays and merges updates, as each one rebuilds all rows. */
function show() {
  clearTimeout(timer);
  timer = setTimeout(update, 30);
}

/** A selector for the focused button, to find it again after the rows are rebuilt. */
function focused() {
  /** @type {HTMLElement | null | undefined} */
  const button = document.activeElement?.closest("#measure-list button");
  const { go, delete: gone } = button?.dataset ?? {};
  return go ? `[data-go="${go}"]` : gone ? `[data-delete="${gone}"]` : "";
}

function update() {
  const { now } = viewer;
  const list = find("measure-list");
  if (!now || !list) return;
  const items = measureStore.items().sort((a, b) => a.k - b.k);
  const selector = focused();
  list.replaceChildren(...items.map((item) => row(item, now)));
  if (selector) {
    /** @type {HTMLElement | null} */
    const button = list.querySelector(selector) ?? list.querySelector("button");
    (button ?? byId("measure-list-title")).focus();
  }
  byId("measure-empty").hidden = items.length > 0;
  byId("measure-state").textContent = measureStore.words();
  byId("measure-state").dataset.merged = String(measureStore.merged());
  byId("findings-measurements").dataset.saved = String(measureStore.isSaved());
}

/** @param {MouseEvent} event */
function onClick(event) {
  const button = targetOf(event).closest("button");
  if (!button || !viewer.now) return;
  const { go, delete: gone } = button.dataset;
  letGoOfClick(event);
  if (gone) return remove(gone);
  const item = measureStore.items().find(({ id }) => id === go);
  if (!item) return;
  viewer.goTo(item.k);
  measureTools.select(item.id);
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  byId("measure-list").addEventListener("click", onClick, { signal });
  const removers = all([
    measureStore.on(show),
    measureTools.on("select", show),
    viewer.on(["open", "painted", "channel"], show),
  ]);
  return () => {
    clearTimeout(timer);
    removers();
  };
}
