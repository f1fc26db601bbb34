// The worklist's grid (dashboard/pages/worklist/grid.py): search, tabs, keys, deletion; its cells: worklist_cells.js.
// Everything that must answer at once runs here; the server only sends rows.
window.overread = window.overread || {};
window.dash_clientside = window.dash_clientside || {};
window.dashAgGridFunctions = window.dashAgGridFunctions || {};

overread.worklist = (function () {
  "use strict";

  const GRID = "worklist-grid";
  const LATEST = "latest"; // what the filter was asked for, kept while the grid is being built
  const state = { api: null, [LATEST]: { search: "", origin: "" }, marked: new Set(), removeKeys: null };
  const byId = (id) => document.getElementById(id);
  const live = () => (state.api && !state.api.isDestroyed?.() ? state.api : null);

  // The way dcc.Link goes to another page: no reload.
  function go(href) {
    history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  // On a narrow page other columns make room for the notes, which must not be cut to nothing: the tabs tell the
  // source, the review page the slices.
  // Each is wide enough for its title with the arrow of a sorted column.
  const WIDTHS = { study_date: [108, 108], sequences: [128, 112], state_words: [200, 150], score: [158, 156], volume_ml: [116, 114] };

  function fitColumns(api, width) {
    if (!width || api.isDestroyed?.()) return;
    const narrow = width < 1120;
    if (api.getColumn("slices")?.isVisible() === !narrow) return;
    api.setColumnsVisible(["origin_words", "slices"], !narrow);
    api.setColumnWidths(Object.entries(WIDTHS).map(([key, sizes]) => ({ key, newWidth: sizes[narrow ? 1 : 0] })));
  }

  // ---- what the grid calls ----
  Object.assign(window.dashAgGridFunctions, {
    overreadTheme: (agGrid) =>
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
      }),

    // Left and right stay where they are: a row is one thing to open.
    overreadNextCell: (params) =>
      params.key === "ArrowUp" || params.key === "ArrowDown" ? params.nextCellPosition : params.previousCellPosition,

    overreadGridKey: ({ event, data, api }) => {
      if (!event || event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === "Enter") {
        event.preventDefault();
        go(data.href);
      } else if (event.key === "Delete" && data.deletable) {
        askToDelete(data);
      } else if (event.key === "Home" || event.key === "End") {
        focusRow(api, event.key === "Home" ? 0 : api.getDisplayedRowCount() - 1);
      }
    },

    overreadGridClick: ({ event, data }) => {
      const target = event?.target instanceof Element ? event.target : null;
      if (target?.closest(".study-delete")) return void askToDelete(data);
      if (event?.ctrlKey || event?.metaKey || event?.shiftKey) {
        if (!target?.closest("a")) window.open(data.href, "_blank", "noopener");
        return;
      }
      if (String(window.getSelection?.() || "")) return; // a name is being copied
      go(data.href);
    },

    overreadGridSize: ({ api, clientWidth }) => fitColumns(api, clientWidth),

    overreadGridRows: ({ api }) => {
      state.api = api;
      // the cell's value stays empty while its words go from none to "no spacing"
      api.refreshCells({ columns: ["volume_ml"], force: true });
      fit(api);
      keepOrder(api);
      overread.uploadPanel.forgetDeleted(allStudies(api));
    },
  });

  // ---- search and tabs ----
  function apply() {
    const api = live();
    if (!api) return;
    const { search, origin } = state[LATEST];
    api.setGridOption("quickFilterText", search);
    api.setColumnFilterModel("origin", origin ? { type: "equals", filter: origin } : null).then(() => api.onFilterChanged());
  }

  function filter(search, origin) {
    state[LATEST] = { search: String(search || ""), origin: String(origin || "") };
    const api = dash_ag_grid.getApiAsync?.(GRID);
    if (api) api.then((ready) => { state.api = ready; apply(); fit(ready); }).catch(() => {});
    document.querySelectorAll("#worklist-tabs [data-origin]").forEach((tab) => {
      tab.setAttribute("aria-pressed", String(tab.dataset.origin === state[LATEST].origin));
    });
  }

  // The frame is as high as its rows, up to what the page has room for.
  function fit(api) {
    const frame = byId("worklist-grid-frame");
    if (!frame || !api || api.isDestroyed?.()) return;
    fitColumns(api, frame.clientWidth);
    const shown = api.getDisplayedRowCount();
    frame.style.height = `${Math.max(shown, 1) * 34 + 34 + 2}px`;
    const none = byId("worklist-none");
    if (none) {
      none.hidden = shown > 0 || frame.hidden;
      const noLibrary = state[LATEST].origin === "library" && !holds(api, "library");
      byId("worklist-no-library").hidden = !noLibrary;
      byId("worklist-no-library").previousElementSibling.hidden = noLibrary;
      frame.classList.toggle("study-grid-frame--empty", shown === 0);
    }
    markRows(api);
  }

  // What "next study" on the review page goes by.
  function keepOrder(api) {
    const ids = [];
    api.forEachNodeAfterFilterAndSort(({ data }) => ids.push(data.study_id));
    overread.readingList.keep(ids, Boolean(state[LATEST].search || state[LATEST].origin));
  }

  function allStudies(api) {
    const ids = [];
    api.forEachNode(({ data }) => ids.push(data.study_id));
    return ids;
  }

  function holds(api, origin) {
    let found = false;
    api.forEachNode(({ data }) => { found = found || data.origin === origin; });
    return found;
  }

  // ---- rows ----
  function focusRow(api, index) {
    if (index < 0) return;
    api.ensureIndexVisible(index);
    api.setFocusedCell(index, "patient");
  }

  // Studies that an upload has just added are marked until the page is left.
  function mark(ids) {
    state.marked = new Set(ids);
    if (state[LATEST].search || state[LATEST].origin) showAll();
    const api = live();
    if (api) markRows(api, true);
  }

  // Only cells that are drawn can flash: the grid fails on others.
  function flash(api, nodes) {
    const drawn = nodes.filter(({ id }) => document.querySelector(`.ag-row[row-id="${CSS.escape(id)}"] .ag-cell`));
    if (drawn.length && !api.isDestroyed()) api.flashCells({ rowNodes: drawn, flashDuration: 1200 });
  }

  function markRows(api, focus) {
    if (!state.marked.size) return;
    const nodes = [...state.marked].map((id) => api.getRowNode(id)).filter(Boolean);
    if (!nodes.length) return;
    requestAnimationFrame(() => flash(api, nodes));
    if (focus !== false && nodes[0].rowIndex !== null && !document.querySelector("dialog[open]")) focusRow(api, nodes[0].rowIndex);
    state.marked.clear();
  }

  // ---- deletion ----
  function askToDelete(data) {
    const dialog = byId("worklist-delete-dialog");
    if (!dialog || dialog.open) return;
    byId("worklist-delete-name").textContent = data.patient;
    window.dash_clientside.set_props("worklist-delete-target", { data: data.study_id });
    dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    const dialog = byId("worklist-delete-dialog");
    if (!dialog?.open) return;
    if (event.target === dialog || event.target.closest("#worklist-delete-no, #worklist-delete-yes")) dialog.close();
  });

  // ---- keys ----
  const KEYS = [
    { id: "worklist.search", key: "/", label: "Search", run: () => byId("worklist-search")?.focus() },
    { id: "worklist.add", key: "u", label: "Add studies", run: () => overread.uploadPanel.openDialog() },
    { id: "worklist.next", key: "ArrowDown", fixed: true, label: "Move to the next study", run: () => live() && focusRow(live(), 0) },
    { id: "worklist.previous", key: "ArrowUp", fixed: true, label: "Move to the study before", run: () => live() && focusRow(live(), live().getDisplayedRowCount() - 1) },
    { key: "", shown: "Enter", label: "Open the study" },
    { key: "", shown: "Delete", label: "Delete an uploaded study" },
  ];

  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "worklist-search") return;
    const api = live();
    if (event.key === "ArrowDown" && api) {
      event.preventDefault();
      focusRow(api, 0);
    } else if (event.key === "Escape" && event.target.value) {
      event.preventDefault();
      clearSearch();
    } else if (event.key === "Enter" && api?.getDisplayedRowCount() === 1) {
      go(api.getDisplayedRowAtIndex(0).data.href);
    }
  });

  function showAll() {
    clearSearch();
    window.dash_clientside.set_props("worklist-origin", { data: "" });
  }

  function clearSearch() {
    window.dash_clientside.set_props("worklist-search", { value: "" });
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("#worklist-show-all")) showAll();
    const tab = event.target.closest("#worklist-tabs [data-origin]");
    if (tab) window.dash_clientside.set_props("worklist-origin", { data: tab.dataset.origin });
  });

  // ---- is the server there? ----
  const HEALTH_MS = 5000;
  let healthTimer = 0;

  async function watchHealth() {
    clearTimeout(healthTimer);
    const box = byId("worklist-offline");
    if (!box) return;
    box.hidden = await fetch("/api/health", { cache: "no-store" }).then((response) => response.ok, () => false);
    healthTimer = setTimeout(watchHealth, HEALTH_MS);
  }

  function mount() {
    healthTimer = setTimeout(watchHealth, HEALTH_MS);
    state.removeKeys?.();
    state.api = null;
    state.removeKeys = overread.keys.add("Worklist", KEYS);
    overread.uploadPanel.render();
  }

  // Told by shell.js whenever another page comes into view.
  document.addEventListener("overread:page", (event) => {
    if (event.detail === "/") return;
    clearTimeout(healthTimer);
    state.removeKeys?.();
    state.removeKeys = null;
    state.api = null;
  });

  window.dash_clientside.overread_worklist = {
    mount: () => void mount() || window.dash_clientside.no_update,
    filter: (search, origin) => void filter(search, origin) || window.dash_clientside.no_update,
  };

  return { go, mark };
})();
