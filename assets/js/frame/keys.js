// @ts-check
/**
 * Keyboard: one listener, and the list behind `?` is made from the same bindings, so that the two
 * cannot differ. key_choice.js changes keys, reader.js stores them.
 *
 * Key caps on buttons are `<kbd class="key">` elements with the default key; their text is updated
 * when the reader changes the key.
 */

import { Events } from "./events.js";

/**
 * @typedef {object} Binding
 * @property {string} [id] Never changes: readers' own keys are stored by it.
 * @property {string} key Default key, as in KeyboardEvent.key, letters in lower case, prefixed with
 *   "Ctrl+" and "Shift+" ("Shift+n", "ArrowDown", " " for the space bar).
 * @property {string} [shown] Shown in the list instead of a key.
 * @property {string} [label] A binding without a label is not listed.
 * @property {boolean} [fixed] Readers cannot change it.
 * @property {boolean} [repeat] Runs again while the key is held.
 * @property {(event: KeyboardEvent) => unknown} [run]
 * @property {(event: KeyboardEvent) => unknown} [up] Runs when the key is released.
 */

/** @type {Record<string, string>} */
const NAMES = {
  " ": "Space",
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  PageUp: "Page up",
  PageDown: "Page down",
};
const MOVES_SLIDER = /^(Arrow|Page|Home$|End$)/;

/** @type {Map<string, readonly Binding[]>} */
const groups = new Map();
/** @type {Readonly<Record<string, string>>} the reader's own keys by binding id */
let own = {};
let isMarking = false;

/** @type {Events<"change">} */
const events = new Events();
/** Listens to changes of the reader's keys. */
export const { on } = events;

/**
 * Adds a group of bindings; replaces an earlier group of the same name.
 *
 * @param {string} group Its title in the list.
 * @param {readonly Binding[]} bindings
 * @returns {() => void} Removes the group.
 */
export function add(group, bindings) {
  groups.set(group, bindings);
  markSoon();
  return () => {
    if (groups.get(group) === bindings) groups.delete(group);
  };
}

/** @param {Binding} binding */
export const canChange = (binding) =>
  Boolean(binding.id && binding.label && binding.key && !binding.fixed);

/**
 * The current key of a binding, "" for none.
 *
 * @param {Binding} binding
 */
export const keyOf = (binding) =>
  binding.id && canChange(binding) ? (own[binding.id] ?? binding.key) : binding.key;

/** Every binding on this page. */
export const all = () =>
  [...groups].flatMap(([group, bindings]) => bindings.map((binding) => ({ group, binding })));

/**
 * Applies the reader's own keys in place of the defaults.
 *
 * @param {Readonly<Record<string, string>>} keys By binding id.
 */
export function use(keys) {
  own = { ...keys };
  markSoon();
  events.emit("change");
}

/**
 * The key of an event in the notation of bindings.
 *
 * @param {KeyboardEvent} event
 */
