/** Globals from other scripts: Dash's renderer, React, Plotly, AG Grid, tus-js-client. */

interface DashClientside {
  no_update?: unknown;
  set_props?(id: string, properties: Record<string, unknown>): void;
  [namespace: string]: unknown;
}

interface Window {
  dash_clientside?: DashClientside;
  dashAgGridFunctions?: Record<string, Function>;
  dashAgGridComponentFunctions?: Record<string, Function>;
  Plotly?: typeof Plotly;
  /** Where Dash serves Plotly; set by its renderer. */
  _dashPlotlyJSURL?: string;
}

/** The element of a figure, with Plotly's fields. */
interface PlotlyElement extends HTMLElement {
  data: any[];
  layout: any;
  _fullData: any[];
  _fullLayout?: any;
  on(event: string, run: (event: any) => void): void;
}

declare const Plotly: {
  newPlot(element: HTMLElement, data: any[], layout: any, config: object): Promise<unknown>;
  react(element: HTMLElement, data: any[], layout: any, config: object): Promise<unknown>;
  update(element: HTMLElement, data: object, layout: object): Promise<unknown>;
  relayout(element: HTMLElement, layout: object): Promise<unknown>;
  toImage(figure: { data: any[]; layout: any }, options: object): Promise<string>;
  purge(element: HTMLElement): void;
  Plots: { resize(element: HTMLElement): Promise<unknown> };
};

/** assets/vendor/tus */
declare namespace tus {
  export type DetailedError = import("tus-js-client").DetailedError;
}
declare const tus: typeof import("tus-js-client");

declare const React: { createElement(...parts: any[]): unknown };

declare const dash_ag_grid: { getApiAsync?(id: string): Promise<GridApi> };

/** The parts of the grid's interface that the worklist uses. */
interface GridApi {
  isDestroyed?(): boolean;
  getColumn(key: string): { isVisible(): boolean } | null;
  setColumnsVisible(keys: string[], visible: boolean): void;
  setColumnWidths(widths: { key: string; newWidth: number }[]): void;
  refreshCells(what: { columns: string[]; force: boolean }): void;
  setGridOption(name: string, value: unknown): void;
  getGridOption(name: string): unknown;
  refreshInfiniteCache(): void;
  purgeInfiniteCache(): void;
  getSelectedNodes(): GridNode[];
  deselectAll(): void;
  applyColumnState(state: { state: object[]; defaultState: object }): void;
  getDisplayedRowCount(): number;
  getDisplayedRowAtIndex(index: number): GridNode | undefined;
  forEachNode(run: (node: GridNode) => void): void;
  getRowNode(id: string): GridNode | undefined;
  ensureIndexVisible(index: number): void;
  setFocusedCell(index: number, key: string): void;
  getFocusedCell(): { rowIndex: number } | null;
  redrawRows(what: { rowNodes: GridNode[] }): void;
}

/** A block of rows that the grid asks for. */
interface RowRequest {
  startRow: number;
  endRow: number;
  sortModel: readonly { colId: string; sort: string }[];
  successCallback(rows: object[], count: number): void;
  failCallback(): void;
}

interface GridNode {
  id: string;
  rowIndex: number | null;
  data: any;
}
