// What a drag on the image does. Tools register themselves; those of the groups "measure" and "edit" have a row of
// their own in the tool bar, shown while one of them is chosen.
//
//   overread.tools.add({name: "ruler", group: "measure", begin(point, event) { return {move, end, cancel}; }});
//
// point: {x, y} in image coordinates (pixel 0 covers 0..1). begin may return null: nothing follows. Optional:
// hover(point, event) and leave() while nothing is pressed, double(point, event), cursor (a CSS cursor).
window.overread = window.overread || {};

overread.tools = (function () {
  "use strict";

  const HOME = "window";
  const tools = new Map();
  const last = new Map(); // group -> the tool that was used last

  function add(tool) {
    tools.set(tool.name, tool);
    return () => tools.get(tool.name) === tool && tools.delete(tool.name);
  }

  const get = (name) => tools.get(name);
  const current = () => tools.get(overread.viewer.now?.tool);
  const group = () => current()?.group || "view";

  function choose(name) {
    if (!overread.viewer.now || !tools.has(name)) return;
    overread.viewer.display({ tool: name });
  }

  // A group's row with the tool that was used last; pressed again, back to window and level.
  function toggleGroup(name) {
    if (group() === name) return choose(HOME);
    const first = [...tools.values()].find((tool) => tool.group === name);
    choose(tools.has(last.get(name)) ? last.get(name) : first?.name);
  }

  function show({ tool }) {
    const here = group();
    last.set(here, tool);
    document.querySelector(".viewer").dataset.tools = here;
    for (const name of ["measure", "edit"]) {
      const button = document.getElementById(`viewer-tools-${name}`);
      button.setAttribute("aria-expanded", String(here === name));
      button.setAttribute("aria-pressed", String(here === name));
    }
    for (const button of document.querySelectorAll("[data-tool-button]")) {
      button.setAttribute("aria-pressed", String(button.dataset.toolButton === tool));
    }
    const surface = document.getElementById("viewer-surface");
    surface.dataset.tool = tool;
    surface.style.cursor = current()?.cursor || "";
  }

  function mount(signal) {
    for (const name of ["measure", "edit"]) {
      document.getElementById(`viewer-tools-${name}`).addEventListener("click", () => toggleGroup(name), { signal });
    }
    document.querySelector(".tool-bar").addEventListener("click", (event) => {
      const button = event.target.closest("[data-tool-button]");
      if (button) choose(button.dataset.toolButton);
    }, { signal });
    const removers = ["open", "display"].map((name) => overread.viewer.on(name, show));
    return () => removers.forEach((remove) => remove());
  }

  return { add, get, current, group, choose, toggleGroup, mount };
})();
