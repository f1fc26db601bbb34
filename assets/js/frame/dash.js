// @ts-check
/**
 * The interface between Dash and the modules: functions for clientside callbacks, properties of
 * components, navigation.
 *
 * Dash looks functions up by name when it calls them and fails if one is missing. The page
 * therefore starts Dash after all modules have run (`RENDERER` in dashboard/components/shell.py).
 */

/**
 * Registers functions for clientside callbacks.
 *
 * @param {string} namespace As in `ClientsideFunction(namespace, ...)` on the Python side.
 * @param {Record<string, (...inputs: any[]) => unknown>} functions By name. One that returns
 *   nothing leaves the callback's outputs unchanged.
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
 * Sets properties of a component, like the output of a callback.
 *
 * @param {string} id
 * @param {Record<string, unknown>} properties
 */
export function setProps(id, properties) {
  window.dash_clientside?.set_props?.(id, properties);
}

/**
 * Runs whenever the address changes, before Dash has fetched the page: on links, `goToPage`, and
 * the browser's Back.
 *
 * @param {() => void} run
 */
export function onAddress(run) {
  window.addEventListener("_dashprivate_pushstate", run);
  window.addEventListener("popstate", run);
}

/**
 * Goes to another page of the app without reloading, like `dcc.Link`.
 *
 * @param {string} href
 */
export function goToPage(href) {
  history.pushState({}, "", href);
  window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  window.scrollTo(0, 0);
}
