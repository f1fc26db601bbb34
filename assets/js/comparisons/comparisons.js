// @ts-check
/**
 * The comparisons page: choose or drop images, send them, follow their analysis, and set the
 * opacity of the saliency map of the one in view. Several images are listed with their answers.
 */

/** @import { Named } from "../frame/chosen_files.js" */
/** @import { JobNews } from "../frame/job_channel.js" */
/** @import { Entry } from "./image_batch.js" */

import { fromDrop, fromInput, megabytes } from "../frame/chosen_files.js";
import { counted, digits } from "../frame/number_words.js";
import { register } from "../frame/dash.js";
import { byId, find, make, makeRange, targetOf } from "../frame/dom.js";
import { ENDED, JobChannel } from "../frame/job_channel.js";
import { saveFile } from "../frame/outgoing.js";
import { ask, HEADERS, NO_ANSWER, RETRYING } from "../frame/server.js";
import { count, csv, ImageBatch } from "./image_batch.js";

/** @type {Readonly<Record<string, string>>} */
const WORDS = {
  queued: "Queued",
  running: "Analysing",
  cancelling: "Cancelling",
  cancelled: "Cancelled",
  lost: RETRYING,
};
/** @type {Readonly<Record<string, string>>} */
const LIST_WORDS = {
  waiting: "Waiting",
  sending: "Uploading",
  queued: "Queued",
  running: "Analysing",
  failed: "Left out",
  cancelled: "Cancelled",
};
const RENDER_MS = 150;
/** @type {JobChannel | null} follows the image that is being analysed */
let channel = null;
let turn = 0; // an upload that has been superseded shows nothing any more
let opacity = 0.6;
/** @type {ImageBatch | null} several images at once; it goes on while other pages are in view */
let batch = null;
let shown = ""; // the image of the list whose answer is in view
let startedAt = 0;
let finished = ""; // how long the batch took, in words
let due = 0; // timer

/**
 * @param {string} words
 * @param {"" | "busy" | "error"} [state]
 */
function show(words, state = "") {
  const status = find("comparisons-status");
  if (!status) return;
  status.textContent = words;
  status.className = state === "error" ? "notice notice--error" : "tabular";
  byId("comparisons-cancel").hidden = state !== "busy";
}

/** @param {boolean} folder */
function choose(folder) {
  const input = make("input", { type: "file", multiple: true, webkitdirectory: folder });
  input.addEventListener("change", () => take(fromInput(input)));
  input.click();
}

/**
 * @param {readonly Named[]} files
 * @param {readonly string[]} [unread] Names of files that the browser could not read.
 */
function take(files, unread = []) {
  if (!find("comparisons-choose")) return; // another page is in view by now
  batch?.close();
  batch = null;
  renderList();
  const none = unread.length
    ? "The files could not be read on this computer."
    : "The selection contains no files.";
  if (!files.length) return show(none, "error");
  if (files.length === 1) return void send(files[0].file);
  channel?.close();
  turn++; // an image on its way shows nothing any more
  const { task = "", maxBytes } = byId("comparisons-choose").dataset;
  startedAt = performance.now();
  const sorted = [...files].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  batch = new ImageBatch(task, sorted, { maxBytes: Number(maxBytes), onChange: renderSoon });
  batch.start();
  renderList();
}

// ---- the list of several images ----
/** The list, where the page shows the task that it was sent to. */
const listInView = () => (batch?.task === find("comparisons-choose")?.dataset.task ? batch : null);

function renderSoon() {
  if (due) return;
  due = setTimeout(() => {
    due = 0;
    renderList();
  }, RENDER_MS);
}

function renderList() {
  const box = find("comparisons-list");
  if (!box) return;
  const list = listInView();
  box.hidden = !list;
  if (!list) return box.replaceChildren();
  const { entries } = list;
  const { done, failed, ended, total } = count(entries);
  const isOver = ended === total;
  const left = failed ? `, ${counted(failed, "image")} left out` : "";
  const seconds = (performance.now() - startedAt) / 1000;
  if (isOver && !finished) finished = `, ${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (!isOver) finished = "";
  const words = `${digits(done)} of ${counted(total, "image")} analysed`;
  show(words + left + finished, isOver ? "" : "busy");
  if (!box.firstChild) box.append(makeList());
  byId("comparisons-csv").hidden = !isOver;
  const body = /** @type {HTMLTableSectionElement} */ (box.querySelector("tbody"));
  entries.forEach((entry, k) => {
    const row = body.rows[k] ?? body.insertRow();
    const state = `${entry.state} ${entry.image === shown}`;
    if (row.dataset.state !== state) fillRow(row, entry);
    row.dataset.state = state;
  });
  while (body.rows.length > entries.length) body.deleteRow(-1);
}

function makeList() {
  const titles = ["File", "Prediction", "Probability"];
  const head = make("tr", {}, ...titles.map((words) => make("th", { textContent: words })));
  head.lastElementChild?.classList.add("number-cell");
  const table = make("table", { className: "data-table" }, make("thead", {}, head), make("tbody"));
  const className = "table-wrap patient-rows";
  const save = make("button", { type: "button", id: "comparisons-csv", className: "button" });
  save.textContent = "Save as CSV";
  return make(
    "div",
    { className: "stack stack--tight" },
    make("div", { className, tabIndex: 0 }, table),
    make("div", {}, save),
  );
}

/**
 * @param {HTMLTableRowElement} row
 * @param {Entry} entry
 */
function fillRow(row, { name, image, state, answer, probability, message }) {
  const isDone = state === "done";
  const open = isDone
    ? make("button", { type: "button", className: "button button--link", textContent: name })
    : make("span", { textContent: name });
  if (isDone) open.dataset.image = image;
  const words = answer || message || LIST_WORDS[state];
  row.setAttribute("aria-selected", String(isDone && image === shown));
  row.replaceChildren(
    make("td", { className: "case-name" }, open),
    make("td", { textContent: words, className: isDone ? "" : "muted" }),
    make("td", {
      className: "number-cell",
      textContent: isDone ? `${Math.round(100 * probability)}%` : "",
    }),
  );
}

/**
 * Shows the answer to an image of the list, with its saliency map.
 *
 * @param {string} image
 */
function openAnswer(image) {
  const { task = "" } = byId("comparisons-choose").dataset;
  shown = image;
  renderList();
  /** @type {HTMLElement | null} */
  const again = document.querySelector(`#comparisons-list [data-image="${CSS.escape(image)}"]`);
  again?.focus(); // its row has been drawn again
  history.replaceState(history.state, "", `/comparisons?task=${task}&image=${image}`);
  awaitAnswer(task, image, false);
}

