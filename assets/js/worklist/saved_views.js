// @ts-check
/** Views of the worklist that a reader has saved: filters, search and order under a name. */

/** @import { SavedView } from "../frame/reader.js" */
/** @import { View } from "./list_view.js" */

import { setProps } from "../frame/dash.js";
import { byId, find, make, targetOf, write } from "../frame/dom.js";
import * as reader from "../frame/reader.js";

/** Shows a view; `worklist.js` sets it. @type {(view: Partial<View>) => void} */
let show = () => {};
/** Returns what the worklist shows. @type {() => View} */
let current = () => {
  throw new Error("the worklist has not started");
};

/** @returns {HTMLDialogElement | null} */
const dialog = () => find("worklist-views-dialog", HTMLDialogElement);

/** @param {SavedView} view @returns {Partial<View>} */
const shownBy = ({ view, origin, reason, search, sort, descending }) => ({
  view,
  origin,
  reason,
  search,
  sort: sort === "need" ? [] : [{ colId: sort, sort: descending ? "desc" : "asc", sortIndex: 0 }],
});

/** The view with which the reader's worklist opens, null without one. */
export function first() {
  const { worklist_views: views, worklist_first: name } = reader.now;
  const found = views.find((one) => one.name === name);
  return found ? shownBy(found) : null;
}

/** @param {string} sentence */
const report = (sentence) => write("worklist-views-status", sentence);

/** Lists the views. The focus stays on its button; from one that is gone, it goes to the first. */
function draw() {
  const list = find("worklist-views-list");
  if (!list) return; // another page is in view by now
  const { worklist_views: views, worklist_first: name } = reader.now;
  const focused = document.activeElement;
  const at = focused instanceof HTMLElement && list.contains(focused) ? nameOf(focused) : "";
  list.replaceChildren(...views.map((one) => line(one, one.name === name)));
  byId("worklist-views-none").hidden = views.length > 0;
  if (!at) return;
  const buttons = [...list.querySelectorAll("button")];
  const again = buttons.find((button) => nameOf(button) === at) ?? buttons[0];
  (again ?? byId("worklist-view-name")).focus();
}

/** @param {HTMLElement} button */
const nameOf = ({ dataset }) => JSON.stringify(dataset);

/**
 * @param {SavedView} view
 * @param {boolean} isFirst
 */
function line({ name }, isFirst) {
  /**
   * @param {string} action
   * @param {string} words
   * @param {string} label
   */
  const button = (action, words, label) => {
    const made = make("button", { type: "button", className: "button", textContent: words });
    made.dataset[action] = name;
    made.setAttribute("aria-label", `${label}: ${name}`);
    return made;
  };
  const opens = button("viewFirst", isFirst ? "Opens first" : "Open first", "Open first");
  opens.setAttribute("aria-pressed", String(isFirst));
  return make(
    "li",
    { className: "saved-view" },
    button("viewShow", name, "Show"),
    opens,
    button("viewDelete", "Delete", "Delete"),
  );
}

/** @param {Parameters<typeof reader.change>[0]} fields */
async function change(fields) {
  const saving = reader.change(fields);
  draw();
  report(await saving);
  draw();
}

async function save() {
  const field = byId("worklist-view-name", HTMLInputElement);
  const name = field.value.trim().replace(/\s+/g, " ");
  if (!name) return report("Enter a name for the view.");
  const { sort, search, origin, view, reason } = current();
  const [{ colId, sort: way }] = [...sort, { colId: "need", sort: "asc" }];
  const saved = { name, view, origin, reason, search, sort: colId, descending: way === "desc" };
  const others = reader.now.worklist_views.filter((one) => one.name !== name);
  setProps("worklist-view-name", { value: "" });
  await change({ worklist_views: [...others, saved] });
}

/** @param {MouseEvent} event */
function onClick(event) {
  const target = targetOf(event);
  const box = dialog();
  if (!box) return;
  if (target.closest("#worklist-views-open") && !box.open) {
    report("");
    draw();
    box.showModal();
  }
  if (!box.open) return;
  if (target === box || target.closest("#worklist-views-close")) box.close();
  if (target.closest("#worklist-view-save")) void save();
  /** @type {HTMLElement | null} */
  const button = target.closest(".saved-view button");
  if (!button) return;
  const { viewShow, viewFirst, viewDelete } = button.dataset;
  const { worklist_views: views, worklist_first: opening } = reader.now;
  const found = views.find(({ name }) => name === viewShow);
  if (found) {
    box.close();
    show(shownBy(found));
  }
  if (viewFirst) void change({ worklist_first: viewFirst === opening ? "" : viewFirst });
  if (viewDelete) {
    void change({
      worklist_views: views.filter(({ name }) => name !== viewDelete),
      worklist_first: viewDelete === opening ? "" : opening,
    });
  }
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const field = targetOf(event);
  if (event.key !== "Enter" || field.id !== "worklist-view-name") return;
  event.preventDefault();
  void save();
}

/**
 * @param {(view: Partial<View>) => void} showView
 * @param {() => View} currentView
 */
export function start(showView, currentView) {
  show = showView;
  current = currentView;
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
}
