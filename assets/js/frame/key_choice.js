// @ts-check
/**
 * The list of keys behind `?`, in which readers change them: press a key's button, then the new
 * key. A sentence says what cannot be taken; a key that something else has is taken from it only
 * when the reader says so.
 */

/** @import { Binding } from "./keys.js" */

import { byId, find, make, targetOf } from "./dom.js";
import * as keys from "./keys.js";
import * as reader from "./reader.js";

const FIXED_WORDS =
  "Tab and Escape move between controls and close what is open; they stay as they are.";
/** What Chrome never hands to a page, and what readers need of the browser itself. */
const CHROME = new RegExp(
  "^(Ctrl\\+(Shift\\+)?([ntwqcvxafphjklordeug]|Tab|Page(Up|Down)|[0-9+=-])" +
    "|Ctrl\\+Shift\\+([bijmno]|Delete)|(Shift\\+)?F(1|3|5|6|7|11|12))$",
);
const USABLE = new RegExp(
  "^(Ctrl\\+)?(Shift\\+)?([^\\s]| |Arrow(Up|Down|Left|Right)|Page(Up|Down)|Home|End|Enter" +
    "|Insert|Delete|Backspace|F([2489]|10))$",
);
const ALONE = ["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "NumLock", "ScrollLock"];
/** @type {Binding | null} the binding whose new key is awaited */
let waiting = null;

/** @param {string} key */
const words = (key) => (key ? keys.names(key).join("+") : "no key");

/** @param {string} text */
const cap = (text) => make("kbd", { className: "key", textContent: text });

/** @param {Binding} binding */
const isChanged = (binding) => keys.keyOf(binding) !== binding.key;

/**
 * @param {string} text
 * @param {...Node} buttons
 */
function say(text, ...buttons) {
  byId("help-status").replaceChildren(make("span", { textContent: text }), ...buttons);
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
  change.setAttribute("aria-label", `${binding.label}: ${words(key)}. Change the key`);
  change.addEventListener("click", () => wait(binding));
  if (!isChanged(binding)) return [change];
  const className = "button button--link help-reset";
  const reset = make("button", { type: "button", className, textContent: "Reset" });
  reset.setAttribute("aria-label", `Reset ${binding.label} to ${words(binding.key)}`);
  reset.addEventListener("click", () => assign(binding, binding.key));
  return [reset, change];
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
  byId("help-body").replaceChildren(...sections);
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
  say(`Press the new key for “${binding.label}”. Escape leaves it as it is.`);
}

function stop() {
  if (!waiting) return;
  const { id } = waiting;
  waiting = null;
  draw();
  button(id)?.focus();
}

/**
 * Why a key cannot be taken, in a sentence; "" where it can.
 *
 * @param {string} key
 * @param {KeyboardEvent} event
 */
function refusal(key, event) {
  if (event.altKey || event.metaKey)
    return "Keys with Alt, Option or Command belong to the system; press another one.";
  if (key === "Tab" || key === "Shift+Tab") return FIXED_WORDS;
  if (CHROME.test(key)) return `${words(key)} belongs to the browser; press another key.`;
  if (!USABLE.test(key)) return "This key cannot be used; press another one.";
  return "";
}

/**
 * The bindings that have a key, besides one.
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
    return say("Nothing was changed.");
  }
  const binding = waiting;
  const key = keys.name(event);
  const why = refusal(key, event);
  if (why) return say(why);
  const [holder] = holders(key, binding);
  if (!holder) return assign(binding, key);
  const other = holder.binding;
  const has = `${words(key)} already means “${other.label || holder.group}”.`;
  if (!keys.canChange(other)) return say(`${has} That cannot be changed; press another key.`);
  const className = "button button--small";
  const textContent = `Use ${words(key)} here`;
  const use = make("button", { type: "button", className, textContent });
  use.addEventListener("click", () => assign(binding, key));
  say(`${has} Press another key, or leave that one without a key:`, use);
}

/**
 * Gives a key to a binding, and takes it from the one that has it.
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
  const lost = holder ? ` “${holder.label}” has no key now.` : "";
  void keep(changed, `“${binding.label}” is ${words(key)} now.${lost}`);
  button(binding.id)?.focus();
}

/**
 * @param {Readonly<Record<string, string>>} changed All of the reader's keys.
 * @param {string} sentence
 */
async function keep(changed, sentence) {
  const kept = reader.change({ keys: changed });
  draw();
  say(sentence);
  const error = await kept;
  if (error) say(`${sentence} ${error}`);
}

function open() {
  const dialog = find("help-dialog", HTMLDialogElement);
  if (!dialog || dialog.open) return;
  draw();
  say("Choose a key to change it. Your keys are kept on this server for you alone.");
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
    void keep({}, "All keys are as shipped.");
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
  keys.add("Everywhere", [{ id: "help", key: "?", label: "This list", fixed: true, run: open }]);
}