function saveCsv() {
  const list = listInView();
  if (!list) return;
  saveFile(new Blob([csv(list.entries)], { type: "text/csv" }), "predictions.csv");
}

// ---- one image ----
/** @param {File} file */
async function send(file) {
  const button = find("comparisons-choose");
  if (!button) return;
  const { maxBytes, task = "" } = button.dataset;
  const limit = Number(maxBytes);
  if (file.size > limit) return show(`${file.name} is larger than ${megabytes(limit)}.`, "error");
  const mine = ++turn;
  show(`Uploading ${file.name}`);
  const answer = await ask(`/api/comparisons/images?name=${encodeURIComponent(file.name)}`, {
    method: "PUT",
    headers: { ...HEADERS, "Content-Type": "application/octet-stream" },
    body: file,
  });
  if (mine !== turn || !find("comparisons-choose")) return;
  const { image, error } = answer.body;
  if (!answer.status) return show(`${NO_ANSWER} Try again later.`, "error");
  if (!answer.ok || !image) return show(error || "The server rejected the image.", "error");
  history.replaceState(history.state, "", `/comparisons?task=${task}&image=${image}`);
  awaitAnswer(task, image, true);
}

/**
 * @param {string} task
 * @param {string} image
 * @param {boolean} again Whether an analysis that failed or was cancelled is repeated.
 */
function awaitAnswer(task, image, again) {
  channel?.close();
  const own = new JobChannel("comparisons-request", { task, image }, ({ state, message }) => {
    if (!find("comparisons-status")) return own.close(); // another page is in view
    if (listInView()) return; // the list shows its own progress
    const words = (state === "running" && message) || WORDS[state] || "";
    show(words, ENDED.has(state) ? "" : "busy");
  });
  channel = own;
  if (!listInView()) show(WORDS.running, "busy");
  own.ask(again);
}

/**
 * Runs when the page or an answer is shown: shows the list, follows the image that the address
 * names, and adds the slider to an answer.
 */
function mount() {
  const { task = "" } = byId("comparisons-choose").dataset;
  const image = new URLSearchParams(location.search).get("image");
  shown = image ?? "";
  if (listInView()) renderList();
  if (image && document.querySelector(".comparison-empty")) awaitAnswer(task, image, false);
  const host = find("comparisons-opacity");
  if (!host || host.firstChild) return;
  const label = make("label", { textContent: "Saliency map", htmlFor: "heat-strength" });
  /** @param {number} percent */
  const apply = (percent) => {
    opacity = percent / 100;
    /** @type {HTMLElement | null} */
    const heat = document.querySelector(".heat");
    heat?.style.setProperty("--strength", String(opacity));
  };
  const ends = { min: 0, max: 100, value: opacity * 100 };
  host.append(label, makeRange({ id: "heat-strength", class: "slider", ...ends }, apply));
  apply(opacity * 100);
}

/**
 * The data of a drag event with files, where the page accepts them.
 *
 * @param {DragEvent} event
 */
const filesOf = ({ dataTransfer }) =>
  find("comparisons-choose") && dataTransfer?.types.includes("Files") ? dataTransfer : null;

function cancel() {
  const list = listInView();
  if (list) list.cancel();
  else channel?.cancel();
}

/** @param {JobNews} job The callback's progress or outcome. */
const onNews = (job) => channel?.hear(job);

export function start() {
  document.addEventListener("click", (event) => {
    const target = targetOf(event);
    if (target.closest("#comparisons-choose")) choose(false);
    if (target.closest("#comparisons-choose-folder")) choose(true);
    if (target.closest("#comparisons-cancel")) cancel();
    if (target.closest("#comparisons-csv")) saveCsv();
    /** @type {HTMLElement | null} */
    const open = target.closest("#comparisons-list [data-image]");
    if (open?.dataset.image) openAnswer(open.dataset.image);
  });
  document.addEventListener("dragover", (event) => {
    if (filesOf(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const files = filesOf(event);
    if (!files) return;
    event.preventDefault();
    void fromDrop(files).then((dropped) => take(dropped.files, dropped.unread));
  });
  register("overread_comparisons", { mount, job: onNews });
}
