// @ts-check
/**
 * Goes to the next study to read or the previous one of the list without loading the page again:
 * Enter, Shift+Enter and the buttons below the findings. Signed studies are passed over while
 * another one is unsigned. The next study is fetched while the reader looks at this one.
 */

/** @import { Place } from "../worklist/reading_list.js" */

import { byId, find, letGoOfClick } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import { NO_ANSWER } from "../frame/server.js";
import { note } from "../viewer/notes.js";
import * as tools from "../viewer/tools.js";
import * as viewer from "../viewer/viewer.js";
import * as readingList from "../worklist/reading_list.js";
import * as decisionPanel from "./decision_panel.js";
import * as readingStore from "./reading_store.js";
import * as studyLoad from "./study_load.js";

/** @typedef {(study: { study_id: string, slice: number | null }) => void} OpenStudy */

const IDLE_MS = 400; // after the last change of slice
/** @type {Place | null} the list around the study in view */
let list = null;
/** @type {string | null} id of the study in view */
let shown = null;
let listing = Promise.resolve(); // until the list around the study in view is known
let timer = 0;

/** Whether the study in view is signed, so that a reader who goes on only looks through studies. */
const isSigned = () => readingStore.isSigned() && !readingStore.isAmending();

/**
 * The study that a step leads to, or null. Where none is left to read, one who is looking at a
 * signed study steps through the list.
 *
 * @param {number} by
 */
function target(by, isLooking = isSigned()) {
  if (!list) return null;
  if (by > 0 && list.to_read) return list.to_read;
  if (list.at < 0 || (by > 0 && !isLooking)) return null;
  return by > 0 ? list.next : list.previous;
}

/** @param {string} [name] Of the next study. */
function show(name = "") {
  const place = find("next-position");
  if (!place) return;
  byId("next-previous", HTMLButtonElement).disabled = !target(-1);
  showButton();
  const text = list && list.at >= 0 ? positionText(list, name) : "";
  place.textContent = text;
  place.title = text;
  place.dataset.at = text && String((list?.at ?? 0) + 1);
  place.dataset.count = text && String(list?.count);
  place.dataset.next = text && name;
}

/**
 * The button that goes on says whether it signs; where no other study is left to read, it only
 * signs. While editing it shows no key: Enter closes polygons then.
 */
function showButton() {
  const button = find("next-study", HTMLButtonElement);
  if (!button) return;
  const isSigning = decisionPanel.isReadyToSign();
  const hasNext = Boolean(list?.to_read);
  const sign = readingStore.isAmending() ? "Sign amendment" : "Sign";
  const words = isSigning ? `${sign}${hasNext ? " and open next" : ""}` : "Next study";
  const [label] = button.childNodes;
  if (label.textContent !== words) label.textContent = words;
  button.disabled = !target(1) && !isSigning;
  button.dataset.signs = String(isSigning);
  const isEditing = tools.group() === "edit";
  button.dataset.editing = String(isEditing);
  button.title = isEditing ? "While editing, the key closes polygons. Click to go on." : "";
}

/**
 * "8 of 12 · next: DEMO-04"
 *
 * @param {Place} list
 * @param {string} name Of the next study to read, "" while it is unknown.
 */
function positionText({ at, count, filtered, to_read: toRead }, name) {
  const where = filtered ? " in this search" : "";
  if (count === 1 && !toRead) return `Only study${where || " in the worklist"}`;
  const position = `${at + 1} of ${count}${where}`;
  if (!toRead) return `${position} · none left to read`;
  return name ? `${position} · next: ${name}` : position;
}

/** @param {string} id */
const begin = (id) => (listing = findList(id));

/** @param {string} id */
async function findList(id) {
  if (id !== shown) list = null;
  shown = id;
  const found = await readingList.around(id).catch(() => null);
  if (shown !== id) return;
  list = found;
  show();
  if (list) soon(); // else the next change of slice asks again
}

