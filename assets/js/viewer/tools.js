// @ts-check
/**
 * The tools that a drag on the image uses. Tools register themselves; the groups "measure" and
 * "edit" have their own row in the tool bar, shown while one of their tools is chosen.
 *
 *     tools.add({name: "ruler", group: "measure", begin: (point, event, screen) => ({move, end})});
 */

/** @import { Point, Screen } from "./screen.js" */
/** @import { Session } from "./session.js" */

import { byId, query, targetOf } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as viewer from "./viewer.js";

/**
 * Handlers after a press. Points are in image coordinates; last is the previous event's position in
 * window coordinates.
 *
 * @typedef {object} Action
 * @property {(point: Point, event: PointerEvent, last: Point) => void} [move]
 * @property {(point: Point, event: PointerEvent) => void} [end]
 * @property {(point: Point, event: PointerEvent) => void} [cancel]
 */

/**
 * Starts an action on a press, if any.
 *
 * @typedef {(point: Point, event: PointerEvent, screen: Screen) => Action | null | undefined} Begin
 */

/** @typedef {"view" | "measure" | "edit"} Group */

/**
 * @typedef {object} Tool
 * @property {string} name
 * @property {Group} group
 * @property {Begin} begin
 * @property {(point: Point, event: PointerEvent) => void} [hover] While no button is pressed.
 * @property {() => void} [leave] The pointer left the image.
 * @property {(point: Point, event: MouseEvent) => void} [double] A double click.
 * @property {string} [cursor] CSS cursor.
 */

const HOME = "window";
/** @type {Group[]} */
const WITH_ROW = ["measure", "edit"];
/** @type {Map<string, Tool>} */
const tools = new Map();
/** @type {Map<Group, string>} the last used tool of each group */
const last = new Map();
/** @type {Set<Begin>} */
const grabs = new Set();

/**
 * @param {Tool} tool
 * @returns {() => void} Removes it.
 */
export function add(tool) {
  tools.set(tool.name, tool);
  return () => {
    if (tools.get(tool.name) === tool) tools.delete(tool.name);
  };
}

/**
 * Adds something that a press can grab before the chosen tool gets it.
 *
 * @param {Begin} grab
 * @returns {() => void} Removes it.
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

/** Returns to window and level. */
export const leave = () => choose(HOME);

/**
 * Opens the row of a group with its last used tool; if it is open, returns to window and level.
 *
 * @param {Group} name
 */
export function toggleGroup(name) {
  if (group() === name) return leave();
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

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
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
