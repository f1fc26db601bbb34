// @ts-check
/**
 * Maximum intensity projection of a few slices around the one in view: the list in the View menu,
 * its key, and the label over the image. Outlines, measurements and scores stay those of the slice.
 */

/** @import { Session } from "./session.js" */

import { byId } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import { note } from "./notes.js";
import * as panes from "./panes.js";
import { numberOf } from "./slices.js";
import * as viewer from "./viewer.js";

const SIZES = [1, 3, 5, 7, 9]; // as in dashboard/pages/review/tool_bar.py

/** @param {number} slab */
function choose(slab) {
  const { now } = viewer;
  if (now && SIZES.includes(slab)) viewer.display({ slab });
}

function next() {
  const { now } = viewer;
  if (now && now.study.n < 2) return void note("MIP not available: single slice.", "single-slice");
  if (now) choose(SIZES[(SIZES.indexOf(now.slab) + 1) % SIZES.length]);
}

/** @param {Session} now */
function show(now) {
  byId("projection-slices", HTMLSelectElement).value = String(now.slab);
  const badge = byId("projection-badge");
  badge.hidden = now.slab === 1;
  if (badge.hidden) return;
  const [first, last] = panes.slabOf(now, now.k, now.study.n);
  const [from, to] = [first, last].map((k) => numberOf(now.study, k));
  badge.textContent = `MIP of slices ${from} to ${to}`;
}

/** @type {keys.Binding[]} */
const KEYS = [
  {
    id: "view.projection",
    key: "Shift+p",
    label: "Maximum intensity projection (MIP) of more slices, or off",
    run: next,
  },
];

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  const select = byId("projection-slices", HTMLSelectElement);
  select.addEventListener("change", () => choose(Number(select.value)), { signal });
  return all([viewer.on(["open", "display", "slice"], show), keys.add("Projection", KEYS)]);
}
