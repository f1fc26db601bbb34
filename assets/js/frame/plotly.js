// @ts-check
/**
 * Plotly, for modules that draw a figure themselves. It is loaded when the first of them asks: it
 * keeps a page busy for about a second, which would come before the first slice. Charts of Dash
 * (`dcc.Graph`) load it by themselves, from the same address.
 */

/** @type {Promise<typeof Plotly> | null} */
let loading = null;

/**
 * Plotly, once it is loaded.
 *
 * @returns {Promise<typeof Plotly>}
 * @throws {Error} If it cannot be loaded, with a sentence; the next call tries again.
 */
export function loadPlotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= request().catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

/** @returns {Promise<typeof Plotly>} */
function request() {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const failed = () => {
      script.remove();
      reject(new Error("The script for charts could not be loaded."));
    };
    script.addEventListener("error", failed);
    script.addEventListener("load", () => (window.Plotly ? resolve(window.Plotly) : failed()));
    script.src = window._dashPlotlyJSURL ?? "";
    document.head.append(script);
  });
}
