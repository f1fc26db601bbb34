// Keyboard: one listener, and the list behind `?` made from what is registered, so that the two cannot differ.
//
//   const remove = overread.keys.add("Worklist", [{id: "worklist.add", key: "u", label: "Add studies", run: (event) => {...}}]);
//
// id: stays the same for ever, readers' own keys are kept by it. key: as shipped, as in KeyboardEvent.key, letters in
// lower case, with "Ctrl+" and "Shift+" before it ("Shift+n", "ArrowDown", " " for the space bar). shown: what the list
// shows where there is no key. up: run on release. repeat: run again while held. fixed: readers cannot change it.
// Without a label it works but is not listed. key_choice.js changes keys, reader.js keeps them.
//
// A key's cap on a button is a <kbd class="key"> with the key as shipped; it follows when the reader changes the key.
window.overread = window.overread || {};

overread.keys = (function () {
  "use strict";

  const groups = new Map(); // name -> bindings
  let own = {}; // the reader's keys, by the binding's id
  const NAMES = { " ": "Space", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", PageUp: "Page up", PageDown: "Page down" };

  const MOVES_SLIDER = /^(Arrow|Page|Home$|End$)/;

  function add(group, bindings) {
    groups.set(group, bindings);
    markCaps();
    return () => {
      if (groups.get(group) === bindings) groups.delete(group);
    };
  }

  const canChange = (binding) => Boolean(binding.id && binding.label && binding.key && !binding.fixed);
  const keyOf = (binding) => (canChange(binding) ? own[binding.id] ?? binding.key : binding.key);

  // Every binding on this page: [{group, binding}].
  const all = () => [...groups].flatMap(([group, bindings]) => bindings.map((binding) => ({ group, binding })));

  // The reader's keys take the place of those shipped, on this page at once.
  function use(keys) {
    own = { ...keys };
    markCaps();
    document.dispatchEvent(new CustomEvent("overread:keys"));
  }

  function name(event) {
    const letter = event.key.length === 1;
    const key = letter ? event.key.toLowerCase() : event.key;
    const shift = event.shiftKey && (!letter || key !== key.toUpperCase());
    return (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (shift ? "Shift+" : "") + key;
  }

  // True where the key belongs to the element that has the focus: typing, or pressing a button.
  function taken(event) {
    const target = event.target instanceof Element ? event.target : document.body;
    if (document.querySelector("dialog[open]")) return true;
    if (target.closest("textarea, select, [contenteditable='true']")) return true;
    if (target.closest(".ag-root")) return event.key.length > 1 || event.key === " "; // the grid moves, letters are ours
    const input = target.closest("input");
    if (input && input.type === "range") return !input.dataset.passKeys && MOVES_SLIDER.test(event.key);
    if (input) return !["checkbox", "radio", "button"].includes(input.type) || event.key === " ";
    return (event.key === " " || event.key === "Enter") && Boolean(target.closest("button, a, summary, [role='button']"));
  }

  function dispatch(event, up) {
    if (event.defaultPrevented || event.altKey || event.isComposing || !event.key || taken(event)) return;
    const pressed = name(event);
    for (const bindings of groups.values()) {
      const binding = bindings.find((b) => keyOf(b) === pressed);
      if (!binding) continue;
      event.preventDefault();
      if (up) binding.up?.(event);
      else if (!event.repeat || binding.repeat) binding.run(event);
      return;
    }
  }

  const part = (text) => NAMES[text] || (text.length === 1 ? text.toUpperCase() : text);

  // The caps of a key, "Shift+n" as ["Shift", "N"].
  const names = (key) => key.split(/\+(?!$)/).map(part);

  // Caps and hints in a page's buttons are drawn with the keys as shipped, by which their bindings are found once.
  function bindingOf(text) {
    return all().find(({ binding }) => binding.id && binding.key && names(binding.key).join("+") === text.trim())?.binding;
  }

  const shortcut = (key) => key.replace("Ctrl+", "Control+").replace(/ $/, "Space").replace(/\+$/, "Plus");

  function markCaps() {
    const known = new Map(all().filter(({ binding }) => binding.id).map(({ binding }) => [binding.id, binding]));
    for (const cap of document.querySelectorAll("button kbd.key, .key-hint kbd.key, kbd.key-hint")) {
      const { dataset } = cap;
      if (!dataset.binding || cap.textContent !== dataset.cap) dataset.binding = bindingOf(cap.textContent)?.id || ""; // React may have put the element to another use
      const binding = known.get(dataset.binding);
      if (!binding) continue;
      const key = keyOf(binding);
      cap.hidden = !key;
      if (key) cap.textContent = names(key).join("+");
      dataset.cap = cap.textContent;
      cap.closest("button")?.[key ? "setAttribute" : "removeAttribute"]("aria-keyshortcuts", shortcut(key));
    }
    for (const button of document.querySelectorAll("button[title*='(']")) {
      const [, before, hint, after] = /^(.*\()([^()]+)(\).*)$/.exec(button.title) || [];
      if (!hint) continue;
      button.dataset.hint ||= bindingOf(hint)?.id || "";
      const binding = known.get(button.dataset.hint);
      if (binding) button.title = before + (names(keyOf(binding)).join("+") || "no key") + after;
    }
  }

  document.addEventListener("keydown", (event) => dispatch(event, false));
  document.addEventListener("keyup", (event) => dispatch(event, true));
  add("Everywhere", [{ id: "help", key: "?", label: "This list", fixed: true, run: () => overread.keyChoice.open() }]);

  return { add, all, use, keyOf, canChange, names, name, mark: markCaps };
})();
