// @ts-check
/**
 * The Export dialog: the kinds of files with what each is for and when it was exported last. The
 * kinds come from the server (dashboard/reports/exports.py); the view is made here.
 */

/** @import { Session } from "../viewer/session.js" */

import * as correctionStore from "../correct/correction_store.js";
import { dateAndTime } from "../frame/times.js";
import { byId, find, letGoOfClick, make } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import { saveFile, toClipboard } from "../frame/outgoing.js";
import { HEADERS, NO_ANSWER, ask } from "../frame/server.js";
import { note } from "../viewer/notes.js";
import * as viewer from "../viewer/viewer.js";
import * as readingStore from "./reading_store.js";
import { viewPicture } from "./view_picture.js";

/**
 * @typedef {object} Kind
 * @property {string} name
 * @property {string} title
 * @property {string} purpose
 * @property {boolean} in_browser
 * @property {string} refusal
 * @property {number} times
 * @property {{ author: string, at: string, text: string } | null} last
 */

/**
 * @typedef {object} Step
 * @property {number} [done]
 * @property {number} [total]
 * @property {string} [what]
 * @property {string} [name] Of the file, whose bytes follow.
 * @property {number} [size]
 * @property {string} [error]
 */

/** The kind that opens in a tab. */
const PAGE = "page";
const BUSY = "Making the file …";
const NOT_SAVED = "Your last changes are not saved yet. Try again in a moment.";
const CANCELLED = "Cancelled.";
const BLOCKED = "The browser blocked the new tab. Allow this page to open tabs, and try again.";
const FAILED = "The file could not be made. Try again.";
const CUT = "The file did not arrive completely. Try again.";
const NO_SLICE = "Show a slice first: planes and 3D are not exported.";

/** @type {AbortController | null} The file that is being made. */
let running = null;

/**
 * @param {Session} session
 * @param {string} what
 */
const address = ({ study }, what) => `/api/studies/${study.study_id}/${what}`;

/**
 * When a kind was exported, in a line.
 *
 * @param {Pick<Kind, "times" | "last">} kind
 */
export function exportedText({ times, last }) {
  if (!last) return "Not exported yet.";
  const count = times > 1 ? ` ${times} times in all.` : "";
  return `Last exported by ${last.author}, ${dateAndTime(last.at)} (${last.text}).${count}`;
}

/** @param {string} words */
function say(words) {
  byId("export-status").textContent = words;
}

async function open() {
  if (!viewer.now) return;
  byId("export-kinds").replaceChildren();
  byId("export-of").textContent = "";
  say("Loading");
  const dialog = byId("export", HTMLDialogElement);
  if (!dialog.open) dialog.showModal();
  await list();
  const first = document.querySelector("#export-kinds button:not([disabled])");
  if (first instanceof HTMLElement) first.focus();
}

/** @returns {Promise<void>} */
async function list() {
  const { now } = viewer;
  if (!now) return;
  const { ok, body } = await ask(address(now, "exports"));
  if (viewer.now !== now || !find("export-kinds")) return;
  if (!ok) return say(body.error || NO_ANSWER);
  say("");
  byId("export-of").textContent = body.record
    ? `What was signed: record ${body.record}`
    : "Not signed: reports are marked DRAFT";
  byId("export-kinds").replaceChildren(...body.kinds.map(line));
}

/** @param {Kind} kind */
function line(kind) {
  const words = kind.name === PAGE ? "Open" : "Save";
  const button = make("button", {
    type: "button",
    className: "button button--small",
    textContent: words,
    disabled: Boolean(kind.refusal || running),
  });
  button.dataset.kind = kind.name;
  button.setAttribute("aria-label", `${words} ${kind.title}`);
  button.addEventListener("click", () => void run(kind, button));
  const when = kind.refusal || exportedText(kind);
  return make(
    "li",
    { className: "export-kind" },
    make(
      "div",
      {},
      make("p", { className: "strong", textContent: kind.title }),
      make("p", { className: "finding-text", textContent: kind.purpose }),
      make("p", { className: "secondary muted", textContent: when }),
    ),
    button,
  );
}

/** Sends what was drawn and recorded; files are made from what the server has. */
const saveAll = async () => (await correctionStore.saveNow()) && (await readingStore.saveNow());

/**
 * @param {Kind} kind
 * @param {HTMLButtonElement} button
 */
async function run(kind, button) {
  const { now } = viewer;
  if (running || !now) return;
  const tab = kind.name === PAGE ? window.open("", "_blank") : null;
  if (kind.name === PAGE && !tab) return say(BLOCKED);
  const { signal } = (running = new AbortController());
  for (const one of document.querySelectorAll("#export-kinds button"))
    if (one instanceof HTMLButtonElement) one.disabled = true;
  button.setAttribute("aria-busy", "true");
  say(BUSY);
  showProgress({});
  const error = await saveAndMake(now, kind, tab, signal).catch(() => FAILED);
  running = null;
  if (error) tab?.close();
  if (!find("export-status")) return;
  byId("export-progress").hidden = true;
  await list();
  if (viewer.now !== now || !find("export-status")) return;
  say(error || `${kind.title}: done.`);
  const again = document.querySelector(`#export-kinds [data-kind="${kind.name}"]`);
  if (again instanceof HTMLElement) again.focus();
}

