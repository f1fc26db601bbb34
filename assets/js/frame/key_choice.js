// The list of keys behind `?`, in which readers change them: press a key's button, then the new key. What cannot be
// taken is told in a sentence; a key that something else has is taken from it only when the reader says so.
window.overread = window.overread || {};

overread.keyChoice = (function () {
  "use strict";

  const FIXED_WORDS = "Tab and Escape move between controls and close what is open; they stay as they are.";
  // What Chrome never hands to a page, and what readers need of the browser itself.
  const CHROME = /^(Ctrl\+(Shift\+)?([ntwqcvxafphjklordeug]|Tab|Page(Up|Down)|[0-9+=-])|Ctrl\+Shift\+([bijmno]|Delete)|(Shift\+)?F(1|3|5|6|7|11|12))$/;
  const USABLE = /^(Ctrl\+)?(Shift\+)?([^\s]| |Arrow(Up|Down|Left|Right)|Page(Up|Down)|Home|End|Enter|Insert|Delete|Backspace|F([2489]|10))$/;
  const ALONE = ["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "NumLock", "ScrollLock"];
  let waiting = null; // the binding whose new key is awaited

  const byId = (id) => document.getElementById(id);
  const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };
  const keys = () => overread.keys;
  const words = (key) => (key ? keys().names(key).join("+") : "no key");
  const cap = (text) => make("kbd", { className: "key", textContent: text });
  const isChanged = (binding) => keys().keyOf(binding) !== binding.key;

  function say(text, ...buttons) {
    byId("help-status").replaceChildren(make("span", { textContent: text }), ...buttons);
  }

  function row(binding) {
    const cell = make("dd");
    const key = keys().keyOf(binding);
    if (!keys().canChange(binding)) {
      cell.append(...keys().names(binding.shown || key).map(cap));
    } else {
      if (isChanged(binding)) {
        const reset = make("button", { type: "button", className: "button button--link help-reset", textContent: "Reset" });
        reset.setAttribute("aria-label", `Reset ${binding.label} to ${words(binding.key)}`);
        reset.addEventListener("click", () => assign(binding, binding.key));
        cell.append(reset);
      }
      const change = make("button", { type: "button", className: "help-key" }, ...(key ? keys().names(key).map(cap) : ["no key"]));
      change.dataset.id = binding.id;
      change.setAttribute("aria-label", `${binding.label}: ${words(key)}. Change the key`);
      change.addEventListener("click", () => wait(binding));
      cell.append(change);
    }
    return make("div", { className: "help-row" }, make("dt", { textContent: binding.label }), cell);
  }

  function draw() {
    const groups = new Map();
    for (const { group, binding } of keys().all()) {
      if (!binding.label) continue;
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(binding);
    }
    const sections = [...groups].map(([group, bindings]) =>
      make("section", { className: "help-group" }, make("h3", { className: "panel-title", textContent: group }), make("dl", {}, ...bindings.map(row))));
    byId("help-body").replaceChildren(...sections);
    byId("help-reset-all").disabled = Object.keys(overread.reader.now.keys).length === 0;
  }

  const button = (id) => byId("help-body").querySelector(`[data-id="${id}"]`);

  function wait(binding) {
    stop();
    waiting = binding;
    button(binding.id).classList.add("help-key--waiting");
    button(binding.id).replaceChildren("press a key");
    say(`Press the new key for “${binding.label}”. Escape leaves it as it is.`);
  }

  function stop() {
    if (!waiting) return;
    const { id } = waiting;
    waiting = null;
    draw();
    button(id)?.focus();
  }

  // Why a key cannot be taken, in a sentence; "" where it can.
  function refusal(key, event) {
    if (event.altKey || event.metaKey) return "Keys with Alt, Option or Command belong to the system; press another one.";
    if (key === "Tab" || key === "Shift+Tab") return FIXED_WORDS;
    if (CHROME.test(key)) return `${words(key)} belongs to the browser; press another key.`;
    if (!USABLE.test(key)) return "This key cannot be used; press another one.";
    return "";
  }

  function take(event) {
    if (!waiting || ALONE.includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") {
      stop();
      return say("Nothing was changed.");
    }
    const binding = waiting;
    const key = keys().name(event);
    const why = refusal(key, event);
    if (why) return say(why);
    const other = keys().all().map((one) => one.binding).find((one) => one !== binding && keys().keyOf(one) === key && one.key);
    if (!other) return assign(binding, key);
    const has = `${words(key)} already means “${other.label || keys().all().find(({ binding: one }) => one.id === other.id)?.group}”.`;
    if (!keys().canChange(other)) return say(`${has} That cannot be changed; press another key.`);
    const use = make("button", { type: "button", className: "button button--small", textContent: `Use ${words(key)} here` });
    use.addEventListener("click", () => assign(binding, key, other));
    say(`${has} Press another key, or leave that one without a key:`, use);
  }

  function assign(binding, key, other) {
    const holder = other || keys().all().map((one) => one.binding).find((one) => one !== binding && keys().keyOf(one) === key && keys().canChange(one));
    const changed = { ...overread.reader.now.keys, [binding.id]: key };
    if (holder) changed[holder.id] = "";
    if (key === binding.key) delete changed[binding.id];
    waiting = null;
    const lost = holder ? ` “${holder.label}” has no key now.` : "";
    void keep(changed, `“${binding.label}” is ${words(key)} now.${lost}`);
    button(binding.id)?.focus();
  }

  async function keep(changed, sentence) {
    const kept = overread.reader.change({ keys: changed });
    draw();
    say(sentence);
    const error = await kept;
    if (error) say(`${sentence} ${error}`);
  }

  function open() {
    const dialog = byId("help-dialog");
    if (!dialog || dialog.open) return;
    draw();
    say("Choose a key to change it. Your keys are kept on this server for you alone.");
    byId("help-tour").hidden = !document.querySelector(".review");
    dialog.showModal();
  }

  document.addEventListener("keydown", take, true);
  document.addEventListener("overread:keys", () => byId("help-dialog")?.open && !waiting && draw());
  document.addEventListener("click", (event) => {
    if (event.target.closest("#help-open")) return open();
    const dialog = byId("help-dialog");
    if (!dialog?.open) return;
    if (event.target.closest("#help-reset-all")) {
      waiting = null;
      void keep({}, "All keys are as shipped.");
    } else if (event.target === dialog || event.target.closest("#help-close, #help-tour")) {
      waiting = null;
      dialog.close();
      if (event.target.closest("#help-tour")) overread.tour.start();
    }
  });

  return { open };
})();
