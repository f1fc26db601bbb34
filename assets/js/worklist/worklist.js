// @ts-check
/**
 * The worklist's grid (dashboard/pages/worklist/grid.py): search, tabs, keys, deletion; its
 * cells: worklist_cells.js. Everything that must answer at once runs here; the server only sends
 * rows.
 */

/** @import { Binding } from "../frame/keys.js" */

import { goToPage, register, setProps } from "../frame/dash.js";
import { byId, find, targetOf } from "../frame/dom.js";
import * as keys from "../frame/keys.js";
import * as shell from "../frame/shell.js";
import * as readingList from "./reading_list.js";
import * as messages from "./upload_messages.js";
import * as uploadPanel from "./upload_panel.js";
import * as upload from "./upload_send.js";

const GRID = "worklist-grid";
const NARROW_PX = 1120;
const ROW_PX = 34;
const HEALTH_MS = 5000;
const FLASH_MS = 1200;
/**
 * Widths of columns on a wide and on a narrow page, where they make room for the notes, which must
 * not be cut to nothing: the tabs say the source, the review page the slices. Each is wide enough
 * for its title with the arrow of a sorted column.
 */
const WIDTHS = {
  study_date: [108, 108],
  sequences: [128, 112],
  state_words: [200, 150],
  score: [158, 156],
  volume_ml: [116, 114],
};

/** @type {GridApi | null} */
let grid = null;
/** What the filter was asked for, kept while the grid is being built. */
let asked = { search: "", origin: "" };
/** @type {readonly string[]} ids of studies that an upload has just added */
let marked = [];
/** @type {(() => void) | null} */
let removeKeys = null;
let healthTimer = 0;

/** The grid, null while the page has none. */
const live = () => (grid && !grid.isDestroyed?.() ? grid : null);

/**
 * @param {GridApi} api
 * @param {number} width
 */
function fitColumns(api, width) {
  if (!width || api.isDestroyed?.()) return;
  const narrow = width < NARROW_PX;
  if (api.getColumn("slices")?.isVisible() === !narrow) return;
  api.setColumnsVisible(["origin_words", "slices"], !narrow);
  api.setColumnWidths(
    Object.entries(WIDTHS).map(([key, sizes]) => ({ key, newWidth: sizes[narrow ? 1 : 0] })),
  );
}

// ---- what the grid calls, by the names in study_grid.py ----
/** @param {{ themeQuartz: { withParams(params: object): unknown } }} agGrid */
const overreadTheme = (agGrid) =>
  agGrid.themeQuartz.withParams({
    accentColor: "var(--accent)",
    backgroundColor: "var(--panel)",
    foregroundColor: "var(--text)",
    textColor: "var(--text)",
    borderColor: "var(--line)",
    borderRadius: "var(--radius)",
    wrapperBorderRadius: "var(--radius)",
    browserColorScheme: "inherit",
    chromeBackgroundColor: "var(--panel)",
    headerBackgroundColor: "var(--panel)",
    headerTextColor: "var(--muted)",
    headerFontSize: "var(--size-secondary)",
    headerFontWeight: "var(--weight-medium)",
    headerColumnResizeHandleColor: "transparent",
    iconSize: "12px",
    fontFamily: "var(--font)",
    fontSize: "var(--size-body)",
    dataFontSize: "var(--size-body)",
    rowHoverColor: "var(--raised)",
    selectedRowBackgroundColor: "var(--raised)",
    cellHorizontalPadding: "12px",
    wrapperBorder: true,
    focusShadow: "none",
    cellFontFamily: "var(--font)",
    valueChangeValueHighlightBackgroundColor: "color-mix(in srgb, var(--accent) 22%, transparent)",
  });

/**
 * Left and right stay where they are: a row is one thing to open.
 *
 * @param {{ key: string, nextCellPosition: unknown, previousCellPosition: unknown }} params
 */
const overreadNextCell = ({ key, nextCellPosition, previousCellPosition }) =>
  key === "ArrowUp" || key === "ArrowDown" ? nextCellPosition : previousCellPosition;

/** @param {{ event: KeyboardEvent | undefined, data: any, api: GridApi }} params */
function overreadGridKey({ event, data, api }) {
  if (!event || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Enter") {
    event.preventDefault();
    goToPage(data.href);
  } else if (event.key === "Delete" && data.deletable) askToDelete(data);
  else if (event.key === "Home") focusRow(api, 0);
  else if (event.key === "End") focusRow(api, api.getDisplayedRowCount() - 1);
}

