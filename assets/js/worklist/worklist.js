// @ts-check
/**
 * The worklist's grid (dashboard/pages/worklist/grid.py): search, tabs, keys. Its cells are in
 * worklist_cells.js, deletion in deletion.js. The server only sends rows, so that all else responds
 * immediately.
 */

/** @import { Binding } from "../frame/keys.js" */

import { goToPage, register, setProps } from "../frame/dash.js";
import { byId, find, targetOf } from "../frame/dom.js";
import * as keys from "../frame/keys.js";
import * as shell from "../frame/shell.js";
import * as deletion from "./deletion.js";
import * as listView from "./list_view.js";
import * as readingList from "./reading_list.js";
import * as messages from "./upload_messages.js";
import * as uploadPanel from "./upload_panel.js";
import * as upload from "./upload_send.js";

const GRID = "worklist-grid";
const NARROW_PX = 1120;
const PORTRAIT_PX = 900;
const ROW_PX = 34;
const TOUCHED_ROW_PX = 44;
const HEALTH_MS = 5000;
const FLASH_MS = 1200;
const SETTLE_MS = 4000;
/**
 * Widths of columns on a wide and on a narrow page. A narrow page hides source, slices and date,
 * which tabs and review page show, to leave room for the notes; a tablet held upright also
 * sequences, expected Dice and conflicts. Each width fits the column's title with its sort arrow.
 */
