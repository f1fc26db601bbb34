// @ts-check
/** The upload on the page (dashboard/pages/worklist/upload.py): dialog, progress and messages. */

/** @import { Job } from "./upload_send.js" */
/** @import { Message } from "./upload_messages.js" */

import { goToPage } from "../frame/dash.js";
import { byId, find, make } from "../frame/dom.js";
import { fromDrop, fromInput, megabytes } from "../frame/chosen_files.js";
import { counted } from "../frame/number_words.js";
import * as messages from "./upload_messages.js";
import * as upload from "./upload_send.js";

const SHOWN_INLINE = 2;
const READ_MS = 5000; // a message that has been in view for this long counts as read
const RENDER_MS = 120;
const WATCH_MS = 500;
let reading = 0; // timer
let due = 0; // timer
let watch = 0; // timer

function countAsRead() {
  clearTimeout(reading);
  const shown = messages.all();
  if (document.hidden || shown.every(({ read }) => read)) return;
  reading = setTimeout(() => {
    if (!document.hidden && find("upload-messages")) messages.markRead(shown);
  }, READ_MS);
}

/** @param {number} seconds */
function secondsLeft(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 90) return `${Math.max(Math.ceil(seconds), 1)} s left`;
  return `${Math.ceil(seconds / 60)} min left`;
}

// ---- what the page shows ----
function renderSoon() {
  if (due) return;
  due = setTimeout(() => {
    due = 0;
    render();
  }, RENDER_MS);
}

/** @param {Job} job */
function progress(job) {
  const { items, state, startedAt, heldAtStart, current } = job;
  const done = items.filter((item) => item.state === "done" || item.state === "rejected").length;
  const total = items.reduce((sum, item) => sum + item.file.size, 0);
  const sent = items.reduce((sum, item) => sum + item.sent, 0);
  const share = total ? sent / total : 1;
  const files = counted(items.length, "file");
  if (state === "stopping") return { title: "Cancelling the upload", detail: "", share: 1 };
  if (upload.isAway(job)) {
    const detail = `${done} of ${files} uploaded. Nothing has been lost. Retrying.`;
    return { title: "The server is not responding.", detail, share };
  }
  if (state === "reading")
    return { title: `Reading ${files}`, detail: "Analysis starts automatically.", share: 1 };
  const seconds = (performance.now() - startedAt) / 1000;
  const moved = sent - heldAtStart;
  const left = seconds > 2 && moved > 0 ? secondsLeft(((total - sent) * seconds) / moved) : "";
  const isPausing = items.some((item) => item.state === "pausing");
  const words = [
    current.split("/").pop(),
    `${megabytes(sent)} of ${megabytes(total)}`,
    isPausing ? "connection lost, retrying" : left,
  ];
  const title = `Uploading ${Math.min(done + 1, items.length)} of ${files}`;
  return { title, detail: words.filter(Boolean).join(" · "), share };
}

/** @param {Job} job */
function stateOf(job) {
  if (upload.isAway(job)) return "lost";
  return job.items.some(({ state }) => state === "pausing") ? "pausing" : job.state;
}

/** Shows the progress of the upload: in full on the worklist, in the top bar on other pages. */
export function render() {
  const job = upload.current();
  clearTimeout(watch);
  if (job) watch = setTimeout(render, WATCH_MS); // another page may be in view by then
  const box = find("upload-progress");
  renderElsewhere(box ? null : job);
  if (!box) return;
  box.hidden = !job;
  if (job) {
    box.dataset.state = stateOf(job);
    const { title, detail, share } = progress(job);
    byId("upload-title").textContent = title;
    byId("upload-detail").textContent = detail;
    byId("upload-fill").style.width = `${Math.round(share * 1000) / 10}%`;
    byId("upload-meter").setAttribute("aria-valuenow", String(Math.round(share * 100)));
    byId("upload-retry").hidden = !upload.isAway(job);
    byId("upload-cancel").hidden = job.state === "stopping";
  }
  renderMessages(byId("upload-messages"));
}

/** @param {Job | null} job */
function renderElsewhere(job) {
  const box = find("upload-elsewhere");
  if (!box) return;
  box.hidden = !job;
  if (!job) return;
  const { title, share } = progress(job);
  const isSending = job.state === "sending" && !upload.isAway(job);
  byId("upload-elsewhere-words").textContent = isSending
    ? `${title}, ${Math.floor(100 * share)}%`
    : title;
  byId("upload-elsewhere-cancel").hidden = job.state === "stopping";
}

