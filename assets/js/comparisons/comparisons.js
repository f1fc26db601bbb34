// @ts-check
/**
 * The comparisons page: choose or drop one image, send it, follow its analysis, and set the opacity
 * of its saliency map.
 */

/** @import { JobNews } from "../frame/job_channel.js" */

import { register } from "../frame/dash.js";
import { byId, find, make, makeRange, targetOf } from "../frame/dom.js";
import { JobChannel } from "../frame/job_channel.js";
import { ask, HEADERS } from "../frame/server.js";

/** @type {Readonly<Record<string, string>>} */
const WORDS = {
  queued: "Queued",
  running: "Analysing",
  cancelling: "Cancelling",
  cancelled: "Cancelled",
  lost: "The server is not responding. Retrying.",
};
const ENDED = new Set(["done", "failed", "cancelled"]);
/** @type {JobChannel | null} follows the image that is being analysed */
let channel = null;
let turn = 0; // an upload that has been superseded shows nothing any more
let opacity = 0.6;

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

function choose() {
  const input = make("input", { type: "file" });
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file) void send(file);
  });
  input.click();
}

/** @param {File} file */
async function send(file) {
  const button = find("comparisons-choose");
  if (!button) return;
  const { maxBytes, task = "" } = button.dataset;
  const limit = Number(maxBytes);
  if (file.size > limit)
    return show(`${file.name} is larger than ${Math.round(limit / 2 ** 20)} MB.`, "error");
  const mine = ++turn;
  show(`Uploading ${file.name}`);
  const answer = await ask(`/api/comparisons/images?name=${encodeURIComponent(file.name)}`, {
    method: "PUT",
    headers: { ...HEADERS, "Content-Type": "application/octet-stream" },
    body: file,
  });
  if (mine !== turn || !find("comparisons-choose")) return;
  const { image, error } = answer.body;
  if (!answer.status) return show("The server is not responding. Try again later.", "error");
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
    const words = (state === "running" && message) || WORDS[state] || "";
    show(words, ENDED.has(state) ? "" : "busy");
  });
  channel = own;
  show(WORDS.running, "busy");
  own.ask(again);
}

/**
 * Runs when the page or an answer is shown: follows the image that the address names, and adds the
 * slider to an answer.
 */
function mount() {
  const image = new URLSearchParams(location.search).get("image");
  if (image && document.querySelector(".comparison-empty"))
    awaitAnswer(byId("comparisons-choose").dataset.task ?? "", image, false);
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
 * The files of a drag event, where the page accepts them.
 *
 * @param {DragEvent} event
 */
const filesOf = ({ dataTransfer }) =>
  find("comparisons-choose") && dataTransfer?.types.includes("Files") ? dataTransfer.files : null;

/** @param {JobNews} job The callback's progress or outcome. */
const onNews = (job) => channel?.hear(job);

export function start() {
  document.addEventListener("click", (event) => {
    const target = targetOf(event);
    if (target.closest("#comparisons-choose")) choose();
    if (target.closest("#comparisons-cancel")) channel?.cancel();
  });
  document.addEventListener("dragover", (event) => {
    if (filesOf(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const files = filesOf(event);
    if (!files) return;
    event.preventDefault();
    if (files.length) void send(files[0]);
  });
  register("overread_comparisons", { mount, job: onNews });
}
