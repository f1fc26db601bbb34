// @ts-check
/**
 * The list of keys (`?`), in which readers can change them: click a key, then press the new one. A
 * message explains why a key cannot be used; a key that is already in use is reassigned only after
 * confirmation.
 */

/** @import { Binding } from "./keys.js" */

import { byId, find, make, targetOf } from "./dom.js";
import * as keys from "./keys.js";
import * as reader from "./reader.js";

const FIXED =
  "Tab and Escape cannot be changed: they move between controls and close dialogs and panels.";
/** Keys that Chrome never passes to a page, or that readers need for the browser itself. */
const CHROME = new RegExp(
  "^(Ctrl\\+(Shift\\+)?([ntwqcvxafphjklordeug]|Tab|Page(Up|Down)|[0-9+=-])" +
    "|Ctrl\\+Shift\\+([bijmno]|Delete)|(Shift\\+)?F(1|3|5|6|7|11|12))$",
);
const USABLE = new RegExp(
  "^(Ctrl\\+)?(Shift\\+)?([^\\s]| |Arrow(Up|Down|Left|Right)|Page(Up|Down)|Home|End|Enter" +
    "|Insert|Delete|Backspace|F([2489]|10))$",
);
const ALONE = ["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "NumLock", "ScrollLock"];
/** @type {Binding | null} the binding that waits for its new key */
let waiting = null;

/** @param {string} key */
const words = (key) => (key ? keys.names(key).join("+") : "no key");

/** @param {string} text */
const cap = (text) => make("kbd", { className: "key", textContent: text });

/** @param {Binding} binding */
const isChanged = (binding) => keys.keyOf(binding) !== binding.key;

/**
 * @typedef {"intro" | "waiting" | "cancelled" | "changed" | "not-saved" | "reset" | "in-use"
 *   | Refusal} Status
 */
/** @typedef {"system" | "fixed" | "browser" | "unusable" | "used-by-fixed"} Refusal */

/**
 * @param {Status} code Is in the document too (`data-code`), for tests.
 * @param {string} text
 * @param {...Node} buttons
 */
function say(code, text, ...buttons) {
  const place = byId("help-status");
  place.replaceChildren(make("span", { textContent: text }), ...buttons);
  place.dataset.code = code;
}

/** @param {Binding} binding */
function row(binding) {
  const cell = make("dd");
  if (keys.canChange(binding)) cell.append(...controls(binding));
  else cell.append(...keys.names(binding.shown || keys.keyOf(binding)).map(cap));
  const label = make("dt", { textContent: binding.label });
  return make("div", { className: "help-row" }, label, cell);
}

/** @param {Binding} binding */
function controls(binding) {
  const key = keys.keyOf(binding);
  const caps = key ? keys.names(key).map(cap) : ["no key"];
  const change = make("button", { type: "button", className: "help-key" }, ...caps);
  change.dataset.id = binding.id;
  change.setAttribute("aria-label", `${binding.label}: ${words(key)}. Change key`);
  change.addEventListener("click", () => wait(binding));
  const clash = clashMark(binding);
  if (!isChanged(binding)) return [...clash, change];
  const className = "button button--link help-reset";
  const reset = make("button", { type: "button", className, textContent: "Reset" });
  reset.setAttribute("aria-label", `Reset ${binding.label} to ${words(binding.key)}`);
  reset.addEventListener("click", () => assign(binding, binding.key));
  return [...clash, reset, change];
}

/**
 * What else has a binding's key, which a newer version may have given it; [] as a rule.
 *
 * @param {Binding} binding
 */
function clashMark(binding) {
  const clash = keys.clashOf(binding);
  if (!clash) return [];
  const runs = keys.bindingFor(keys.keyOf(binding)) === binding;
  const text = runs ? `also the key of “${clash.label}”` : `key taken by “${clash.label}”`;
  const mark = make("span", { className: "help-clash", textContent: text });
  mark.dataset.clash = clash.id;
  return [mark];
}

function draw() {
  const listed = keys.all().filter(({ binding }) => binding.label);
  const sections = [...Map.groupBy(listed, ({ group }) => group)].map(([group, members]) =>
    make(
      "section",
      { className: "help-group" },
      make("h3", { className: "panel-title", textContent: group }),
      make("dl", {}, ...members.map(({ binding }) => row(binding))),
    ),
  );
  const body = byId("help-body");
  const focused = document.activeElement;
  const id = focused instanceof HTMLElement && body.contains(focused) ? focused.dataset.id : "";
  body.replaceChildren(...sections);
  if (id) button(id)?.focus({ preventScroll: true });
  byId("help-reset-all", HTMLButtonElement).disabled = !Object.keys(reader.now.keys).length;
}

/**
 * @param {string | undefined} id
 * @returns {HTMLElement | null}
 */
const button = (id) => byId("help-body").querySelector(`[data-id="${id}"]`);

/** @param {Binding} binding */
function wait(binding) {
  stop();
  waiting = binding;
  button(binding.id)?.classList.add("help-key--waiting");
  button(binding.id)?.replaceChildren("press a key");
  say("waiting", `Press the new key for “${binding.label}”. Escape cancels.`);
}

function stop() {
  if (!waiting) return;
  const { id } = waiting;
  waiting = null;
  draw();
  button(id)?.focus();
}

/**
 * Why a key cannot be used, as code and sentence; null if it can.
 *
 * @param {string} key
 * @param {KeyboardEvent} event
 * @returns {[Refusal, string] | null}
 */
function refusal(key, event) {
  const other = "Press another key.";
  if (event.altKey || event.metaKey)
    return ["system", `Keys with Alt, Option or Command are reserved by the system. ${other}`];
  if (key === "Tab" || key === "Shift+Tab") return ["fixed", FIXED];
  if (CHROME.test(key)) return ["browser", `${words(key)} is reserved by the browser. ${other}`];
  if (!USABLE.test(key)) return ["unusable", `This key cannot be used. ${other}`];
  return null;
}

/**
 * The other bindings that have a key.
 *
 * @param {string} key
 * @param {Binding} binding
 */
const holders = (key, binding) =>
  keys.all().filter(({ binding: one }) => one !== binding && key && keys.keyOf(one) === key);

/** @param {KeyboardEvent} event */
function take(event) {
  if (!waiting || ALONE.includes(event.key)) return;
  event.preventDefault();
  event.stopPropagation();
  if (event.key === "Escape") {
    stop();
    return say("cancelled", "Key not changed.");
  }
  const binding = waiting;
  const key = keys.name(event);
  const why = refusal(key, event);
  if (why) return say(...why);
  const [holder] = holders(key, binding);
  if (!holder) return assign(binding, key);
  const other = holder.binding;
  const has = `${words(key)} is already used for “${other.label || holder.group}”.`;
  if (!keys.canChange(other))
    return say("used-by-fixed", `${has} It cannot be changed. Press another key.`);
  const className = "button button--small";
  const textContent = `Use ${words(key)} here`;
  const use = make("button", { type: "button", className, textContent });
  use.addEventListener("click", () => assign(binding, key));
  say("in-use", `${has} Press another key, or use it here and leave that one without a key:`, use);
}

/**
 * Assigns a key to a binding and removes it from the one that has it.
 *
 * @param {Binding} binding
 * @param {string} key
 */
function assign(binding, key) {
  const holder = holders(key, binding).find(({ binding: one }) => keys.canChange(one))?.binding;
  const changed = { ...reader.now.keys, [`${binding.id}`]: key };
  if (holder) changed[`${holder.id}`] = "";
  if (key === binding.key) delete changed[`${binding.id}`];
  waiting = null;
  const lost = holder ? ` “${holder.label}” now has no key.` : "";
  void save(changed, "changed", `“${binding.label}” is now ${words(key)}.${lost}`);
  button(binding.id)?.focus();
}

/**
 * @param {Readonly<Record<string, string>>} changed All of the reader's keys.
 * @param {"changed" | "reset"} code
 * @param {string} sentence
 */
async function save(changed, code, sentence) {
  const saving = reader.change({ keys: changed });
  draw();
  say(code, sentence);
  const error = await saving;
  if (error) say("not-saved", `${sentence} ${error}`);
}

function open() {
  const dialog = find("help-dialog", HTMLDialogElement);
  if (!dialog || dialog.open) return;
  draw();
  say("intro", "Click a key to change it. Your shortcuts are saved on this server, for you only.");
  byId("help-tour").hidden = !document.querySelector(".review");
  dialog.showModal();
}

/** @param {Event} event */
function onClick(event) {
  const target = targetOf(event);
  if (target.closest("#help-open")) return open();
  const dialog = find("help-dialog", HTMLDialogElement);
  if (!dialog?.open) return;
  if (target.closest("#help-reset-all")) {
    waiting = null;
    void save({}, "reset", "All shortcuts reset to their defaults.");
  } else if (target === dialog || target.closest("#help-close, #help-tour")) {
    waiting = null;
    dialog.close();
  }
}

export function start() {
  document.addEventListener("keydown", take, true);
  document.addEventListener("click", onClick);
  keys.on("change", () => {
    if (find("help-dialog", HTMLDialogElement)?.open && !waiting) draw();
  });
  keys.add("General", [
    { id: "help", key: "?", label: "Keyboard shortcuts", fixed: true, run: open },
  ]);
}
