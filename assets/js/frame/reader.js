// @ts-check
/**
 * The reader: name, own keys, whether the tour is done, views. Changes take effect on this page at
 * once and are stored on the server (/api/reader), with retries until they are.
 */

import { byId, find, make, targetOf } from "./dom.js";
import { Events } from "./events.js";
import * as keys from "./keys.js";
import { ask, isFinal, pauseOf } from "./server.js";
import * as shell from "./shell.js";

/**
 * @typedef {object} SavedView A view of the worklist.
 * @property {string} name
 * @property {string} view
 * @property {string} origin "" for all.
 * @property {string} reason "" for all.
 * @property {string} search
 * @property {string} sort "need" for the order by need.
 * @property {boolean} descending
 */

/**
 * @typedef {object} Reader
 * @property {string} name As entered, "" before.
 * @property {string} shown Displayed name.
 * @property {boolean} can_rename False if the name comes from a sign-in.
 * @property {Readonly<Record<string, string>>} keys Own keys by binding id, "" for none.
 * @property {boolean} tour_done
 * @property {"one" | "linked" | "three" | "swipe"} view_mode Views in which studies open.
 * @property {string} second_view Content of the second one: a sequence, "reference" or "bare"; ""
 *   for the default.
 * @property {readonly SavedView[]} worklist_views
 * @property {string} worklist_first Name of the view with which the worklist opens, or "".
 * @property {boolean} loaded Whether the server has answered.
 */

const NOT_SAVED = "The server is not responding. This will be saved as soon as it does.";

/** @type {Readonly<Reader>} */
export let now = {
  name: "",
  shown: "Reader",
  can_rename: true,
  keys: {},
  tour_done: true,
  view_mode: "one",
  second_view: "",
  worklist_views: [],
  worklist_first: "",
  loaded: false,
};
/** @type {Partial<Reader> | null} changes that are not stored yet */
let pending = null;
let sending = Promise.resolve("");
let failures = 0;
let timer = 0;

/** @type {Events<"change">} */
const events = new Events();
/** Listens to changes of the reader. */
export const { on } = events;

/** @param {Partial<Reader>} answer */
function take(answer) {
  now = { ...now, ...answer, ...pending, loaded: true };
  keys.use(now.keys);
  show();
  events.emit("change");
}

function show() {
  const open = find("reader-open");
  if (!open) return;
  open.textContent = now.shown;
  open.setAttribute("aria-label", `Reader: ${now.shown}`);
}

async function load(tries = 0) {
  const { ok, body } = await ask("/api/reader");
  if (ok) return take(body);
  setTimeout(load, pauseOf(tries), tries + 1);
}

/** Sends pending changes; returns why they are not saved, in a sentence, or "". */
async function send() {
  clearTimeout(timer);
  const sent = pending;
  if (!sent) return "";
  const answer = await ask("/api/reader", { method: "PUT", body: JSON.stringify(sent) });
  // else there are newer changes, which are sent next
  if (pending === sent && isFinal(answer.status)) pending = null;
  if (answer.ok) {
    failures = 0;
    take(answer.body);
    return "";
  }
  if (isFinal(answer.status)) {
    void load();
    return answer.body.error || "The server rejected it.";
  }
  timer = setTimeout(() => void change({}), pauseOf(failures++));
  return NOT_SAVED;
}

/**
 * Changes fields of the reader, on this page at once and then on the server, one request at a time.
 *
 * @param {Partial<Omit<Reader, "shown" | "can_rename" | "loaded">>} fields
 * @returns {Promise<string>} Why it is not saved, in a sentence, or "".
 */
export function change(fields) {
  pending = { ...pending, ...fields };
  now = { ...now, ...fields };
  if (fields.keys) keys.use(now.keys);
  sending = sending.then(send);
  return sending;
}

// ---- reader dialog ----
/** @type {{ run: () => void, refuse: () => void } | null} what waits for the reader's name */
let waiting = null;

/**
 * Runs with the reader's name; asks for it first where it is missing.
 *
 * @param {string} why What the name is needed for, in a sentence.
 * @param {() => void} run
 * @param {() => void} [refuse] Called instead if the reader gives no name.
 */
export function withName(why, run, refuse = () => {}) {
  if (now.name || !now.can_rename) return run();
  waiting = { run, refuse };
  openMenu(why);
}

function closed() {
  const asked = waiting;
  waiting = null;
  if (now.name) asked?.run();
  else asked?.refuse();
}

/** @param {string} [why] What the name is needed for, in a sentence. */
function openMenu(why = "") {
  const dialog = find("reader-dialog", HTMLDialogElement);
  if (!dialog || dialog.open) return;
  const host = byId("reader-name-host");
  if (!host.firstChild) {
    const field = make("input", {
      id: "reader-name",
      type: "text",
      className: "field",
      maxLength: 60,
      autocomplete: "name",
    });
    field.setAttribute("aria-describedby", "reader-words");
    host.append(field);
    dialog.addEventListener("close", closed);
  }
  const field = byId("reader-name", HTMLInputElement);
  field.value = now.name;
  field.readOnly = !now.can_rename;
  byId("reader-save").hidden = !now.can_rename;
  byId("reader-words").textContent = why || wordsOf(now);
  byId("reader-status").textContent = "";
  dialog.showModal();
  if (now.can_rename && !now.name) field.focus();
}

/** @param {Readonly<Reader>} reader */
const wordsOf = ({ can_rename: canRename, shown }) =>
  canRename
    ? "Saved with your work, such as corrected masks. Until you enter a name," +
      ` “${shown}” is used. The server recognizes you by this browser.`
    : "Your name comes from the sign-in. It is saved with your work.";

async function save() {
  const name = byId("reader-name", HTMLInputElement).value;
  if (waiting && !name.trim()) {
    byId("reader-status").textContent = "Enter a name, or close this window to go back.";
    return;
  }
  byId("reader-status").textContent = "Saving";
  const error = await change({ name });
  byId("reader-status").textContent = error;
  if (!error) byId("reader-dialog", HTMLDialogElement).close();
}

/** @param {Event} event */
function onClick(event) {
  const target = targetOf(event);
  if (target.closest("#reader-open")) return openMenu();
  const dialog = find("reader-dialog", HTMLDialogElement);
  if (!dialog?.open) return;
  if (target === dialog || target.closest("#reader-close")) dialog.close();
  else if (target.closest("#reader-save")) void save();
}

export function start() {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && targetOf(event).id === "reader-name" && now.can_rename)
      void save();
  });
  shell.on("page", show);
  void load();
}
