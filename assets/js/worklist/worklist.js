// @ts-check
/**
 * The worklist's grid (dashboard/pages/worklist/grid.py): search, tabs, keys. Its cells are in
 * worklist_cells.js, deletion in deletion.js. The server filters, searches and sorts; the grid asks
 * for blocks of rows as they come into view.
 */

/** @import { Binding } from "../frame/keys.js" */

import { digits } from "../frame/number_words.js";
import { goToPage, register, setProps } from "../frame/dash.js";
import { byId, find, targetOf } from "../frame/dom.js";
import * as keys from "../frame/keys.js";
import { saveAddress } from "../frame/outgoing.js";
import * as reader from "../frame/reader.js";
import { ask, isFinal } from "../frame/server.js";
import * as shell from "../frame/shell.js";
import * as chosen from "./chosen.js";
import * as deletion from "./deletion.js";
import * as listView from "./list_view.js";
import * as readingList from "./reading_list.js";
import * as savedViews from "./saved_views.js";
import * as messages from "./upload_messages.js";
import * as uploadPanel from "./upload_panel.js";
import * as upload from "./upload_send.js";

const GRID = "worklist-grid";
const WIDE_PX = 1600;
const MEDIUM_PX = 1360;
const NARROW_PX = 1120;
const ROW_PX = 34;
const TOUCHED_ROW_PX = 44;
const HEALTH_MS = 5000;
const FLASH_MS = 1200; // as in worklist.css
const RETRY_MS = 2000;
const SETTLE_MS = 4000;
const MOST_LOOKED_UP = 20;
const NOT_GONE = { at: 0 };
/**
 * Columns that are hidden below a width of the page in pixels: what the reason, the tabs and the
 * review page show as well makes room for reason and notes.
 *
 * @type {readonly [number, readonly string[]][]}
 */
const LEFT_OUT = [
  [WIDE_PX, ["sequences", "slices", "origin_words", "conflicts", "cautions"]],
  [MEDIUM_PX, ["expected_dice"]],
  [NARROW_PX, ["study_date", "added_at", "change_percent", "reader"]],
];
/** Widths on a wide and on a narrow page; each fits the column's title with its sort arrow. */
const WIDTHS = {
  state_words: [136, 130],
  volume_ml: [116, 114],
};

const NO_FILTERS = { search: "", origin: "", view: "all", reason: "" };