/** Waits until the reader has stopped scrolling: slices of this study come first. */
function soon() {
  clearTimeout(timer);
  const run = () => void ahead();
  timer = setTimeout(() => (window.requestIdleCallback || setTimeout)(run), IDLE_MS);
}

async function ahead() {
  const id = target(1);
  const from = shown;
  if (!list && from) return begin(from); // the server did not respond
  if (!id || !from) return;
  try {
    const study = await studyLoad.prepare(id);
    if (shown === from) show(list?.to_read === id ? study.name : "");
  } catch (error) {
    if (!studyLoad.isGone(error) || shown !== from) return; // opening it will try again
    await begin(from);
  }
}

/**
 * @param {number} by
 * @param {OpenStudy} openStudy
 * @param {boolean} isLooking Whether the study was signed before.
 */
function go(by, openStudy, isLooking) {
  if (!viewer.now) return;
  const id = target(by, isLooking);
  if (id) {
    history.pushState({}, "", `/review?study=${id}`);
    return openStudy({ study_id: id, slice: null });
  }
  const place = find("next-position");
  if (!list) return void note(`${NO_ANSWER} The next study is not known yet.`, "no-list");
  if (!place) return;
  const isUnread = by > 0 && !isLooking;
  const last = isUnread ? "No other study is left to read." : "This is the last study.";
  place.textContent = by > 0 ? last : "This is the first study.";
  place.dataset.end = by > 0 ? "last" : "first";
}

/**
 * Runs on Enter, except while editing, where Enter closes polygons.
 *
 * @param {number} by
 * @param {OpenStudy} openStudy
 */
function press(by, openStudy) {
  if (tools.group() !== "edit") return void leave(by, openStudy);
  note("Stop editing to go to another study with Enter.", "editing");
}

/**
 * Goes to another study; on the way to the next one, signs this one if a decision is recorded.
 *
 * @param {number} by
 * @param {OpenStudy} openStudy
 */
async function leave(by, openStudy) {
  const from = shown;
  const isLooking = isSigned();
  if (by > 0 && !(await decisionPanel.signIfReady())) return;
  await listing; // a reader may press the key before the list has arrived
  if (shown === from) go(by, openStudy, isLooking);
}

/**
 * Handles the browser's Back for studies opened here, which Dash does not know about.
 *
 * @param {OpenStudy} openStudy
 */
function goBack(openStudy) {
  const wanted = studyLoad.inAddress();
  if (!wanted || !shown || wanted.study_id === shown || !document.querySelector(".review")) return;
  openStudy(wanted);
}

/**
 * @param {AbortSignal} signal Removes the listeners from the page's elements.
 * @param {OpenStudy} openStudy Opens a study on the page in view.
 */
export function mount(signal, openStudy) {
  [list, shown] = [null, null]; // the worklist may be sorted and filtered otherwise by now
  show();
  /**
   * @param {string} id
   * @param {number} by
   */
  const onClick = (id, by) => {
    const run = (/** @type {MouseEvent} */ event) => {
      letGoOfClick(event); // gives the keyboard back to the image
      void leave(by, openStudy);
    };
    byId(id).addEventListener("click", run, { signal });
  };
  onClick("next-study", 1);
  onClick("next-previous", -1);
  const bindings = [
    {
      id: "study.next",
      key: "Enter",
      label: "Sign if a decision is recorded, and open the next study",
      run: () => press(1, openStudy),
    },
    {
      id: "study.previous",
      key: "Shift+Enter",
      label: "Previous study in the worklist",
      run: () => press(-1, openStudy),
    },
  ];
  const removers = all([
    keys.add("Studies", bindings),
    viewer.on("open", ({ study: { study_id: id } }) => {
      // a study that is shown again may have moved by being read: its neighbours stay
      if (id !== shown || !list) void begin(id);
    }),
    viewer.on("painted", soon),
    viewer.on("display", showButton),
    decisionPanel.on("change", showButton),
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
