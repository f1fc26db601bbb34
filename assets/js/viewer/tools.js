// @ts-check
/**
 * What a drag on the image does. Tools register themselves; those of the groups "measure" and
 * "edit" have a row of their own in the tool bar, shown while one of them is chosen.
 *
 *     tools.add({name: "ruler", group: "measure", begin: (point, event, screen) => ({move, end})});
 */

/** @import { Point, Screen } from "./screen.js" */
/** @import { Session } from "./session.js" */

import { byId, query, targetOf } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as viewer from "./viewer.js";

/**
 * What follows a press: points are in image coordinates, last is the event before in the window's.
 *
 * @typedef {object} Action
 * @property {(point: Point, event: PointerEvent, last: Point) => void} [move]
 * @property {(point: Point, event: PointerEvent) => void} [end]
 * @property {(point: Point, event: PointerEvent) => void} [cancel]
 */

/**
 * What a press begins, if anything.
 *
 * @typedef {(point: Point, event: PointerEvent, screen: Screen) => Action | null | undefined} Begin
 */

/** @typedef {"view" | "measure" | "edit"} Group */

/**
 * @typedef {object} Tool
 * @property {string} name
 * @property {Group} group
 * @property {Begin} begin May return nothing: then nothing follows.
 * @property {(point: Point, event: PointerEvent) => void} [hover] While nothing is pressed.
 * @property {() => void} [leave] The pointer has left the image.
 * @property {(point: Point, event: MouseEvent) => void} [double] A double click.
 * @property {string} [cursor] As in CSS.
 */

const HOME = "window";
/** @type {Group[]} */
const WITH_ROW = ["measure", "edit"];
/** @type {Map<string, Tool>} */
const tools = new Map();
/** @type {Map<Group, string>} the tool of each group that was used last */
const last = new Map();
/** @type {Set<Begin>} */
const grabs = new Set();

/**
 * @param {Tool} tool
 * @returns {() => void} Takes it away again.
 */
export function add(tool) {
  tools.set(tool.name, tool);
  return () => {
    if (tools.get(tool.name) === tool) tools.delete(tool.name);
  };
}

/**
 * Adds what a press takes hold of before the chosen tool begins anything.
 *
 * @param {Begin} grab
 * @returns {() => void} Takes it away again.
 */
export function addGrab(grab) {
  grabs.add(grab);
  return () => void grabs.delete(grab);
}

/** @type {Begin} */
export function begin(point, event, screen) {
  for (const grab of grabs) {
    const action = grab(point, event, screen);
    if (action) return action;
  }
  return current()?.begin(point, event, screen);
}

/** The chosen tool. */
export const current = () => (viewer.now ? tools.get(viewer.now.tool) : undefined);

/** The chosen tool's group. */
export const group = () => current()?.group ?? "view";

/** @param {string} name */
export function choose(name) {
  if (tools.has(name)) viewer.display({ tool: name });
}

/**
 * A group's row with the tool that was used last; pressed again, back to window and level.
 *
 * @param {Group} name
 */
export function toggleGroup(name) {
  if (group() === name) return choose(HOME);
  const first = [...tools.values()].find((tool) => tool.group === name)?.name ?? HOME;
  const before = last.get(name);
  choose(before && tools.has(before) ? before : first);
}

/** @param {Session} session */
function show({ tool }) {
  const here = group();
  last.set(here, tool);
  query(".viewer").dataset.tools = here;
  for (const name of WITH_ROW) {
    const button = byId(`viewer-tools-${name}`);
    button.setAttribute("aria-expanded", String(here === name));
    button.setAttribute("aria-pressed", String(here === name));
  }
  /** @type {NodeListOf<HTMLElement>} */
  const buttons = document.querySelectorAll("[data-tool-button]");
  for (const button of buttons)
    button.setAttribute("aria-pressed", String(button.dataset.toolButton === tool));
  const surface = byId("viewer-surface");
  surface.dataset.tool = tool;
  surface.style.cursor = current()?.cursor ?? "";
}

/** @param {AbortSignal} signal Takes the listeners off the page's elements. */
export function mount(signal) {
  for (const name of WITH_ROW)
    byId(`viewer-tools-${name}`).addEventListener("click", () => toggleGroup(name), { signal });
  const choosePressed = (/** @type {Event} */ event) => {
    /** @type {HTMLElement | null} */
    const button = targetOf(event).closest("[data-tool-button]");
    if (button?.dataset.toolButton) choose(button.dataset.toolButton);
  };
  query(".tool-bar").addEventListener("click", choosePressed, { signal });
  return all([viewer.on("open", show), viewer.on("display", show)]);
}
