// @ts-check
/** The text of an arrow: asked for when one is drawn, and changed with a button afterwards. */

/** @import { Item } from "./measure_shapes.js" */

import { byId, find, make } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as viewer from "../viewer/viewer.js";
import * as measureStore from "./measure_store.js";
import * as measureTools from "./measure_tools.js";

const LONGEST = 120; // as LONGEST_TEXT of dashboard/api/measurements.py

/** @type {string | null} id of the arrow whose text is asked for */
let asked = null;

/** The selected arrow, if one is. */
const selected = () =>
  measureStore.items().find(({ id, kind }) => kind === "arrow" && id === measureTools.selected?.id);

/** @returns {HTMLInputElement} */
function field() {
  const host = byId("arrow-host");
  if (!host.firstChild) {
    const made = make("input", { id: "arrow-text", type: "text", className: "field" });
    made.maxLength = LONGEST;
    made.autocomplete = "off";
    made.setAttribute("aria-labelledby", "arrow-title");
    host.append(made);
  }
  return byId("arrow-text", HTMLInputElement);
}

/** Asks for the text of the selected arrow. */
export function ask() {
  const item = selected();
  const dialog = byId("arrow-dialog", HTMLDialogElement);
  if (!item || dialog.open) return;
  asked = item.id;
  const input = field();
  input.value = item.text ?? "";
  dialog.showModal();
  input.focus();
}

function save() {
  const item = measureStore.items().find(({ id }) => id === asked);
  const text = byId("arrow-text", HTMLInputElement).value.trim();
  byId("arrow-dialog", HTMLDialogElement).close();
  if (item) measureStore.change(item.id, { ...item, text });
}

function showButton() {
  byId("measure-text", HTMLButtonElement).disabled = !selected();
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  const dialog = byId("arrow-dialog", HTMLDialogElement);
  byId("measure-text").addEventListener("click", ask, { signal });
  byId("arrow-save").addEventListener("click", save, { signal });
  byId("arrow-cancel").addEventListener("click", () => dialog.close(), { signal });
  const enter = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    save();
  };
  byId("arrow-host").addEventListener("keydown", enter, { signal });
  // after the press that drew it, which would take the focus back
  const drawn = () => setTimeout(() => viewer.now && selected()?.text === "" && ask());
  return all([
    measureTools.on("drawn", drawn),
    measureTools.on("select", showButton),
    measureStore.on(showButton),
    () => find("arrow-dialog", HTMLDialogElement)?.close(),
  ]);
}
