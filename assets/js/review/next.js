// @ts-check
/**
 * On to the next study of the list and back, without a page in between: Enter, Shift+Enter, the
 * foot of the findings. The next study is fetched while the reader looks at this one.
 */

/** @import { List } from "../worklist/reading_list.js" */

import { byId, find, letGoOfClick } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import { say } from "../correct/said.js";
import * as tools from "../viewer/tools.js";
import * as viewer from "../viewer/viewer.js";
import * as readingList from "../worklist/reading_list.js";
import * as studyLoad from "./study_load.js";

/** @typedef {(study: { study_id: string, slice: number | null }) => void} OpenStudy */

const IDLE_MS = 400; // after the last slice that came into view
/** @type {List & { at: number } | null} around the study in view */
let list = null;
/** @type {string | null} its id */
let shown = null;
let timer = 0;

/** @param {number} by */
const neighbour = (by) => (list && list.at >= 0 ? list.ids[list.at + by] : undefined);

/** @param {string} [name] Of the next study. */
function show(name = "") {
  const place = find("next-position");
  if (!place) return;
  byId("next-previous", HTMLButtonElement).disabled = !neighbour(-1);
  byId("next-study", HTMLButtonElement).disabled = !neighbour(1);
  let words = "";
  if (list && list.at >= 0) {
    words = `${list.at + 1} of ${list.ids.length}${list.filtered ? " found" : ""}`;
    if (!neighbour(1)) words += list.ids.length > 1 ? ", the last one" : ", the only one";
    else if (name) words += ` · next ${name}`;
  }
  place.textContent = words;
  place.title = words;
}

/** @param {string} id */
async function begin(id) {
  if (id !== shown) list = null;
  shown = id;
  const found = await readingList.around(id).catch(() => null);
  if (shown !== id) return;
  list = found;
  show();
  if (list) soon(); // else the next slice that comes into view asks again
}

/** Once nothing has moved for a moment: the slices of this study come first. */
function soon() {
  clearTimeout(timer);
  const run = () => void ahead();
  timer = setTimeout(() => (window.requestIdleCallback || setTimeout)(run), IDLE_MS);
}

async function ahead() {
  const id = neighbour(1);
  const from = shown;
  if (!list && from) return begin(from); // the server was away
  if (!id || !from) return;
  try {
    const study = await studyLoad.prepare(id);
    if (shown === from) show(study.patient || study.case_id);
  } catch (error) {
    if (!studyLoad.isGone(error) || shown !== from) return; // it is asked when it is opened
    readingList.drop(id);
    await begin(from);
  }
}

/**
 * @param {number} by
 * @param {OpenStudy} openStudy
 */
function go(by, openStudy) {
  if (!viewer.now) return;
  const id = neighbour(by);
  if (id) {
    history.pushState({}, "", `/review?study=${id}`);
    return openStudy({ study_id: id, slice: null });
  }
  const place = find("next-position");
  if (!list || !place) return;
  const end = by > 0 ? "the last" : "the first";
  place.textContent = `This is ${end} of ${list.ids.length} studies.`;
}

/**
 * While the mask is being corrected Enter belongs to that: it closes polygons.
 *
 * @param {number} by
 * @param {OpenStudy} openStudy
 */
function press(by, openStudy) {
  if (tools.group() !== "edit") return go(by, openStudy);
  say("Leave off correcting to go to another study with Enter.");
}

/**
 * Dash does not know of studies that were opened here, and so does not go back to them.
 *
 * @param {OpenStudy} openStudy
 */
function goBack(openStudy) {
  const query = new URLSearchParams(location.search);
  const id = query.get("study") ?? "";
  const isStudy = location.pathname.endsWith("/review") && /^[0-9a-f]{16}$/.test(id);
  if (!isStudy || !shown || id === shown || !document.querySelector(".review")) return;
  openStudy({ study_id: id, slice: Number(query.get("slice")) || null });
}

/**
 * @param {AbortSignal} signal Takes the listeners off the page's elements.
 * @param {OpenStudy} openStudy Opens a study on the page in view.
 */
export function mount(signal, openStudy) {
  show();
  /**
   * @param {string} id
   * @param {number} by
   */
  const onClick = (id, by) => {
    const run = (/** @type {MouseEvent} */ event) => {
      letGoOfClick(event); // keys belong to the image again
      go(by, openStudy);
    };
    byId(id).addEventListener("click", run, { signal });
  };
  onClick("next-study", 1);
  onClick("next-previous", -1);
  const bindings = [
    {
      id: "study.next",
      key: "Enter",
      label: "Next study of the worklist",
      run: () => press(1, openStudy),
    },
    {
      id: "study.previous",
      key: "Shift+Enter",
      label: "Previous study of the worklist",
      run: () => press(-1, openStudy),
    },
  ];
  const removers = all([
    keys.add("Studies", bindings),
    viewer.on("open", ({ study }) => void begin(study.study_id)),
    viewer.on("painted", soon),
  ]);
  return () => {
    clearTimeout(timer);
    removers();
  };
}

/** @param {OpenStudy} openStudy */
export function start(openStudy) {
  window.addEventListener("popstate", () => goBack(openStudy));
}
