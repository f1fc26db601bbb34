// @ts-check
/**
 * The worklist's grid (dashboard/pages/worklist/grid.py): search, tabs, keys, deletion. Its cells
 * are in worklist_cells.js. The server only sends rows, so that all else responds immediately.
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
 * Widths of columns on a wide and on a narrow page. A narrow page hides source and slices, which
 * the tabs and the review page show, to leave room for the notes. Each width fits the column's
 * title with its sort arrow.
 */
const WIDTHS = {
  study_date: [108, 108],
  sequences: [128, 112],
  state_words: [200, 150],
  expected_dice: [100, 92],
  conflicts: [100, 92],
  cautions: [98, 90],
  volume_ml: [116, 114],
};

/** @type {GridApi | null} */
let grid = null;
/** Search and tab, needed again when the grid is rebuilt. */
let filters = { search: "", origin: "" };
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

// ---- functions that the grid calls by name (grid.py) ----
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
 * Left and right do not move: the whole row opens one study.
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

/**
 * What the search looks for in the first column: a renamed study is found by both names.
 *
 * @param {{ data: { names: string } }} params
 */
const overreadNames = ({ data }) => data.names;

/** @param {{ api: GridApi, clientWidth: number }} params */
const overreadGridSize = ({ api, clientWidth }) => fitColumns(api, clientWidth);

/** @param {{ api: GridApi }} params */
function overreadGridRows({ api }) {
  grid = api;
  // the volume stays null when an analysis without pixel spacing ends: the grid sees no change
  api.refreshCells({ columns: ["volume_ml"], force: true });
  fit(api);
  storeOrder(api);
  messages.forgetDeleted(rows(api).map(({ study_id: id }) => id));
}

// ---- search and tabs ----
function apply() {
  const api = live();
  if (!api) return;
  const { search, origin } = filters;
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
  filters = { search: String(search || ""), origin: String(origin || "") };
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
    tab.setAttribute("aria-pressed", String(tab.dataset.origin === filters.origin));
}

/**
 * Fits the frame to its rows; the style sheet limits it to the height of the page.
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
    const isLibrary = filters.origin === "library";
    const noLibrary = isLibrary && !rows(api).some(({ origin }) => origin === "library");
    const words = byId("worklist-no-library");
    words.hidden = !noLibrary;
    find("worklist-no-match")?.toggleAttribute("hidden", noLibrary);
    frame.classList.toggle("study-grid-frame--empty", shown === 0);
  }
  markRows(api);
}

/**
 * Stores the order for "next study" on the review page.
 *
 * @param {GridApi} api
 */
function storeOrder(api) {
  /** @type {string[]} */
  const ids = [];
  api.forEachNodeAfterFilterAndSort(({ data }) => ids.push(data.study_id));
  readingList.store(ids, Boolean(filters.search || filters.origin));
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
 * Highlights studies that an upload has just added.
 *
 * @param {readonly string[]} ids
 */
function mark(ids) {
  if (!find("upload")) return;
  marked = ids;
  if (filters.search || filters.origin) showAll();
  const api = live();
  if (api) markRows(api);
  setProps("worklist-refresh", { data: Date.now() });
}

/**
 * Flashes the rows that are drawn: the grid fails on others.
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
    label: "Next study",
    run: () => focusFirst(),
  },
  {
    id: "worklist.previous",
    key: "ArrowUp",
    fixed: true,
    label: "Previous study",
    run: () => {
      const api = live();
      if (api) focusRow(api, api.getDisplayedRowCount() - 1);
    },
  },
  { key: "", shown: "Enter", label: "Open study" },
  { key: "", shown: "Delete", label: "Delete uploaded study" },
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

// ---- server health ----
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

/** The reader leaves the page, or it is mounted again. */
function leave() {
  clearTimeout(healthTimer);
  removeKeys?.();
  removeKeys = null;
  grid = null;
}

export function start() {
  const functions = { overreadTheme, overreadNextCell, overreadGridKey, overreadGridClick };
  const more = { overreadGridSize, overreadGridRows, overreadNames };
  window.dashAgGridFunctions = { ...window.dashAgGridFunctions, ...functions, ...more };
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  upload.onAdded(mark);
  shell.on("page", (path) => {
    if (path !== "/") leave();
  });
  register("overread_worklist", { mount, filter });
}
