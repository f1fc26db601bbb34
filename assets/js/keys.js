// Keyboard: one listener, and the list behind `?` made from what is registered, so that the two cannot differ.
//
//   const remove = overread.keys.add("Worklist", [{key: "u", label: "Add studies", run: (event) => {...}}]);
//
// key: as in KeyboardEvent.key, letters in lower case, with "Shift+" or "Ctrl+" before it ("Shift+n", "ArrowDown",
// " " for the space bar). shown: what the list shows (default: made from key). up: run on release. repeat: run
// again while held. Without a label it works but is not listed.
window.overread = window.overread || {};

overread.keys = (function () {
  "use strict";

  const groups = new Map(); // name -> bindings
  const NAMES = { " ": "Space", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", PageUp: "Page up", PageDown: "Page down" };

  const MOVES_SLIDER = /^(Arrow|Page|Home$|End$)/;

  function add(group, bindings) {
    groups.set(group, bindings);
    return () => {
      if (groups.get(group) === bindings) groups.delete(group);
    };
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
      const binding = bindings.find((b) => b.key === pressed);
      if (!binding) continue;
      event.preventDefault();
      if (up) binding.up?.(event);
      else if (!event.repeat || binding.repeat) binding.run(event);
      return;
    }
  }

  function caps(binding) {
    const shown = binding.shown || binding.key;
    return shown.split(/\+(?!$)/).map((part) => {
      const cap = document.createElement("kbd");
      cap.className = "key";
      cap.textContent = NAMES[part] || (part.length === 1 ? part.toUpperCase() : part);
      return cap;
    });
  }

  function fillHelp(body) {
    body.replaceChildren();
    for (const [group, bindings] of groups) {
      const section = document.createElement("section");
      section.className = "help-group";
      const title = document.createElement("h3");
      title.className = "panel-title";
      title.textContent = group;
      const list = document.createElement("dl");
      for (const binding of bindings.filter((b) => b.label)) {
        const row = document.createElement("div");
        row.className = "help-row";
        const label = document.createElement("dt");
        label.textContent = binding.label;
        const cell = document.createElement("dd");
        cell.append(...caps(binding));
        row.append(label, cell);
        list.append(row);
      }
      section.append(title, list);
      body.append(section);
    }
  }

  function openHelp() {
    const dialog = document.getElementById("help-dialog");
    if (!dialog || dialog.open) return;
    fillHelp(document.getElementById("help-body"));
    dialog.showModal();
  }

  document.addEventListener("keydown", (event) => dispatch(event, false));
  document.addEventListener("keyup", (event) => dispatch(event, true));
  document.addEventListener("click", (event) => {
    if (event.target.closest("#help-open")) return openHelp();
    const dialog = document.getElementById("help-dialog");
    if (dialog?.open && (event.target === dialog || event.target.closest("#help-close"))) dialog.close();
  });

  add("Everywhere", [{ key: "?", label: "This list", run: openHelp }]);

  return { add, openHelp };
})();