/** @param {{ event: MouseEvent | undefined, data: any }} params */
function overreadGridClick({ event, data }) {
  const target = event?.target instanceof Element ? event.target : null;
  if (target?.closest(".study-delete")) return askToDelete(data);
  if (event?.ctrlKey || event?.metaKey || event?.shiftKey) {
    if (!target?.closest("a")) window.open(data.href, "_blank", "noopener");
    return;
  }
  if (String(window.getSelection() ?? "")) return; // a name is being copied
  goToPage(data.href);
}

/** @param {{ api: GridApi, clientWidth: number }} params */
const overreadGridSize = ({ api, clientWidth }) => fitColumns(api, clientWidth);

/** @param {{ api: GridApi }} params */
function overreadGridRows({ api }) {
  grid = api;
  // the cell's value stays empty while its words go from none to "no spacing"
  api.refreshCells({ columns: ["volume_ml"], force: true });
  fit(api);
  keepOrder(api);
  messages.forgetDeleted(rows(api).map(({ study_id: id }) => id));
}

// ---- search and tabs ----
function apply() {
  const api = live();
  if (!api) return;
  const { search, origin } = asked;
  api.setGridOption("quickFilterText", search);
  void api
    .setColumnFilterModel("origin", origin ? { type: "equals", filter: origin } : null)
    .then(() => api.onFilterChanged());
}

/**
 * @param {string | null | undefined} search
 * @param {string | null | undefined} origin
 */
function filter(search, origin) {
  asked = { search: String(search || ""), origin: String(origin || "") };
  const take = (/** @type {GridApi} */ api) => {
    grid = api;
    apply();
    fit(api);
  };
  dash_ag_grid
    .getApiAsync?.(GRID)
    ?.then(take)
    .catch(() => {});
  /** @type {NodeListOf<HTMLElement>} */
  const tabs = document.querySelectorAll("#worklist-tabs [data-origin]");
  for (const tab of tabs)
    tab.setAttribute("aria-pressed", String(tab.dataset.origin === asked.origin));
}

/**
 * The frame is as high as its rows, up to what the page has room for.
 *
 * @param {GridApi} api
 */
function fit(api) {
  const frame = find("worklist-grid-frame");
  if (!frame || api.isDestroyed?.()) return;
  fitColumns(api, frame.clientWidth);
  const shown = api.getDisplayedRowCount();
  frame.style.height = `${Math.max(shown, 1) * ROW_PX + ROW_PX + 2}px`;
  const none = find("worklist-none");
  if (none) {
    none.hidden = shown > 0 || frame.hidden;
    const isLibrary = asked.origin === "library";
    const noLibrary = isLibrary && !rows(api).some(({ origin }) => origin === "library");
    const words = byId("worklist-no-library");
    words.hidden = !noLibrary;
    words.previousElementSibling?.toggleAttribute("hidden", noLibrary);
    frame.classList.toggle("study-grid-frame--empty", shown === 0);
  }
  markRows(api);
}

/**
 * What "next study" on the review page goes by.
 *
 * @param {GridApi} api
 */
function keepOrder(api) {
  /** @type {string[]} */
  const ids = [];
  api.forEachNodeAfterFilterAndSort(({ data }) => ids.push(data.study_id));
  readingList.keep(ids, Boolean(asked.search || asked.origin));
}

/**
 * @param {GridApi} api
 * @returns {{ study_id: string, origin: string }[]}
 */
function rows(api) {
  /** @type {any[]} */
  const found = [];
  api.forEachNode(({ data }) => found.push(data));
  return found;
}

// ---- rows ----
/**
 * @param {GridApi} api
 * @param {number} index
 */
function focusRow(api, index) {
  if (index < 0) return;
  api.ensureIndexVisible(index);
  api.setFocusedCell(index, "patient");
}

/**
 * Studies that an upload has just added are marked until the page is left.
 *
 * @param {readonly string[]} ids
 */
function mark(ids) {
  if (!find("upload")) return;
  marked = ids;
  if (asked.search || asked.origin) showAll();
  const api = live();
  if (api) markRows(api);
  setProps("worklist-refresh", { data: Date.now() });
}

/**
 * Only cells that are drawn can flash: the grid fails on others.
 *
 * @param {GridApi} api
 * @param {readonly GridNode[]} nodes
 */
