// @ts-check
/** What leaves the page: text on the clipboard, files that the browser saves. */

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

const KEPT_MS = 60_000; // some browsers read a file only after they have asked where to save it

/**
 * Lets the browser save what an address returns. An error of the server fails the download, and the
 * page stays.
 *
 * @param {string} href
 * @param {string} [name] Of the file; by default the one that the server gives it.
 */
export const saveAddress = (href, name = "") => make("a", { href, download: name }).click();

/**
 * Lets the browser save a file.
 *
 * @param {Blob} blob
 * @param {string} name
 */
export function saveFile(blob, name) {
  const url = URL.createObjectURL(blob);
  saveAddress(url, name);
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
