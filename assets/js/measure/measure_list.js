// The list of measurements in the findings panel: a click goes to the slice and selects; each has a button to delete it.
window.overread = window.overread || {};

overread.measureList = (function () {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const state = () => overread.viewer.now;

  function element(name, className, textContent, attributes = {}) {
    const node = Object.assign(document.createElement(name), { className, textContent });
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  }

  function row(item, now) {
    const [main, ...more] = overread.measureShapes.words(item, now);
    const name = overread.measureShapes.NAMES[item.kind], where = `slice ${item.k + 1}`;
    const isSelected = overread.measureTools.selected?.id === item.id;
    const go = element("button", "measure-go", "", { type: "button", "data-go": item.id, "aria-pressed": String(isSelected), title: [main, ...more].join(", ") });
    go.append(element("span", "", name), element("span", "measure-where", where), element("span", "measure-value", main));
    if (item.kind === "ellipse" && more.length > 1) go.append(element("span", "measure-more", more[0].replace("  ", ", ")));
    const remove = element("button", "measure-delete", "×", { type: "button", "data-delete": item.id, "aria-label": `Delete: ${name}, ${where}, ${main}` });
    const line = element("li", "measure-row", "");
    line.append(go, remove);
    return line;
  }

  let timer = 0;

  // Not more often than every frame's worth: words are made anew.
  function show() {
    clearTimeout(timer);
    timer = setTimeout(update, 30);
  }

  function update() {
    const now = state(), list = byId("measure-list");
    if (!now || !list) return;
    const items = overread.measureStore.items.slice().sort((a, b) => a.k - b.k);
    const focused = document.activeElement?.closest?.("#measure-list button");
    const at = focused && ["go", "delete"].map((name) => [name, focused.dataset[name]]).find(([, id]) => id);
    list.replaceChildren(...items.map((item) => row(item, now)));
    if (at) (list.querySelector(`[data-${at[0]}="${at[1]}"]`) || list.querySelector("button") || byId("measure-list-title")).focus();
    byId("measure-empty").hidden = items.length > 0;
    byId("measure-state").textContent = overread.measureStore.state;
    byId("findings-measurements").dataset.saved = String(overread.measureStore.isSaved);
    overread.measureKeys.showButtons();
  }

  function onClick(event) {
    const button = event.target.closest("button");
    if (!button || !state()) return;
    const { go, delete: gone } = button.dataset;
    if (event.detail) button.blur(); // or the space bar would press it again
    if (gone) return overread.measureKeys.remove(gone);
    const item = overread.measureStore.items.find(({ id }) => id === go);
    if (!item) return;
    overread.viewer.goTo(item.k);
    overread.measureTools.select(item.id);
  }

  function mount(signal) {
    byId("measure-list").addEventListener("click", onClick, { signal });
    const removers = [overread.measureStore.on(show), ...["open", "painted", "channel"].map((name) => overread.viewer.on(name, show))];
    return () => {
      clearTimeout(timer);
      removers.forEach((remove) => remove());
    };
  }

  return { show, mount };
})();