function flash(api, nodes) {
  const isDrawn = (/** @type {GridNode} */ { id }) =>
    document.querySelector(`.ag-row[row-id="${CSS.escape(id)}"] .ag-cell`);
  const rowNodes = nodes.filter(isDrawn);
  if (rowNodes.length && !api.isDestroyed?.())
    api.flashCells({ rowNodes, flashDuration: FLASH_MS });
}

/** @param {GridApi} api */
function markRows(api) {
  const nodes = marked.flatMap((id) => api.getRowNode(id) ?? []);
  if (!nodes.length) return;
  requestAnimationFrame(() => flash(api, nodes));
  const { rowIndex } = nodes[0];
  if (rowIndex !== null && !document.querySelector("dialog[open]")) focusRow(api, rowIndex);
  marked = [];
}

// ---- deletion ----
/** @returns {HTMLDialogElement | null} */
const deleteDialog = () => find("worklist-delete-dialog", HTMLDialogElement);

/** @param {{ study_id: string, patient: string }} row */
function askToDelete({ study_id: id, patient }) {
  const dialog = deleteDialog();
  if (!dialog || dialog.open) return;
  byId("worklist-delete-name").textContent = patient;
  setProps("worklist-delete-target", { data: id });
  dialog.showModal();
}

// ---- keys ----
/** @type {Binding[]} */
const KEYS = [
  {
    id: "worklist.search",
    key: "/",
    label: "Search",
    run: () => find("worklist-search")?.focus(),
  },
  { id: "worklist.add", key: "u", label: "Add studies", run: uploadPanel.openDialog },
  {
    id: "worklist.next",
    key: "ArrowDown",
    fixed: true,
    label: "Move to the next study",
    run: () => focusFirst(),
  },
  {
    id: "worklist.previous",
    key: "ArrowUp",
    fixed: true,
    label: "Move to the study before",
    run: () => {
      const api = live();
      if (api) focusRow(api, api.getDisplayedRowCount() - 1);
    },
  },
  { key: "", shown: "Enter", label: "Open the study" },
  { key: "", shown: "Delete", label: "Delete an uploaded study" },
];

function focusFirst() {
  const api = live();
  if (api) focusRow(api, 0);
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const field = targetOf(event);
  if (!(field instanceof HTMLInputElement) || field.id !== "worklist-search") return;
  const api = live();
  if (event.key === "ArrowDown" && api) {
    event.preventDefault();
    focusRow(api, 0);
  } else if (event.key === "Escape" && field.value) {
    event.preventDefault();
    clearSearch();
  } else if (event.key === "Enter" && api?.getDisplayedRowCount() === 1) {
    goToPage(api.getDisplayedRowAtIndex(0)?.data.href);
  }
}

function showAll() {
  clearSearch();
  setProps("worklist-origin", { data: "" });
}

const clearSearch = () => setProps("worklist-search", { value: "" });

/** @param {MouseEvent} event */
function onClick(event) {
  const target = targetOf(event);
  const dialog = deleteDialog();
  const closes = target === dialog || target.closest("#worklist-delete-no, #worklist-delete-yes");
  if (dialog?.open && closes) dialog.close();
  if (target.closest("#worklist-show-all")) showAll();
  /** @type {HTMLElement | null} */
  const tab = target.closest("#worklist-tabs [data-origin]");
  if (tab) setProps("worklist-origin", { data: tab.dataset.origin });
}

// ---- is the server there? ----
async function watchHealth() {
  clearTimeout(healthTimer);
  const box = find("worklist-offline");
  if (!box) return;
  box.hidden = await fetch("/api/health", { cache: "no-store" }).then(
    (response) => response.ok,
    () => false,
  );
  healthTimer = setTimeout(watchHealth, HEALTH_MS);
}

function mount() {
  leave();
  healthTimer = setTimeout(watchHealth, HEALTH_MS);
  removeKeys = keys.add("Worklist", KEYS);
  uploadPanel.render();
}

/** Another page comes into view, or the worklist once more. */
function leave() {
  clearTimeout(healthTimer);
  removeKeys?.();
  removeKeys = null;
  grid = null;
}

export function start() {
  const functions = { overreadTheme, overreadNextCell, overreadGridKey, overreadGridClick };
  const more = { overreadGridSize, overreadGridRows };
  window.dashAgGridFunctions = { ...window.dashAgGridFunctions, ...functions, ...more };
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  upload.onAdded(mark);
  shell.on("page", (path) => {
    if (path !== "/") leave();
  });
  register("overread_worklist", { mount, filter });
}
