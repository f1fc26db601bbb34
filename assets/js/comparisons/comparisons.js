// @ts-check
/**
 * The comparisons page: choose or drop one image, send it, show how far its answer is, and the heat
 * map's strength.
 */

/** @import { JobNews } from "../frame/job_channel.js" */

import { register } from "../frame/dash.js";
import { byId, find, make, makeRange, targetOf } from "../frame/dom.js";
import { JobChannel } from "../frame/job_channel.js";
import { ask, HEADERS } from "../frame/server.js";

/** @type {Readonly<Record<string, string>>} */
const WORDS = {
  queued: "Waiting for its turn",
  running: "Answering",
  cancelling: "Cancelling",
  cancelled: "Cancelled.",
  lost: "The server does not answer. Trying again.",
};
const ENDED = new Set(["done", "failed", "cancelled"]);
/** @type {JobChannel | null} the image whose answer is awaited */
let channel = null;
let turn = 0; // an upload that another one has replaced says nothing any more
let strength = 0.6;

/**
 * @param {string} words
 * @param {"" | "busy" | "error"} [state]
 */
function say(words, state = "") {
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
    return say(`${file.name} is larger than ${Math.round(limit / 2 ** 20)} MB.`, "error");
  const mine = ++turn;
  say(`Sending ${file.name}`);
  const answer = await ask(`/api/comparisons/images?name=${encodeURIComponent(file.name)}`, {
    method: "PUT",
    headers: { ...HEADERS, "Content-Type": "application/octet-stream" },
    body: file,
  });
  if (mine !== turn || !find("comparisons-choose")) return;
  const { image, error } = answer.body;
  if (!answer.status) return say("The server does not answer. Try again in a moment.", "error");
  if (!answer.ok || !image) return say(error || "The server could not take the image.", "error");
  history.replaceState(history.state, "", `/comparisons?task=${task}&image=${image}`);
  awaitAnswer(task, image, true);
}

/**
 * @param {string} task
 * @param {string} image
 * @param {boolean} again Whether an answer that failed or was cancelled begins again.
 */
function awaitAnswer(task, image, again) {
  channel?.close();
  const own = new JobChannel("comparisons-request", { task, image }, ({ state, message }) => {
    if (!find("comparisons-status")) return own.close(); // another page is in view
    const words = (state === "running" && message) || WORDS[state] || "";
    say(words, ENDED.has(state) ? "" : "busy");
  });
  channel = own;
  say("Answering", "busy");
  own.ask(again);
}

/**
 * Something has come into view: an empty page, whose address may name an image, or an answer, which
 * gets its slider.
 */
function mount() {
  const image = new URLSearchParams(location.search).get("image");
  if (image && document.querySelector(".comparison-empty"))
    awaitAnswer(byId("comparisons-choose").dataset.task ?? "", image, false);
  const host = find("comparisons-opacity");
  if (!host || host.firstChild) return;
  const label = make("label", { textContent: "Heat map", htmlFor: "heat-strength" });
  /** @param {number} percent */
  const apply = (percent) => {
    strength = percent / 100;
    /** @type {HTMLElement | null} */
    const heat = document.querySelector(".heat");
    heat?.style.setProperty("--strength", String(strength));
  };
  const ends = { min: 0, max: 100, value: strength * 100 };
  host.append(label, makeRange({ id: "heat-strength", class: "slider", ...ends }, apply));
  apply(strength * 100);
}

/**
 * What files were dropped with, where the page takes them.
 *
 * @param {DragEvent} event
 */
const filesOf = ({ dataTransfer }) =>
  find("comparisons-choose") && dataTransfer?.types.includes("Files") ? dataTransfer.files : null;

/** @param {JobNews} job The callback's progress or outcome. */
const hear = (job) => channel?.hear(job);

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
  register("overread_comparisons", { mount, job: hear });
}