/**
 * Shows how far a file is; without numbers, that it is being made.
 *
 * @param {Step} step
 */
function showProgress({ done, total, what }) {
  if (!find("export-progress")) return;
  const bar = byId("export-bar", HTMLProgressElement);
  byId("export-progress").hidden = false;
  if (done && total) bar.value = done / total;
  else bar.removeAttribute("value");
  if (what) say(`${what} …`);
}

/**
 * @param {Session} now The study in view when the reader asked for the file.
 * @param {Kind} kind
 * @param {Window | null} tab Where a page opens; it was opened while the click was handled.
 * @param {AbortSignal} signal Cancels it.
 * @returns {Promise<string>} Why it failed, or "".
 */
async function saveAndMake(now, kind, tab, signal) {
  if (!(await saveAll())) return NOT_SAVED;
  if (viewer.now !== now) return CANCELLED; // the reader has left the study
  if (!kind.in_browser && kind.name !== PAGE) return fetchFile(now, kind, signal);
  if (tab) tab.location.href = address(now, "report");
  if (kind.in_browser) {
    const picture = await viewPicture(now);
    if (!picture) return NO_SLICE;
    saveFile(picture.blob, picture.name);
  }
  const notes = address(now, `exports/${kind.name}/notes`);
  const noted = await ask(notes, { method: "POST", body: "{}" });
  return noted.ok ? "" : noted.body.error || NO_ANSWER;
}

/**
 * @param {Session} now
 * @param {Kind} kind
 * @param {AbortSignal} signal Cancels it, also on the server.
 * @returns {Promise<string>} Why it failed, or "".
 */
async function fetchFile(now, kind, signal) {
  const options = { method: "POST", headers: HEADERS, body: "{}", signal };
  try {
    const answer = await fetch(address(now, `exports/${kind.name}/progress`), options);
    if (!answer.ok || !answer.body) {
      return (await answer.json().catch(() => null))?.error || NO_ANSWER;
    }
    const { last, rest } = await readSteps(answer.body.getReader(), showProgress);
    if (last.error || !last.name) return last.error || CUT;
    const file = new Blob(rest);
    if (file.size !== last.size) return CUT;
    saveFile(file, last.name);
    return "";
  } catch {
    return signal.aborted ? CANCELLED : NO_ANSWER;
  }
}

/**
 * Reads lines of JSON, each a step, and what follows the line that names the file.
 *
 * @param {Pick<ReadableStreamDefaultReader<Uint8Array>, "read">} reader
 * @param {(step: Step) => void} onStep Called with each step before the last one.
 * @returns {Promise<{ last: Step, rest: Uint8Array<ArrayBuffer>[] }>}
 */
export async function readSteps(reader, onStep) {
  /** @type {Step} */
  let last = {};
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const rest = [];
  let text = "";
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { last, rest };
    let bytes = new Uint8Array(value);
    while (bytes.length && !last.name) {
      const end = bytes.indexOf(10);
      text += decoder.decode(end < 0 ? bytes : bytes.subarray(0, end), { stream: true });
      bytes = end < 0 ? new Uint8Array() : bytes.slice(end + 1);
      if (end < 0) continue;
      last = JSON.parse(text);
      text = "";
      if (!last.name && !last.error) onStep(last);
    }
    if (last.name && bytes.length) rest.push(bytes);
  }
}

async function copy() {
  const { now } = viewer;
  if (!now) return;
  const isSaved = await saveAll();
  if (viewer.now !== now) return;
  if (!isSaved) return void note(NOT_SAVED, "copy-failed");
  const { ok, body } = await ask(address(now, "findings"));
  if (viewer.now !== now) return;
  if (!ok) return void note(body.error || NO_ANSWER, "copy-failed");
  try {
    await toClipboard(body.text);
  } catch {
    return void note("The browser did not allow copying.", "copy-refused");
  }
  note("Findings copied.", "findings-copied");
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  /** @type {[string, () => void][]} */
  const buttons = [
    ["export-open", () => void open()],
    ["export-copy", () => void copy()],
    ["export-cancel", () => running?.abort()],
    ["export-close", () => byId("export", HTMLDialogElement).close()],
  ];
  for (const [id, press] of buttons) {
    const click = (/** @type {MouseEvent} */ event) => {
      letGoOfClick(event);
      press();
    };
    byId(id).addEventListener("click", click, { signal });
  }
  /** @type {keys.Binding[]} */
  const bindings = [
    {
      id: "export.open",
      key: "Shift+u",
      label: "Export: report and files",
      run: () => void open(),
    },
  ];
  return all([keys.add("Report and export", bindings)]);
}
