// @ts-check
/**
 * The findings panel's section on the study: its name, reference and spacing, who entered them, and
 * their changes. After a change the study is opened again, on the same slice.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Entries, Entry, SpacingMm, Study } from "../viewer/study.js" */
/** @import { Named } from "../frame/chosen_files.js" */
/** @import { Answer } from "../frame/server.js" */

import { goToPage } from "../frame/dash.js";
import { byId, make, setAttributes, targetOf, write } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as reader from "../frame/reader.js";
import { newBatch, sendFile } from "../frame/file_transfer.js";
import { ask, NO_ANSWER, RETRYING } from "../frame/server.js";
import { dateAndTime } from "../frame/times.js";
import * as lock from "../viewer/lock.js";
import { note } from "../viewer/notes.js";
import * as viewer from "../viewer/viewer.js";
import { fromInput } from "../frame/chosen_files.js";
import * as studyLoad from "./study_load.js";

/** @typedef {(wanted: { study_id: string, slice: number | null }) => void} OpenStudy */

/**
 * A question to the reader.
 *
 * @typedef {object} Question
 * @property {string} title
 * @property {string} words
 * @property {readonly Field[]} fields
 * @property {string} save Label of the button.
 * @property {boolean} [canRemove] Whether the spacing can be removed.
 * @property {(values: readonly string[]) => Promise<string>} run Returns why it failed, or "".
 */

/**
 * @typedef {object} Field
 * @property {string} id
 * @property {string} label
 * @property {string} value
 * @property {Record<string, string | number>} [attributes]
 */

const SPACING_WORDS =
  "Enter them as stated by the scanner. They are marked with your name and used for all" +
  " measurements; the study is analysed again.";
const NOT_NUMBERS = "Enter three numbers in mm, such as 0.9.";

/** What was entered for the study in view; newer than the study's own after a conflict. */
/** @type {Entries | null} */
let entries = null;
/** @type {OpenStudy} */
let openStudy = () => {};
/** @type {Question | null} */
let asked = null;
let isBusy = false;

/**
 * Three numbers in mm as they were typed, in the order slices, rows, columns; a comma counts as a
 * point.
 *
 * @param {readonly string[]} values
 * @returns {SpacingMm | null} Null if one is not a number above 0.
 */
export function spacingOf(values) {
  const numbers = values.map((value) => Number(value.trim().replace(",", ".") || NaN));
  if (numbers.length !== 3 || numbers.some((number) => !(number > 0 && number < Infinity)))
    return null;
  return [numbers[0], numbers[1], numbers[2]];
}

/**
 * "by Ada, 2026-01-02 14:05"
 *
 * @param {Entry} entry
 */
const signed = ({ by, at }) => `by ${by}, ${dateAndTime(at)}`;

/** @param {Entries} found */
export function nameWords({ label, original_name: original, label_by: entry }) {
  if (!entry) return `Name: ${original}`;
  if (!label) return `Name: ${original} (restored ${signed(entry)})`;
  return `Name: ${label} (${original} in the files). Renamed ${signed(entry)}`;
}

/**
 * @param {Entries} found
 * @param {boolean} hasReference
 */
export function referenceWords({ reference_files: files, reference_by: entry }, hasReference) {
  if (files && entry) return `Reference attached ${signed(entry)} (${listed(files)})`;
  const stated = hasReference ? "Reference from the files" : "No reference";
  return entry ? `${stated}. Detached ${signed(entry)}` : stated;
}

/** @param {readonly string[]} files */
function listed(files) {
  const name = files[0].split("/").pop() ?? "";
  return files.length > 1 ? `${name} and ${files.length - 1} more` : name;
}

/** @param {Entries} found */
export function spacingWords({ spacing_mm: spacing, spacing_by: entry }) {
  if (!spacing || !entry)
    return `No pixel spacing in the files${entry ? `. Removed ${signed(entry)}` : ""}`;
  const [z, y, x] = spacing;
  return `Pixel spacing ${y} × ${x} mm, slice distance ${z} mm: entered ${signed(entry)}`;
}

// ---- what the section shows ----
/** @param {Session} session */
function open({ study }) {
  entries = study.entries;
  say("");
  show(study);
}

/** @param {Study} study */
function show(study) {
  if (!entries) return;
  write("study-name", nameWords(entries));
  write("study-reference", referenceWords(entries, study.reference_url !== null));
  byId("study-detach").hidden = entries.reference_files === null;
  byId("study-entry-spacing").hidden = entries.spacing_stated;
  write("study-spacing", spacingWords(entries));
  write("study-enter-spacing", entries.spacing_mm ? "Change spacing" : "Enter spacing");
  byId("study-entry-joined").hidden = !entries.joined;
  write("study-joined", `${study.n} pictures were joined into one stack by their numbers.`);
}