export function name(event) {
  const letter = event.key.length === 1;
  const key = letter ? event.key.toLowerCase() : event.key;
  const shift = event.shiftKey && (!letter || key !== key.toUpperCase());
  return (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (shift ? "Shift+" : "") + key;
}

/**
 * Whether the focused element needs the key, for typing or pressing a button.
 *
 * @param {KeyboardEvent} event
 */
function isTaken(event) {
  const target = event.target instanceof Element ? event.target : document.body;
  if (document.querySelector("dialog[open]")) return true;
  if (target.closest("textarea, select, [contenteditable='true']")) return true;
  // the grid uses arrow keys and Space; letters are ours
  if (target.closest(".ag-root")) return event.key.length > 1 || event.key === " ";
  const input = target.closest("input");
  if (input?.type === "range") return !input.dataset.passKeys && MOVES_SLIDER.test(event.key);
  if (input) return !["checkbox", "radio", "button"].includes(input.type) || event.key === " ";
  const presses = event.key === " " || event.key === "Enter";
  return presses && Boolean(target.closest("button, a, summary, [role='button']"));
}

/**
 * Escape in a field, and Enter in a list, give the keyboard back to the page.
 *
 * @param {KeyboardEvent} event
 */
function letGo({ key, target }) {
  if (!(target instanceof HTMLElement) || target.closest("dialog")) return false;
  const isField = target.matches("textarea, select, .findings input:not([type='range'])");
  const leaves = key === "Escape" ? isField : key === "Enter" && target.matches("select");
  if (leaves) target.blur();
  return leaves;
}

/**
 * @param {KeyboardEvent} event
 * @param {boolean} up Whether the key was released.
 */
function dispatch(event, up) {
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  if (!up && letGo(event)) return;
  if (!event.key || isTaken(event)) return; // the browser fills in forms with events without a key
  const binding = bindingFor(name(event));
  if (!binding) return;
  event.preventDefault();
  if (up) binding.up?.(event);
  else if (!event.repeat || binding.repeat) binding.run?.(event);
}

/**
 * The binding that a key runs. A key that the reader chose comes before a default one: a newer
 * version may have given that key to something else.
 *
 * @param {string} pressed
 */
export function bindingFor(pressed) {
  const found = all().filter(({ binding }) => keyOf(binding) === pressed);
  return (found.find(({ binding }) => isOwn(binding)) ?? found[0])?.binding;
}

/** @param {Binding} binding */
const isOwn = ({ id }) => Boolean(id && own[id] !== undefined);

/**
 * Another listed binding with the same key, which that key does not run; undefined as a rule.
 *
 * @param {Binding} binding
 */
export function clashOf(binding) {
  const key = keyOf(binding);
  if (!key || !binding.label) return undefined;
  const same = all().filter(({ binding: b }) => b.label && keyOf(b) === key && b.id !== binding.id);
  return same[0]?.binding;
}

/** @param {string} text */
const part = (text) => NAMES[text] || (text.length === 1 ? text.toUpperCase() : text);

/**
 * Key caps for a key: "Shift+n" becomes ["Shift", "N"].
 *
 * @param {string} key
 */
export const names = (key) => key.split(/\+(?!$)/).map(part);

/** @param {string} key Is converted to the notation of `aria-keyshortcuts`. */
const shortcut = (key) =>
  key.replace("Ctrl+", "Control+").replace(/ $/, "Space").replace(/\+$/, "Plus");

/** Marks the caps once for all groups that a page adds together. */
function markSoon() {
  if (isMarking || typeof document === "undefined") return;
  isMarking = true;
  queueMicrotask(() => {
    isMarking = false;
    markCaps();
  });
}

function markCaps() {
  /** @type {Map<string, Binding>} by id */
  const known = new Map();
  /** @type {Map<string, string>} ids by cap: pages are rendered with the default keys */
  const ids = new Map();
  for (const { binding } of all()) {
    const { id, key } = binding;
    if (!id) continue;
    known.set(id, binding);
    const cap = key && names(key).join("+");
    if (cap && !ids.has(cap)) ids.set(cap, id);
  }
  /** @type {NodeListOf<HTMLElement>} */
  const caps = document.querySelectorAll("button kbd.key, .key-hint kbd.key, kbd.key-hint");
  for (const cap of caps) markCap(cap, known, ids);
  /** @type {NodeListOf<HTMLButtonElement>} */
  const buttons = document.querySelectorAll("button[title*='(']");
  for (const button of buttons) {
    const [, before, hint, after] = /^(.*\()([^()]+)(\).*)$/.exec(button.title) || [];
    if (!hint) continue;
    button.dataset.hint ||= ids.get(hint.trim()) ?? "";
    const binding = button.dataset.hint && known.get(button.dataset.hint);
    if (binding) button.title = before + (names(keyOf(binding)).join("+") || "no key") + after;
  }
}

/**
 * @param {HTMLElement} cap
 * @param {ReadonlyMap<string, Binding>} known By id.
 * @param {ReadonlyMap<string, string>} ids By cap.
 */
function markCap(cap, known, ids) {
  const { dataset } = cap;
  // React may have reused the element
  if (!dataset.binding || cap.textContent !== dataset.cap)
    dataset.binding = ids.get(cap.textContent.trim()) ?? "";
  const binding = dataset.binding && known.get(dataset.binding);
  if (!binding) return;
  const key = keyOf(binding);
  cap.hidden = !key;
  if (key) cap.textContent = names(key).join("+");
  dataset.cap = cap.textContent;
  const button = cap.closest("button");
  if (key) button?.setAttribute("aria-keyshortcuts", shortcut(key));
  else button?.removeAttribute("aria-keyshortcuts");
}

export function start() {
  document.addEventListener("keydown", (event) => dispatch(event, false));
  document.addEventListener("keyup", (event) => dispatch(event, true));
}
