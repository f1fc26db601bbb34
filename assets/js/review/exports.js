// @ts-check
/**
 * The Export dialog: the kinds of files with what each is for and when it was exported last. The
 * kinds come from the server (dashboard/reports/exports.py); the view is made here.
 */

import * as correctionStore from "../correct/correction_store.js";
import { time } from "../correct/edit_bar.js";
import { toClipboard } from "../frame/clipboard.js";
import { byId, find, letGoOfClick, make } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
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

/** The kind that opens in a tab. */
const PAGE = "page";
const BUSY = "Making the file …";
const NOT_SAVED = "Your last changes are not saved yet. Try again in a moment.";
const NO_SLICE = "Show a slice first: planes and 3D are not exported.";

/** @param {string} what */
const address = (what) => `/api/studies/${viewer.opened().study.study_id}/${what}`;

/**
 * When a kind was exported, in a line.
 *
 * @param {Pick<Kind, "times" | "last">} kind
 */
export function exportedText({ times, last }) {
  if (!last) return "Not exported yet.";
  const count = times > 1 ? ` ${times} times in all.` : "";
  return `Last exported by ${last.author}, ${time(last.at)} (${last.text}).${count}`;
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
  const of = viewer.opened().study.study_id;
  const { ok, body } = await ask(address("exports"));
  if (viewer.now?.study.study_id !== of || !find("export-kinds")) return;
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
    disabled: Boolean(kind.refusal),
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
  const tab = kind.name === PAGE ? window.open("", "_blank") : null;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  say(BUSY);
  const error = (await saveAll()) ? await makeFile(kind, tab) : NOT_SAVED;
  if (error) tab?.close();
  if (!find("export-status")) return;
  button.disabled = false;
  button.removeAttribute("aria-busy");
  if (!error) await list();
  say(error || `${kind.title}: done.`);
  const again = document.querySelector(`#export-kinds [data-kind="${kind.name}"]`);
  if (again instanceof HTMLElement) again.focus();
}

/**
 * @param {Kind} kind
 * @param {Window | null} tab Where a page opens; it was opened while the click was handled.
 * @returns {Promise<string>} Why it failed, or "".
 */
async function makeFile(kind, tab) {
  if (!kind.in_browser && kind.name !== PAGE) return fetchFile(kind);
  if (tab) tab.location.href = address("report");
  if (kind.in_browser) {
    const picture = await viewPicture(viewer.opened());
    if (!picture) return NO_SLICE;
    save(picture.blob, picture.name);
  }
  const noted = await ask(address(`exports/${kind.name}/notes`), { method: "POST", body: "{}" });
  return noted.ok ? "" : noted.body.error || NO_ANSWER;
}

/**
 * @param {Kind} kind
 * @returns {Promise<string>} Why it failed, or "".
 */
async function fetchFile(kind) {
  const options = { method: "POST", headers: HEADERS, body: "{}" };
  const answer = await fetch(address(`exports/${kind.name}`), options).catch(() => null);
  if (!answer?.ok) return (await answer?.json().catch(() => null))?.error || NO_ANSWER;
  const stated = answer.headers.get("Content-Disposition") ?? "";
  save(await answer.blob(), /filename="?([^";]+)"?/.exec(stated)?.[1] ?? kind.name);
  return "";
}

/**
 * Lets the browser save a file.
 *
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = make("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

async function copy() {
  if (!viewer.now) return;
  if (!(await saveAll())) return void note(NOT_SAVED, "copy-failed");
  const { ok, body } = await ask(address("findings"));
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