/**
 * @param {string} text
 * @param {boolean} [isError]
 */
function say(text, isError = false) {
  const place = byId("study-status");
  place.textContent = text;
  place.className = isError ? "notice notice--error" : "finding-text";
  place.hidden = !text;
}

// ---- requests ----
/**
 * The study that a change is for, as the reader saw it: an upload goes on after they have left it.
 *
 * @typedef {{ id: string, name: string, revision: number }} Target
 */

/** @returns {Target} The study in view. */
function inView() {
  const { study_id: id, name, entries: stated } = viewer.opened().study;
  return { id, name, revision: (entries ?? stated).revision };
}

/** @param {Target} target */
const isInView = ({ id }) => viewer.now?.study.study_id === id;

/**
 * Sends a change of a study, and opens it again if it is in view.
 *
 * @param {string} what
 * @param {Record<string, unknown>} body
 * @param {{ method?: string, target?: Target }} [options]
 * @returns {Promise<string>} Why it was not changed, in a sentence, or "".
 */
async function change(what, body, { method = "PUT", target = inView() } = {}) {
  const { id, revision } = target;
  const answer = await ask(`/api/studies/${id}/${what}`, {
    method,
    body: JSON.stringify({ revision, ...body }),
  });
  studyLoad.forget();
  if (answer.status === 409) await refresh(id);
  if (!answer.ok) return sentence(answer);
  const { now } = viewer;
  if (now && isInView(target)) openStudy({ study_id: id, slice: now.study.indices[now.k] });
  return "";
}

/** @param {Answer} answer */
const sentence = ({ body }) => body.error || NO_ANSWER;

/**
 * Shows what another reader entered meanwhile.
 *
 * @param {string} id
 */
async function refresh(id) {
  const { ok, body } = await ask(`/api/studies/${id}`);
  const { now } = viewer;
  if (!ok || now?.study.study_id !== id) return;
  entries = body.entries;
  show({ ...now.study, reference_url: body.reference_url });
}

/**
 * @param {readonly Named[]} items
 * @param {Target} target
 * @returns {Promise<string>} As `change`.
 */
async function attach(items, target) {
  const batch = newBatch();
  const report = (/** @type {string} */ words) => isInView(target) && say(words);
  for (const [i, { file, name }] of items.entries()) {
    const words = `Uploading ${i + 1} of ${items.length}`;
    report(words);
    const outcome = await sendFile(
      { batch, file, name },
      { onMoved: () => report(words), onPause: () => report(RETRYING) },
    );
    if (!outcome.ok) {
      void ask(`/api/uploads/${batch}`, { method: "DELETE" });
      return outcome.sentence || NO_ANSWER;
    }
  }
  report("Reading the reference");
  return change("reference", { batch, files: items.length }, { target });
}

/** @returns {Promise<string>} As `change`. */
async function divide() {
  const { study } = viewer.opened();
  const answer = await ask(`/api/studies/${study.study_id}/divide`, { method: "POST" });
  studyLoad.forget();
  if (!answer.ok) return sentence(answer);
  goToPage("/");
  return "";
}

// ---- buttons ----
/**
 * Does something that is stored with the reader's name, once there is one.
 *
 * @param {() => void} run
 */
function withName(run) {
  if (!isBusy) reader.withName("Enter your name. It is stored with the change.", run);
}

/**
 * Runs a change of the reference and shows why it failed: below the buttons, or over the image of
 * the study that is in view by then.
 *
 * @param {Target} target
 * @param {() => Promise<string>} run
 */
async function perform(target, run) {
  isBusy = true;
  const error = await run();
  isBusy = false;
  if (!error) return;
  if (isInView(target)) say(error, true);
  else if (viewer.now) note(`The reference of ${target.name} was not changed. ${error}`);
}

function chooseReference() {
  const target = inView(); // the reader may go on while they choose
  const input = make("input", { type: "file", multiple: true });
  const chosen = () => {
    const items = fromInput(input);
    if (items.length) void perform(target, () => attach(items, target));
  };
  input.addEventListener("change", chosen);
  input.click();
}

function detach() {
  const target = inView();
  void perform(target, () => change("reference", {}, { method: "DELETE", target }));
}

function rename() {
  const { label, original_name: original } = entries ?? viewer.opened().study.entries;
  const value = label || original;
  const attributes = { type: "text", maxlength: 64, autocomplete: "off" };
  askReader({
    title: "Rename study",
    words:
      `In the files the study is called ${original}. Only its name on screen changes: exports` +
      " keep the files' identifiers. Leave it empty to restore the original name.",
    fields: [{ id: "study-label", label: "Name on screen", value, attributes }],
    save: "Rename",
    run: ([text]) => change("label", { label: text }),
  });
}