const WIDTHS = {
  study_date: [108, 108],
  sequences: [128, 112],
  state_words: [200, 130],
  expected_dice: [100, 100],
  conflicts: [100, 100],
  cautions: [98, 98],
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
/** Whether search and tab of the page are as they were stored; before, they are not stored. */
let isRestored = false;
/** @type {number | null} where the list is to be scrolled to while its rows arrive */
let pendingTop = null;
let settleTimer = 0;

/** The grid, null while the page has none. */
const live = () => (grid && !grid.isDestroyed?.() ? grid : null);

/** Height of a row: a finger needs more than a pointer. */
const rowHeight = () => (matchMedia("(pointer: coarse)").matches ? TOUCHED_ROW_PX : ROW_PX);

/**
 * @param {GridApi} api
 * @param {number} width
 */
function fitColumns(api, width) {
  if (!width || api.isDestroyed?.()) return;
  const narrow = width < NARROW_PX;
  const portrait = width < PORTRAIT_PX;
  const isShown = (/** @type {string} */ key) => Boolean(api.getColumn(key)?.isVisible());
  if (isShown("slices") === !narrow && isShown("sequences") === !portrait) return;
  api.setColumnsVisible(["origin_words", "slices", "study_date"], !narrow);
  api.setColumnsVisible(["sequences", "expected_dice", "conflicts"], !portrait);
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
  if (targetOf(event).closest("button")) return;
  if (event.key === "Enter") {
    event.preventDefault();
    goToPage(data.href);
  } else if (event.key === "Delete" && data.deletable) deletion.askToDelete(data);
  else if (event.key === "Home") focusRow(api, 0);
  else if (event.key === "End") focusRow(api, api.getDisplayedRowCount() - 1);
}

/** @param {{ event: MouseEvent | undefined, data: any }} params */
function overreadGridClick({ event, data }) {
  const target = event?.target instanceof Element ? event.target : null;
  if (target?.closest(".study-delete")) return deletion.askToDelete(data);
  if (target?.closest(".study-cancel")) return cancelAnalysis(data);
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

/**
 * Keeps empty cells last, whichever way the column is sorted: the grid reverses the result.
 *
 * @param {number | null | undefined} a
 * @param {number | null | undefined} b
 * @param {unknown} _nodeA
 * @param {unknown} _nodeB
 * @param {boolean} isDescending
 */
export function overreadCompareNumbers(a, b, _nodeA, _nodeB, isDescending) {
  const isEmptyA = typeof a !== "number";
  const isEmptyB = typeof b !== "number";
  if (isEmptyA || isEmptyB) return (Number(isEmptyA) - Number(isEmptyB)) * (isDescending ? -1 : 1);
  return a - b;
}

/** @param {{ api: GridApi, top: number, direction: string }} params */
function overreadGridScroll({ top, direction }) {
  if (direction === "vertical" && pendingTop === null) listView.store({ top });
}

/** @param {{ api: GridApi }} params */
function overreadGridRows({ api }) {
  if (grid !== api) setUp(api);
  grid = api;
  storeSort(api);
  scrollToPending();
  // their values may stay while what they show changes: the grid sees no change
  api.refreshCells({ columns: ["volume_ml", "notes"], force: true });
  fit(api);
  storeOrder(api);
  messages.forgetDeleted(rows(api).map(({ study_id: id }) => id));
}

// ---- the view that is kept ----
/**
 * A new grid gets the sorting that the reader left.
 *
 * @param {GridApi} api
 */
function setUp(api) {
  api.setGridOption("rowHeight", rowHeight());
  api.resetRowHeights();
  const { sort } = listView.read();
  if (sort.length) api.applyColumnState({ state: [...sort], defaultState: { sort: null } });
}

/** @param {GridApi} api */
function storeSort(api) {
  const sorted = api.getColumnState().filter((column) => column.sort);
  const named = sorted.map((column) => ({
    colId: column.colId,
    sort: String(column.sort),
    sortIndex: column.sortIndex,
  }));
  listView.store({ sort: named });
}

/** Search, tab and scroll position as they were when the reader left the page. */
function restoreView() {
  const { search, origin, top } = listView.read();
  isRestored = true;
  pendingTop = top || null;
  settleTimer = setTimeout(settleTop, SETTLE_MS);
  if (search) setProps("worklist-search", { value: search });
  if (origin) setProps("worklist-origin", { data: origin });
}

/** Scrolls after each change of the rows, since search and tab arrive after the grid. */
function scrollToPending() {
  if (pendingTop === null) return;
  requestAnimationFrame(() => {
    /** @type {HTMLElement | null} */
    const view = document.querySelector("#worklist-grid .ag-body-viewport");
    if (view && pendingTop !== null) view.scrollTop = pendingTop;
  });
}

/** The reader moves, or all rows are there: from now on the place is theirs. */
function settleTop() {
  clearTimeout(settleTimer);
  pendingTop = null;
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
  if (isRestored) listView.store(filters);
  const take = (/** @type {GridApi} */ api) => {
    if (grid !== api) setUp(api);
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
  frame.style.height = `${Math.max(shown, 1) * rowHeight() + ROW_PX + 2}px`;
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

// ---- analysis ----
/** @param {{ study_id: string }} row */
const cancelAnalysis = ({ study_id }) =>
  setProps("worklist-cancel-target", { data: { study_id, asked: Date.now() } });

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

/**
 * Tab goes from a row to its buttons, which are no stops of their own: there are as many as rows.
 *
 * @param {KeyboardEvent} event
 */
function onTab(event) {
  const target = targetOf(event);
  const isPlain = event.key === "Tab" && !event.shiftKey && !event.altKey && !event.ctrlKey;
  const row = isPlain && find(GRID) ? target.closest(`#${GRID} .ag-row`) : null;
  if (!row) return;
  const buttons = [...row.querySelectorAll("button")];
  const next = buttons[target instanceof HTMLButtonElement ? buttons.indexOf(target) + 1 : 0];
  if (!next) return;
  event.preventDefault();
  event.stopPropagation(); // the grid would go to the next cell
  next.focus();
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
  restoreView();
  uploadPanel.render();
}

/** The reader leaves the page, or it is mounted again. */
function leave() {
  clearTimeout(healthTimer);
  removeKeys?.();
  removeKeys = null;
  grid = null;
  isRestored = false;
  filters = { search: "", origin: "" };
  settleTop();
}

export function start() {
  const functions = { overreadTheme, overreadNextCell, overreadGridKey, overreadGridClick };
  const more = { overreadGridSize, overreadGridRows, overreadGridScroll, overreadNames };
  const orders = { overreadCompareNumbers };
  window.dashAgGridFunctions = {
    ...window.dashAgGridFunctions,
    ...functions,
    ...more,
    ...orders,
  };
  document.addEventListener("click", onClick);
  for (const kind of ["wheel", "pointerdown", "keydown"])
    document.addEventListener(kind, settleTop, { capture: true, passive: true });
  document.addEventListener("keydown", onTab, true); // before the grid
  document.addEventListener("keydown", onKey);
  deletion.start();
  upload.onAdded(mark);
  shell.on("page", (path) => {
    if (path !== "/") leave();
  });
  register("overread_worklist", { mount, filter });
}
