// @ts-check
/**
 * The worklist's grid (dashboard/pages/worklist/grid.py): search, tabs, keys. Its cells are in
 * worklist_cells.js, deletion in deletion.js. The server filters, searches and sorts; the grid asks
 * for blocks of rows as they come into view.
 */

/** @import { Binding } from "../frame/keys.js" */

import { goToPage, register, setProps } from "../frame/dash.js";
import { byId, find, targetOf } from "../frame/dom.js";
import * as keys from "../frame/keys.js";
import { ask } from "../frame/server.js";
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
const RETRY_MS = 2000;
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
let filters = { search: "", origin: "", view: "all", reason: "" };
/** How many studies are shown; null before the first answer. @type {number | null} */
let count = null;
let asked = 0;
let retryTimer = 0;
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
  if (!data || targetOf(event).closest("button")) return;
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
  if (!data) return;
  if (target?.closest(".study-delete")) return deletion.askToDelete(data);
  if (target?.closest(".study-cancel")) return cancelAnalysis(data);
  if (event?.ctrlKey || event?.metaKey || event?.shiftKey) {
    if (!target?.closest("a")) window.open(data.href, "_blank", "noopener");
    return;
  }
  if (String(window.getSelection() ?? "")) return; // a name is being copied
  goToPage(data.href);
}

/** @param {{ api: GridApi, clientWidth: number }} params */
const overreadGridSize = ({ api, clientWidth }) => fitColumns(api, clientWidth);

/** @param {{ api: GridApi, top: number, direction: string }} params */
function overreadGridScroll({ top, direction }) {
  if (direction === "vertical" && pendingTop === null) listView.store({ top });
}

/** @param {{ api: GridApi }} params */
function overreadGridRows({ api }) {
  const isNew = grid !== api;
  grid = api;
  if (isNew) setUp(api);
  fit(api);
}

/** The grid's rows: asked for as they come into view. */
const source = {
  /** @param {RowRequest} request */
  async getRows({ startRow, endRow, sortModel, successCallback, failCallback }) {
    listView.store({ sort: sortModel.slice(0, 1) });
    const wanted = { ...listView.read(), ...filters };
    const block = { offset: String(startRow), limit: String(endRow - startRow) };
    const mine = ++asked;
    const { ok, body } = await ask(`/api/worklist/rows?${listView.queryOf(wanted, block)}`);
    if (!ok) {
      failCallback();
      clearTimeout(retryTimer);
      retryTimer = setTimeout(() => live()?.refreshInfiniteCache(), RETRY_MS);
      return;
    }
    if (mine === asked || count === null) count = body.count;
    successCallback(body.rows, body.count);
    const api = live();
    if (api) loaded(api);
  },
};

/** @param {GridApi} api */
function loaded(api) {
  scrollToPending();
  // their values may stay while what they show changes: the grid sees no change
  api.refreshCells({ columns: ["patient", "state_words", "volume_ml", "notes"], force: true });
  fit(api);
  void forgetMessages(api);
}

/**
 * Removes the messages about deleted studies; those that no loaded row shows are looked up.
 *
 * @param {GridApi} api
 */
async function forgetMessages(api) {
  const ids = new Set(rows(api).map(({ study_id: id }) => id));
  const others = messages.all().flatMap(({ studies }) => studies.filter((id) => !ids.has(id)));
  for (const id of others.slice(-20)) {
    const all = listView.whole(listView.read());
    const { at } = await readingList.placeOf(id, all).catch(() => ({ at: 0 }));
    if (at >= 0) ids.add(id);
  }
  messages.forgetDeleted([...ids]);
}

/** Asks for the rows again, which may have changed. */
function reload() {
  live()?.refreshInfiniteCache();
  void showCounts();
}

// ---- the view that is kept ----
/**
 * A new grid gets the sorting that the reader left.
 *
 * @param {GridApi} api
 */
function setUp(api) {
  api.setGridOption("rowHeight", rowHeight());
  const { sort } = listView.read();
  if (sort.length) api.applyColumnState({ state: [...sort], defaultState: { sort: null } });
  // not within the grid's own event: it would end with the cache that it is making
  setTimeout(() => api.isDestroyed?.() || api.setGridOption("datasource", source));
}

