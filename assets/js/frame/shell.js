// @ts-check
/** Clientside callbacks of dashboard/components/shell.py: theme and current page. */

import * as dash from "./dash.js";
import { find } from "./dom.js";
import { Events } from "./events.js";

/** @type {Events<"page" | "theme", string>} */
const events = new Events();
/** Listens to changes of the page (its path) and of the theme ("light" or "dark"). */
export const { on } = events;

/**
 * The first call (no clicks) only reports the theme that boot/theme.js has set.
 *
 * @param {number | undefined} clicks
 */
function theme(clicks) {
  const root = document.documentElement;
  let now = root.dataset.theme || "dark";
  if (clicks) {
    now = now === "light" ? "dark" : "light";
    root.dataset.theme = now;
    root.dataset.bsTheme = now;
    try {
      localStorage.setItem("overread.theme", now);
    } catch {
      // storage is forbidden: the theme is not remembered
    }
    events.emit("theme", now);
  }
  return [now, now === "light" ? "Dark theme" : "Light theme"];
}

/**
 * @param {string | undefined} pathname
 * @param {Readonly<Record<string, string>>} pages Ids of navigation links by page path.
 */
function current(pathname, pages) {
  events.emit("page", pathname || "/");
  const classes = Object.entries(pages).map(([path, id]) => {
    const here = path === "/" ? pathname === "/" : (pathname || "").startsWith(path);
    const link = find(id);
    if (here) link?.setAttribute("aria-current", "page");
    else link?.removeAttribute("aria-current");
    return here ? "nav-item nav-item--current" : "nav-item";
  });
  return [...classes, `/review${lastStudy()}`];
}

/** The last study in view, as the query of the review page's address. */
function lastStudy() {
  try {
    return sessionStorage.getItem("overread.last") || "";
  } catch {
    return "";
  }
}

export function start() {
  dash.register("overread_shell", { theme, current });
}
