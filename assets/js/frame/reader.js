// @ts-check
/**
 * Who is reading: name, own keys, whether the tour was taken. The server stores it (/api/reader);
 * what cannot be sent is in effect on this page at once and is sent again until the server has it.
 */

import { byId, find, make, targetOf } from "./dom.js";
import { Events } from "./events.js";
import * as keys from "./keys.js";
import { ask, isFinal, pauseOf } from "./server.js";
import * as shell from "./shell.js";

/**
 * @typedef {object} Reader
 * @property {string} name As typed, "" before.
 * @property {string} shown Name on the page.
 * @property {boolean} can_rename Whether the name is not a sign-in's.
 * @property {Readonly<Record<string, string>>} keys Own keys by the bindings' ids, "" for none.
 * @property {boolean} tour_done
 * @property {boolean} loaded Whether the server has answered.
 */

const NOT_SAVED = "The server does not answer; it will be saved as soon as it does.";

/** @type {Readonly<Reader>} the reader as this page knows them */
export let now = {
  name: "",
  shown: "Reader",
  can_rename: true,
  keys: {},
  tour_done: true,
  loaded: false,
};
/** @type {Partial<Reader> | null} what the server does not have yet */
let pending = null;
let sending = Promise.resolve("");
let failures = 0;
let timer = 0;

/** @type {Events<"change">} */
const events = new Events();
/** Listens to what the server says of the reader. */
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

/** Sends what is pending; returns why it is not saved, in a sentence, or "". */
async function send() {
  clearTimeout(timer);
  const sent = pending;
  if (!sent) return "";
  const answer = await ask("/api/reader", { method: "PUT", body: JSON.stringify(sent) });
  // else more was changed meanwhile: it is sent next
  if (pending === sent && isFinal(answer.status)) pending = null;
  if (answer.ok) {
    failures = 0;
    take(answer.body);
    return "";
  }
  if (isFinal(answer.status)) {
    void load();
    return answer.body.error || "The server refused it.";
  }
  timer = setTimeout(() => void change({}), pauseOf(failures++));
  return NOT_SAVED;
}

/**
 * Changes what is known of the reader, here at once and then on the server, one request after the
 * other.
 *
 * @param {Partial<Pick<Reader, "name" | "keys" | "tour_done">>} fields
 * @returns {Promise<string>} Why it is not saved, in a sentence, or "".
 */
export function change(fields) {
  pending = { ...pending, ...fields };
  now = { ...now, ...fields };
  if (fields.keys) keys.use(now.keys);
  sending = sending.then(send);
  return sending;
}

// ---- the menu at the right of the top bar ----
function openMenu() {
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
  }
  const field = byId("reader-name", HTMLInputElement);
  field.value = now.name;
  field.readOnly = !now.can_rename;
  byId("reader-save").hidden = !now.can_rename;
  byId("reader-words").textContent = now.can_rename
    ? "Written beside what you save, such as a corrected mask. Until you type one it is" +
      ` “${now.shown}”. The server knows you by this browser.`
    : "Your name comes from the sign-in in front of Overread. It is written beside what you save.";
  byId("reader-status").textContent = "";
  dialog.showModal();
  if (now.can_rename && !now.name) field.focus();
}

async function save() {
  byId("reader-status").textContent = "Saving";
  const error = await change({ name: byId("reader-name", HTMLInputElement).value });
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
