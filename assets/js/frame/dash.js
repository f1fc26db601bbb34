// @ts-check
/**
 * What Dash and the modules have of each other: functions that its clientside callbacks call,
 * properties of its components, its pages.
 *
 * Dash looks a function up by name when it calls it, and fails where it is missing. It never is:
 * the page starts Dash once all modules have run (`RENDERER` in dashboard/components/shell.py).
 */

/**
 * Makes functions known to Dash.
 *
 * @param {string} namespace Name that the Python side uses: `ClientsideFunction(namespace, ...)`.
 * @param {Record<string, (...inputs: any[]) => unknown>} functions By the name that it uses. What
 *   returns nothing leaves the callback's outputs as they are.
 */
export function register(namespace, functions) {
  const dash = (window.dash_clientside ??= {});
  dash[namespace] = Object.fromEntries(
    Object.entries(functions).map(([name, run]) => [
      name,
      (/** @type {unknown[]} */ ...inputs) => run(...inputs) ?? dash.no_update,
    ]),
  );
}

/**
 * Sets properties of a component, as a callback's output does.
 *
 * @param {string} id
 * @param {Record<string, unknown>} properties
 */
export function setProps(id, properties) {
  window.dash_clientside?.set_props?.(id, properties);
}

/**
 * Shows another page of the app, as `dcc.Link` does: nothing is loaded again.
 *
 * @param {string} href
 */
export function goToPage(href) {
  history.pushState({}, "", href);
  window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  window.scrollTo(0, 0);
}