function enterSpacing() {
  const [z, y, x] = entries?.spacing_mm ?? ["", "", ""];
  const attributes = { type: "text", inputmode: "decimal", maxlength: 12, autocomplete: "off" };
  askReader({
    title: "Pixel spacing and slice distance",
    words: SPACING_WORDS,
    fields: [
      { id: "study-spacing-z", label: "Slice distance (mm)", value: String(z), attributes },
      { id: "study-spacing-y", label: "Between rows (mm)", value: String(y), attributes },
      { id: "study-spacing-x", label: "Between columns (mm)", value: String(x), attributes },
    ],
    save: "Save",
    canRemove: Boolean(entries?.spacing_mm),
    run: async (values) => {
      const spacing = spacingOf(values);
      return spacing ? change("spacing", { spacing_mm: spacing }) : NOT_NUMBERS;
    },
  });
}

function askToDivide() {
  const { n } = viewer.opened().study;
  askReader({
    title: "Read as separate studies?",
    words:
      `The stack becomes ${n} studies of one picture each. Corrections, measurements and what was` +
      " entered for the stack are deleted.",
    fields: [],
    save: "Read as separate studies",
    run: divide,
  });
}

// ---- dialog ----
/**
 * Asks the reader in a dialog.
 *
 * @param {Question} question
 */
export function askReader(question) {
  const dialog = byId("study-dialog", HTMLDialogElement);
  if (dialog.open) return;
  asked = question;
  write("study-dialog-title", question.title);
  write("study-dialog-words", question.words);
  write("study-dialog-save", question.save);
  write("study-dialog-status", "");
  byId("study-dialog-remove").hidden = !question.canRemove;
  byId("study-dialog-fields").replaceChildren(...question.fields.flatMap(fieldOf));
  dialog.showModal();
  const first = question.fields[0];
  if (first) byId(first.id, HTMLInputElement).select();
}

/** @param {Field} field */
function fieldOf({ id, label, value, attributes = {} }) {
  const input = make("input", { id, className: "field", value });
  setAttributes(input, attributes);
  return [make("label", { htmlFor: id, textContent: label }), input];
}

/** @param {(values: readonly string[]) => Promise<string>} run */
async function save(run) {
  if (!asked || isBusy) return;
  const mine = asked;
  const values = mine.fields.map(({ id }) => byId(id, HTMLInputElement).value);
  write("study-dialog-status", "");
  isBusy = true;
  const error = await run(values);
  isBusy = false;
  if (asked !== mine) return;
  if (error) return write("study-dialog-status", error);
  closeDialog();
}

function closeDialog() {
  asked = null;
  const dialog = byId("study-dialog", HTMLDialogElement);
  if (dialog.open) dialog.close();
}

/** @param {MouseEvent} event */
function onDialogClick(event) {
  const target = targetOf(event);
  if (target.id === "study-dialog" || target.id === "study-dialog-cancel") closeDialog();
  else if (target.id === "study-dialog-save" && asked) void save(asked.run);
  else if (target.id === "study-dialog-remove")
    void save(() => change("spacing", { spacing_mm: null }));
}

/** @param {KeyboardEvent} event */
function onDialogKey(event) {
  if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement) || !asked) return;
  event.preventDefault();
  void save(asked.run);
}

/**
 * @param {AbortSignal} signal Removes the listeners from the page's elements.
 * @param {OpenStudy} reopen
 */
export function mount(signal, reopen) {
  openStudy = reopen;
  // of a signed study, only its name on screen is free
  const unlessLocked = (/** @type {() => void} */ run) => () => void (lock.refuse() || run());
  /** @type {Record<string, () => void>} */
  const actions = {
    "study-rename": () => withName(rename),
    "study-attach": unlessLocked(() => withName(chooseReference)),
    "study-detach": unlessLocked(() => withName(detach)),
    "study-enter-spacing": unlessLocked(() => withName(enterSpacing)),
    "finding-enter-spacing": unlessLocked(() => withName(enterSpacing)),
    "study-divide": unlessLocked(askToDivide),
  };
  for (const [id, run] of Object.entries(actions))
    byId(id).addEventListener("click", run, { signal });
  const dialog = byId("study-dialog");
  dialog.addEventListener("click", onDialogClick, { signal });
  dialog.addEventListener("keydown", onDialogKey, { signal });
  return all([viewer.on("open", open), closeDialog]);
}