/** Search, tab and scroll position as they were when the reader left the page. */
function restoreView() {
  const { search, origin, view, reason, top } = listView.read();
  isRestored = true;
  filters = { ...filters, view, reason };
  showView();
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
/** Asks for the rows of another selection, from the first one. */
function apply() {
  const api = live();
  if (!api) return;
  count = null;
  api.purgeInfiniteCache();
}

/** @param {Partial<typeof filters>} changed */
function choose(changed) {
  filters = { ...filters, ...changed };
  listView.store(filters);
  showView();
  settleTop();
  apply();
}

/** Marks the view that is shown. */
function showView() {
  /** @type {NodeListOf<HTMLElement>} */
  const tabs = document.querySelectorAll("#worklist-views [data-view]");
  for (const tab of tabs)
    tab.setAttribute("aria-pressed", String(tab.dataset.view === filters.view));
  const reason = find("worklist-reason", HTMLSelectElement);
  if (reason) reason.value = filters.reason;
}

async function showCounts() {
  const { ok, body } = await ask(`/api/worklist/counts?since=${listView.dayBegan()}`);
  if (!ok) return;
  /** @type {NodeListOf<HTMLElement>} */
  const places = document.querySelectorAll("#worklist-views [data-count]");
  for (const place of places)
    place.textContent = ` ${Number(body[place.dataset.count ?? ""]).toLocaleString("en")}`;
}

/**
 * @param {string | null | undefined} search
 * @param {string | null | undefined} origin
 */
function filter(search, origin) {
  filters = { ...filters, search: String(search || ""), origin: String(origin || "") };
  if (isRestored) listView.store(filters);
  const take = (/** @type {GridApi} */ api) => {
    if (grid === api) return apply();
    grid = api;
    setUp(api);
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
  const shown = count ?? api.getDisplayedRowCount();
  frame.style.height = `${Math.max(shown, 1) * rowHeight() + ROW_PX + 2}px`;
  const none = find("worklist-none");
  if (none) {
    none.hidden = shown > 0 || frame.hidden;
    const isLibrary = filters.origin === "library";
    const noLibrary = isLibrary && shown === 0 && !filters.search;
    const words = byId("worklist-no-library");
    words.hidden = !noLibrary;
    find("worklist-no-match")?.toggleAttribute("hidden", noLibrary);
    frame.classList.toggle("study-grid-frame--empty", shown === 0);
  }
  markRows(api);
}

/**
 * @param {GridApi} api
 * @returns {{ study_id: string, origin: string }[]}
 */
function rows(api) {
  /** @type {any[]} */
  const found = [];
  api.forEachNode(({ data }) => data && found.push(data));
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
  if (listView.isFiltered({ ...listView.read(), ...filters })) showAll();
  const api = live();
  if (api) void showMarked(api);
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

/**
 * Brings the first study that was added into view: it may be far down.
 *
 * @param {GridApi} api
 */
async function showMarked(api) {
  const all = listView.whole(listView.read());
  const { at } = await readingList.placeOf(marked[0] ?? "", all).catch(() => ({ at: -1 }));
  if (at < 0 || api.isDestroyed?.()) return;
  if (at < api.getDisplayedRowCount()) api.ensureIndexVisible(at);
  markRows(api);
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
  choose({ view: "all", reason: "" });
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
  /** @type {HTMLElement | null} */
  const view = target.closest("#worklist-views [data-view]");
  if (view) choose({ view: view.dataset.view ?? "all" });
  if (target.closest("#worklist-export")) exportShown();
}

/** Downloads the studies that are shown, as CSV. */
function exportShown() {
  const query = listView.queryOf({ ...listView.read(), ...filters });
  location.assign(`/api/worklist/export.csv?${query}`);
}

/** @param {Event} event */
function onChange(event) {
  const { target } = event;
  if (target instanceof HTMLSelectElement && target.id === "worklist-reason")
    choose({ reason: target.value });
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
  void showCounts();
  uploadPanel.render();
}

/** The reader leaves the page, or it is mounted again. */
function leave() {
  clearTimeout(healthTimer);
  clearTimeout(retryTimer);
  removeKeys?.();
  removeKeys = null;
  grid = null;
  isRestored = false;
  filters = { search: "", origin: "", view: "all", reason: "" };
  count = null;
  settleTop();
}

export function start() {
  const functions = { overreadTheme, overreadNextCell, overreadGridKey, overreadGridClick };
  const more = { overreadGridSize, overreadGridRows, overreadGridScroll };
  window.dashAgGridFunctions = {
    ...window.dashAgGridFunctions,
    ...functions,
    ...more,
  };
  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
  for (const kind of ["wheel", "pointerdown", "keydown"])
    document.addEventListener(kind, settleTop, { capture: true, passive: true });
  document.addEventListener("keydown", onTab, true); // before the grid
  document.addEventListener("keydown", onKey);
  deletion.start();
  upload.onAdded(mark);
  shell.on("page", (path) => {
    if (path !== "/") leave();
  });
  register("overread_worklist", { mount, filter, reload });
}