/** @type {GridApi | null} */
let grid = null;
/** @type {GridApi | null} the grid that asks for rows with the restored filters */
let connected = null;
/** @type {GridApi | null} the grid that has got the stored order */
let sorted = null;
/** The connected grid's source of rows. @type {object | null} */
let given = null;
/** Search and tab, needed again when the grid is rebuilt. */
let filters = { ...NO_FILTERS };
/** @type {{ search: string, origin: string } | null} restored, and not yet in the page's fields */
let restoring = null;
/** How many studies are shown; null before the first answer. @type {number | null} */
let count = null;
/** Changes with each selection of studies: blocks of an earlier one are not used. */
let generation = 0;
let retryTimer = 0;
/** @type {{ index: number, key: string } | null} what a key asked of a row on its way */
let awaited = null;
/** Whether Enter in the search opens the only study once the rows are there. */
let isOpeningOnly = false;
/** How many studies there are, and ids of some that were looked up since there are as many. */
let total = 0;
/** @type {Set<string>} */
const present = new Set();
/** @type {readonly string[]} ids of studies that an upload has just added */
let marked = [];
/** @type {(() => void) | null} */
let removeKeys = null;
let healthTimer = 0;
/** Whether the reader's first view is shown as soon as the reader is known. */
let isFresh = false;
/** Whether search and tab of the page are as they were stored; before, they are not stored. */
let isRestored = false;
/** @type {number | null} where the list is to be scrolled to while its rows arrive */
let pendingTop = null;
/** Whether the study that was opened last gets the focus once it is drawn. */
let isReturning = false;
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
  const isShown = (/** @type {string} */ key) => Boolean(api.getColumn(key)?.isVisible());
  const wrong = LEFT_OUT.flatMap(([least, columns]) =>
    columns.filter((key) => isShown(key) !== width >= least),
  );
  if (!wrong.length) return;
  const hidden = wrong.filter(isShown);
  api.setColumnsVisible(
    wrong.filter((key) => !hidden.includes(key)),
    true,
  );
  api.setColumnsVisible(hidden, false);
  api.setColumnWidths(
    Object.entries(WIDTHS).map(([key, sizes]) => ({
      key,
      newWidth: sizes[width < NARROW_PX ? 1 : 0],
    })),
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
    checkboxBorderRadius: "3px",
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

/**
 * @param {{ event?: KeyboardEvent, data: any, rowIndex: number, api: GridApi }} params
 */
function overreadGridKey({ event, data, rowIndex, api }) {
  if (!event || event.altKey || event.ctrlKey || event.metaKey) return;
  if (targetOf(event).closest("button")) return;
  const { key } = event;
  if (key === "Home") focusRow(api, 0);
  else if (key === "End") focusRow(api, api.getDisplayedRowCount() - 1);
  else if (key === "Enter" || key === "Delete") {
    event.preventDefault();
    if (data) act(key, data);
    else awaited = { index: rowIndex, key };
  }
}

/**
 * @param {string} key
 * @param {any} row
 */
function act(key, row) {
  if (key === "Enter") goToPage(row.href);
  else if (row.deletable) deletion.askToDelete(row);
}

/**
 * Does what a key asked of a row that was still loading, unless the reader has moved on.
 *
 * @param {GridApi} api
 */
function actOnAwaited(api) {
  if (isOpeningOnly && count !== null) {
    isOpeningOnly = false;
    openOnly(api);
  }
  const row = awaited && api.getDisplayedRowAtIndex(awaited.index)?.data;
  if (!awaited || !row) return;
  const { index, key } = awaited;
  awaited = null;
  if (api.getFocusedCell()?.rowIndex === index) act(key, row);
}

/** @param {{ event: MouseEvent | undefined, data: any }} params */
function overreadGridClick({ event, data }) {
  const target = event?.target instanceof Element ? event.target : null;
  if (!data || target?.closest("[col-id='ag-Grid-SelectionColumn']")) return;
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
  if (isRestored && direction === "vertical" && pendingTop === null) listView.store({ top });
}

/** @param {{ api: GridApi }} params */
function overreadGridRows({ api }) {
  adopt(api);
  fit(api);
}

/** The grid's rows: asked for as they come into view. */
const source = {
  /** @param {RowRequest} request */
  async getRows({ startRow, endRow, sortModel, successCallback, failCallback }) {
    const mine = generation;
    listView.store({ sort: sortModel.slice(0, 1) });
    const wanted = { ...listView.read(), ...filters };
    const block = { offset: String(startRow), limit: String(endRow - startRow) };
    const { ok, status, body } = await ask(`/api/worklist/rows?${listView.queryOf(wanted, block)}`);
    const api = live();
    // the grid has dropped the block, and counts it as loading until it is answered
    if (mine !== generation || !api) return failCallback();
    if (!ok) {
      failCallback();
      if (isFinal(status) && !listView.isWhole(wanted)) return showSaved({}); // an unknown view
      clearTimeout(retryTimer);
      retryTimer = setTimeout(() => live()?.refreshInfiniteCache(), RETRY_MS);
      return;
    }
    takeRows(api, () => successCallback(body.rows, body.count));
    if (api.getGridOption("datasource") !== given) return keepSource(api);
    ({ count } = body);
    loaded(api);
  },
};

/**
 * Takes rows that have arrived. The grid would write another study into a row that is drawn: a
 * click that was aimed at one study would act on the other one. Such a row is drawn again, and the
 * focus goes with its study.
 *
 * @param {GridApi} api
 * @param {() => void} take
 */
function takeRows(api, take) {
  const before = studiesByPlace(api);
  const active = document.activeElement;
  const focused = active?.closest(`#${GRID} .ag-row[row-id]`);
  const id = focused?.getAttribute("row-id") ?? "";
  take();
  /** @type {GridNode[]} */
  const rowNodes = [];
  api.forEachNode((node) => {
    const known = before.get(node.rowIndex);
    if (known !== undefined && known !== node.data?.study_id) rowNodes.push(node);
  });
  if (!rowNodes.length) return;
  api.redrawRows({ rowNodes });
  const place = rowNodes.find(({ rowIndex }) => before.get(rowIndex) === id)?.rowIndex ?? null;
  if (active && place !== null) focusStudy(api, id, place, active);
}

/**
 * Focuses the row of a study, or of its place if it is gone; again in the next frames until it is
 * drawn, wherever it is by then.
 *
 * @param {GridApi} api
 * @param {string} id
 * @param {number} place
 * @param {Element} before What had the focus, until the grid removes it.
 * @param {number} tries
 */
function focusStudy(api, id, place, before, tries = 60) {
  if (api.isDestroyed?.()) return;
  const last = api.getDisplayedRowCount() - 1;
  const { rowIndex } = api.getRowNode(id) ?? { rowIndex: Math.min(place, last) };
  if (rowIndex === null || rowIndex < 0) return;
  api.setFocusedCell(rowIndex, "patient");
  requestAnimationFrame(() => {
    const isLost = [document.body, before].includes(document.activeElement ?? document.body);
    if (isLost && tries) focusStudy(api, id, place, before, tries - 1);
  });
}

/**
 * The ids of the studies whose rows are there, by their place.
 *
 * @param {GridApi} api
 * @returns {Map<number | null, string>}
 */
function studiesByPlace(api) {
  const found = new Map();
  api.forEachNode(({ rowIndex, data }) => data && found.set(rowIndex, data.study_id));
  return found;
}

/** @param {{ api: GridApi }} params */
function overreadGridSelection({ api }) {
  chosen.show(api.getSelectedNodes().map(({ id }) => id));
}

/** @param {GridApi} api */
function loaded(api) {
  scrollToPending();
  // their values may stay while what they show changes: the grid sees no change
  api.refreshCells({
    columns: ["patient", "added_at", "state_words", "volume_ml", "change_percent", "notes"],
    force: true,
  });
  fit(api);
  if (marked.length) void showMarked(api);
  actOnAwaited(api);
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
  for (const [index, id] of others.entries()) {
    const isKnown = present.has(id) || index >= MOST_LOOKED_UP;
    const all = listView.whole(listView.read());
    const { at } = isKnown ? NOT_GONE : await readingList.placeOf(id, all).catch(() => NOT_GONE);
    if (at >= 0) present.add(id);
  }
  messages.forgetDeleted([...ids, ...present]);
}

/** Asks for the rows again, which may have changed. */
function reload() {
  live()?.refreshInfiniteCache();
  void showCounts();
}

// ---- the view that is kept ----
/**
 * Takes the page's grid. Its rows are asked for once the view is restored, whichever comes last.
 *
 * @param {GridApi} api
 */
function adopt(api) {
  if (api.isDestroyed?.()) return;
  grid = api;
  if (!isRestored) return;
  if (connected !== api) {
    connected = api;
    given = null;
  }
  // not within the grid's own event: it would end with the cache that it is making
  queueMicrotask(() => keepSource(api));
}

/**
 * Gives the grid our source of rows, until it has used it: Dash gives it another one when it is
 * ready, which may be later. Before that the grid refuses its options.
 *
 * @param {GridApi} api
 */
function keepSource(api) {
  if (connected !== api || api.isDestroyed?.()) return;
  if (count === null) requestAnimationFrame(() => keepSource(api));
  if (!api.getGridOption("datasource") || (given && api.getGridOption("datasource") === given))
    return;
  const { sort } = listView.read();
  if (sort.length && sorted !== api) {
    sorted = api; // the grid makes a cache for it, which a source within the same step would end
    api.applyColumnState({ state: [...sort], defaultState: { sort: null } });
    return;
  }
  given = { ...source }; // the grid ignores the same object when the page is mounted again
  api.setGridOption("datasource", given);
  api.setGridOption("rowHeight", rowHeight());
}

/** Search, tab and scroll position as they were when the reader left the page. */
function restoreView() {
  const isNew = !listView.isStored();
  isFresh = isNew && !reader.now.loaded;
  const opening = isNew ? savedViews.first() : null;
  if (opening) listView.store(opening);
  const { search, origin, view, reason, top } = listView.read();
  filters = { search, origin, view, reason };
  restoring = search || origin ? { search, origin } : null;
  isRestored = true;
  isReturning = Boolean(listView.lastStudy());
  pendingTop = top || null;
  showView();
  if (search) setProps("worklist-search", { value: search });
  if (origin) setProps("worklist-origin", { data: origin });
}

/** Shows the view that the reader's worklist opens with, once the reader is known. */
function showFirst() {
  const opening = isRestored && isFresh ? savedViews.first() : null;
  if (!reader.now.loaded) return;
  isFresh = false;
  if (opening) showSaved(opening);
}

/** @param {Partial<listView.View>} wanted */
function showSaved({ sort = [], search = "", origin = "", view = "all", reason = "" }) {
  listView.store({ sort, search, origin, view, reason, top: 0 });
  filters = { search, origin, view, reason };
  restoring = { search, origin };
  setProps("worklist-search", { value: search });
  setProps("worklist-origin", { data: origin });
  showView();
  settleTop();
  apply();
  const none = { state: [...sort], defaultState: { sort: null } };
  live()?.applyColumnState(none);
}

/** Scrolls after each answer, since the list gets its height with the first one. */
function scrollToPending() {
  if (pendingTop === null && !isReturning) return;
  clearTimeout(settleTimer);
  settleTimer = setTimeout(settleTop, SETTLE_MS);
  requestAnimationFrame(() => {
    /** @type {HTMLElement | null} */
    const view = document.querySelector("#worklist-grid .ag-body-viewport");
    if (view && pendingTop !== null) view.scrollTop = pendingTop;
    focusLast();
  });
}

/**
 * Gives the focus to the study that was opened last, so that the arrow keys go on from there; waits
 * until its row is drawn.
 */
function focusLast() {
  const api = live();
  if (!api || !isReturning) return;
  const isBusy = document.activeElement?.closest(".worklist :is(input, select, button), dialog");
  const { rowIndex } = api.getRowNode(listView.lastStudy()) ?? { rowIndex: null };
  const row = document.querySelector(`#${GRID} .ag-row:has(.study-last)`);
  const frame = find("worklist-grid-frame");
  if (isBusy || rowIndex === null || !row || !frame) return void requestAnimationFrame(focusLast);
  isReturning = false;
  const [box, around] = [row.getBoundingClientRect(), frame.getBoundingClientRect()];
  const isInView = box.top >= around.top + ROW_PX && box.bottom <= around.bottom;
  if (isInView) api.setFocusedCell(rowIndex, "patient"); // else it would scroll
}

/** The reader moves, or all rows are there: from now on the place is theirs. */
function settleTop() {
  clearTimeout(settleTimer);
  pendingTop = null;
  isReturning = false;
}

// ---- search and tabs ----
/** Asks for the rows of another selection, from the first one. */
function apply() {
  const api = live();
  if (!api || connected !== api) return;
  generation++;
  count = null;
  awaited = null;
  isFresh = false;
  api.deselectAll();
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
  for (const name of /** @type {const} */ (["view", "origin"])) {
    /** @type {NodeListOf<HTMLElement>} */
    const tabs = document.querySelectorAll(`.worklist .segment[data-${name}]`);
    for (const tab of tabs)
      tab.setAttribute("aria-pressed", String(tab.dataset[name] === filters[name]));
  }
  const reason = find("worklist-reason", HTMLSelectElement);
  if (reason) reason.value = filters.reason;
}

async function showCounts() {
  const { ok, body } = await ask(`/api/worklist/counts?since=${listView.dayBegan()}`);
  if (!ok) return;
  const api = live();
  if (body.all !== total && api) {
    present.clear(); // some may have been deleted
    void forgetMessages(api);
  }
  total = body.all;
  /** @type {NodeListOf<HTMLElement>} */
  const places = document.querySelectorAll("#worklist-views [data-count]");
  for (const place of places)
    place.textContent = ` ${digits(Number(body[place.dataset.count ?? ""]))}`;
}

/**
 * The page's search field and source have a value. Until they hold what was restored, theirs are
 * the page's first, empty ones.
 *
 * @param {string | null | undefined} search
 * @param {string | null | undefined} origin
 */
function filter(search, origin) {
  if (!isRestored) return;
  const found = { search: String(search || ""), origin: String(origin || "") };
  const isSame = (/** @type {typeof found} */ known) =>
    known.search === found.search && known.origin === found.origin;
  if (restoring && !isSame(restoring)) return;
  restoring = null;
  if (isSame(filters)) return showView();
  filters = { ...filters, ...found };
  listView.store(filters);
  showView();
  apply();
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
 * Flashes the rows that are drawn. The grid's own flash fails where a cell is not drawn yet.
 *
 * @param {readonly GridNode[]} nodes
 */
function flash(nodes) {
  for (const { id } of nodes)
    for (const row of document.querySelectorAll(`.ag-row[row-id="${CSS.escape(id)}"]`)) {
      row.classList.add("study-added");
      setTimeout(() => row.classList.remove("study-added"), FLASH_MS);
    }
}

/**
 * Brings the first study that was added into view: it may be far down.
 *
 * @param {GridApi} api
 */
async function showMarked(api) {
  const all = listView.whole(listView.read());
  const { at } = await readingList.placeOf(marked[0] ?? "", all).catch(() => ({ at: -1 }));
  if (at < 0 || api.isDestroyed?.() || !marked.length) return;
  if (at < api.getDisplayedRowCount()) api.ensureIndexVisible(at); // else after the next answer
  markRows(api);
}

/** @param {GridApi} api */
function markRows(api) {
  const nodes = marked.flatMap((id) => api.getRowNode(id) ?? []);
  if (!nodes.length) return;
  requestAnimationFrame(() => flash(nodes));
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
  { key: "", shown: "Space", label: "Select study" },
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
  } else if (event.key === "Enter" && api) {
    if (count === null) isOpeningOnly = true;
    else openOnly(api);
  } else isOpeningOnly = false;
}

/**
 * Opens the study that a search has found, if it is the only one.
 *
 * @param {GridApi} api
 */
function openOnly(api) {
  const row = count === 1 && api.getDisplayedRowAtIndex(0)?.data;
  if (row) goToPage(row.href);
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
  if (tab || view) restoring = null;
  if (target.closest("#worklist-export")) exportShown();
}

/** Downloads the studies that are shown, as CSV. */
function exportShown() {
  const query = listView.queryOf({ ...listView.read(), ...filters });
  saveAddress(`/api/worklist/export.csv?${query}`);
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
  dash_ag_grid
    .getApiAsync?.(GRID)
    ?.then(adopt)
    .catch(() => {}); // the grid's next event gives it to us
  void showCounts();
  chosen.show([]);
  uploadPanel.render();
}

/** The reader leaves the page, or it is mounted again. */
function leave() {
  clearTimeout(healthTimer);
  clearTimeout(retryTimer);
  removeKeys?.();
  removeKeys = null;
  [grid, connected, count, awaited, restoring] = [null, null, null, null, null];
  generation++;
  isRestored = false;
  isOpeningOnly = false;
  filters = { ...NO_FILTERS };
  settleTop();
}

export function start() {
  const functions = { overreadTheme, overreadNextCell, overreadGridKey, overreadGridClick };
  const more = {
    overreadGridSize,
    overreadGridRows,
    overreadGridScroll,
    overreadGridSelection,
  };
  window.dashAgGridFunctions = {
    ...window.dashAgGridFunctions,
    ...functions,
    ...more,
  };
  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
  document.addEventListener("input", ({ target }) => {
    if (target instanceof HTMLElement && target.id === "worklist-search") restoring = null;
  });
  for (const kind of ["wheel", "pointerdown", "keydown"])
    document.addEventListener(kind, settleTop, { capture: true, passive: true });
  document.addEventListener("keydown", onTab, true); // before the grid
  document.addEventListener("keydown", onKey);
  deletion.start();
  upload.onAdded(mark);
  savedViews.start(showSaved, () => ({ ...listView.read(), ...filters }));
  chosen.start({ clear: () => live()?.deselectAll(), reload });
  reader.on("change", showFirst);
  shell.on("page", (path) => {
    if (path !== "/") leave();
  });
  register("overread_worklist", { mount, filter, reload });
}