/** @param {HTMLElement} box */
function renderMessages(box) {
  const shown = messages.all();
  const ids = shown.map(({ id }) => id).join();
  if (box.dataset.shown === ids) return;
  box.dataset.shown = ids;
  const focused = document.activeElement;
  const hadFocus = focused instanceof HTMLElement && box.contains(focused) ? focused : null;
  box.replaceChildren(...shown.map(messageBox));
  if (hadFocus) keepFocus(box, hadFocus.dataset.dismiss ?? "");
  countAsRead();
}

/**
 * Gives the focus to a message's button again, else to the first message's, else to "Add studies".
 *
 * @param {HTMLElement} box
 * @param {string} id
 */
function keepFocus(box, id) {
  /** @type {HTMLElement | null} */
  const button =
    box.querySelector(`[data-dismiss="${CSS.escape(id)}"]`) ??
    box.querySelector("[data-dismiss]") ??
    document.querySelector("[data-upload='open']");
  button?.focus();
}

/** @param {Message} message */
function messageBox({ id, kind, title, items, link, counts }) {
  const words = make("div", {}, make("span", { className: "notice-title", textContent: title }));
  if (items.length <= SHOWN_INLINE)
    words.append(make("span", { className: "muted", textContent: items.join(" · ") }));
  else words.append(make("ul", {}, ...items.map((textContent) => make("li", { textContent }))));
  if (link) words.append(make("a", { href: link.href, textContent: link.words }));
  const className = "button button--small";
  const close = make("button", { type: "button", className, textContent: "Dismiss" });
  close.dataset.dismiss = id;
  const box = make("div", { className: `notice notice--${kind} upload-message` }, words, close);
  for (const [name, count] of Object.entries(counts ?? {})) box.dataset[name] = String(count);
  return box;
}

// ---- dialog, buttons, dropping ----
/** @returns {HTMLDialogElement | null} */
const dialog = () => find("upload-dialog", HTMLDialogElement);

/** Opens the dialog in which files or a folder are chosen. */
export function openDialog() {
  if (!dialog() || dialog()?.open) return;
  dialog()?.showModal();
  byId("upload-files").focus();
}

/** @param {boolean} folder */
function choose(folder) {
  const input = make("input", { type: "file", multiple: true, webkitdirectory: folder });
  input.addEventListener("change", () => upload.add(fromInput(input)));
  dialog()?.close();
  input.click();
}

/** @param {MouseEvent} event */
function onClick(event) {
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest("#upload-elsewhere-cancel")) upload.cancel();
  if (!target || !find("upload")) return;
  if (target.closest("[data-upload='open']")) openDialog();
  else if (target === dialog() || target.closest("#upload-close")) dialog()?.close();
  else if (target.closest("#upload-files")) choose(false);
  else if (target.closest("#upload-folder")) choose(true);
  else if (target.closest("#upload-cancel")) upload.cancel();
  else if (target.closest("#upload-retry")) upload.retry();
  /** @type {HTMLElement | null} */
  const dismissed = target.closest("[data-dismiss]");
  if (dismissed?.dataset.dismiss) messages.dismiss(dismissed.dataset.dismiss);
  const href = target.closest(".upload-message a")?.getAttribute("href");
  if (href && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    goToPage(href);
  }
}

/**
 * The drag event's data, where it carries files and the page accepts them.
 *
 * @param {DragEvent} event
 */
function filesOf({ dataTransfer }) {
  return find("upload") && dataTransfer?.types.includes("Files") ? dataTransfer : null;
}

/** @param {boolean} shown */
const showDrop = (shown) => find("upload-drop")?.toggleAttribute("hidden", !shown);

/** @param {DragEvent} event */
function onDrag(event) {
  const files = filesOf(event);
  if (!files) return;
  event.preventDefault();
  files.dropEffect = "copy";
  showDrop(true);
}

/** @param {DragEvent} event */
function onDrop(event) {
  const files = filesOf(event);
  if (!files) return;
  event.preventDefault();
  showDrop(false);
  dialog()?.close();
  void fromDrop(files).then((dropped) => upload.add(dropped.files, dropped.unread));
}

export function start() {
  messages.restore();
  messages.on(render);
  upload.on("change", render);
  upload.on("moved", renderSoon);
  document.addEventListener("visibilitychange", countAsRead);
  document.addEventListener("click", onClick);
  window.addEventListener("dragenter", onDrag);
  window.addEventListener("dragover", onDrag);
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) showDrop(false);
  });
  window.addEventListener("drop", onDrop);
}
