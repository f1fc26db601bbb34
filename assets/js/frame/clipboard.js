// @ts-check
/** Text on the clipboard. */

import { make } from "./dom.js";

/**
 * Puts a text on the clipboard; browsers offer the clipboard's interface in secure contexts only.
 * While a modal dialog is open only its own elements can be selected.
 *
 * @param {string} text
 * @param {HTMLElement} [place] Holds the text while it is copied where that interface is missing.
 * @throws {Error} If the browser refuses.
 */
export async function toClipboard(text, place = document.body) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = make("textarea", { value: text, className: "visually-hidden" });
  place.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser refused");
}
