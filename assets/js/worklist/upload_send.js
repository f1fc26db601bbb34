// @ts-check
/**
 * Adding studies (dashboard/pages/worklist/upload.py): each file is streamed in a PUT of its own,
 * three at a time; then the server reads them all. The upload is held here and not by the page, so
 * that it continues while the reader visits other pages.
 */

/** @import { Named } from "../frame/chosen_files.js" */

import { find } from "../frame/dom.js";
import { Events } from "../frame/events.js";
import { ask, HEADERS, pauseOf } from "../frame/server.js";
import { megabytes, plural } from "../frame/chosen_files.js";
import * as messages from "./upload_messages.js";

/**
 * A file of the upload.
 *
 * @typedef {object} Item
 * @property {File} file
 * @property {string} name
 * @property {number} sent Bytes.
 * @property {"waiting" | "sending" | "pausing" | "done" | "rejected" | "failed"} state
 * @property {number} tries
 */

/**
 * @typedef {object} Job
 * @property {string} batch
 * @property {Item[]} items
 * @property {string[]} failures Sentences.
 * @property {"sending" | "reading" | "stopping" | "lost" | "cancelled"} state "stopping": the
 *   server is asked not to add what it is reading.
 * @property {Set<XMLHttpRequest>} running
 * @property {number} startedAt
 * @property {string} current Name of the file whose bytes were sent last.
 */

/** @typedef {{ study_id: string, case_id: string, new: boolean }} Added */

/**
 * The server's response to a finished upload.
 *
 * @typedef {object} Outcome
 * @property {readonly Added[]} [studies]
 * @property {readonly { message?: string, source?: string }[]} [errors]
 * @property {readonly string[]} [notices] About files that were skipped.
 * @property {number} [files] Number of files found, those inside archives included.
 */

const PARALLEL = 3;
const MOST_TRIES = 3; // of a file, after the first attempt
const MOST_SENTENCES = 500;
const CONFLICT = 409; // the upload was cancelled while the server was reading it
/** @type {Job | null} */
let job = null;
/** @type {Named[]} files chosen while the server was reading the previous ones */
const waiting = [];

/** @type {Events<"change" | "moved", void>} */
const events = new Events();
/** @type {Events<"added", readonly string[]>} */
const additions = new Events();
/** Listens to changes of state ("change") and to bytes sent ("moved"). */
export const { on } = events;
/** Listens to the ids of studies that were added. */
export const onAdded = (/** @type {(ids: readonly string[]) => void} */ run) =>
  additions.on("added", run);

/** The upload in progress, or null. */
export const current = () => job;

const changed = () => events.emit("change");

// ---- beginning ----
function limits() {
  const { maxBytes, maxFiles } = find("upload")?.dataset ?? {};
  return { bytes: Number(maxBytes) || Infinity, files: Number(maxFiles) || Infinity };
}

/**
 * Whether all bytes are at the server.
 *
 * @param {Job} mine
 */
const isRead = ({ state }) => state === "reading" || state === "stopping";

/** @param {readonly Named[]} items */
export function add(items) {
  const kind = "error";
  if (!items.length) {
    const sentences = ["The selection contains no files."];
    return messages.post({ kind, title: "Nothing to add.", items: sentences });
  }
  const open = job && !isRead(job) ? job.items : [];
  const bytes = [...open, ...items].reduce((sum, { file }) => sum + file.size, 0);
  const count = open.length + items.length;
  const limit = limits();
  if (count > limit.files || bytes > limit.bytes) {
    const sentence =
      `${plural(count, "file")} (${megabytes(bytes)}) selected; the limit is` +
      ` ${plural(limit.files, "file")} and ${megabytes(limit.bytes)} per upload.` +
      " Split them into several uploads.";
    const title = "Selection too large; nothing was uploaded.";
    return messages.post({ kind, title, items: [sentence], counts: { refused: count } });
  }
  if (!job) return begin(items);
  if (isRead(job)) return void waiting.push(...items);
  const names = new Set(job.items.map(({ name }) => name));
  job.items.push(...items.filter(({ name }) => !names.has(name)).map(pending));
  pump();
}

/**
 * @param {Named} named
 * @returns {Item}
 */
const pending = ({ file, name }) => ({ file, name, sent: 0, state: "waiting", tries: 0 });

/** @param {readonly Named[]} items */
function begin(items) {
  messages.clear();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  job = {
    batch: [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    items: items.map(pending),
    failures: [],
    state: "sending",
    running: new Set(),
    startedAt: performance.now(),
    current: items[0].name,
  };
  pump();
}

// ---- sending ----
function pump() {
  const mine = job;
  if (!mine || mine.state !== "sending") return;
  for (const item of mine.items) {
    if (mine.running.size >= PARALLEL) break;
    if (item.state === "waiting") send(mine, item);
  }
  const isOver = mine.items.every(({ state }) => state === "done" || state === "rejected");
  if (!mine.running.size && isOver) void finish(mine);
  changed();
}

/**
 * @param {Job} mine
 * @param {Item} item
 */
function send(mine, item) {
  item.state = "sending";
  const request = new XMLHttpRequest();
  mine.running.add(request);
  request.open("PUT", `/api/uploads/${mine.batch}/files?name=${encodeURIComponent(item.name)}`);
  request.setRequestHeader("X-Overread", HEADERS["X-Overread"]);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.upload.onprogress = (event) => {
    item.sent = Math.min(event.loaded, item.file.size);
    mine.current = item.name;
    events.emit("moved");
  };
  request.onloadend = () => {
    mine.running.delete(request);
    if (mine !== job || mine.state === "cancelled") return;
    void settle(mine, item, request);
  };
  request.send(item.file);
}

/**
 * @param {Job} mine
 * @param {Item} item
 * @param {XMLHttpRequest} request
 */
async function settle(mine, item, request) {
  const { status } = request;
  if (status >= 200 && status < 300) {
    item.state = "done";
    item.sent = item.file.size;
  } else if (status >= 400 && status < 500) {
    const rejected = `${item.name} was rejected by the server.`;
    reject(mine, item, sentenceOf(request.responseText) || rejected);
  } else if (!(await isReadable(item.file))) {
    const why = "can no longer be read on this computer; it may have been moved or changed.";
    reject(mine, item, `${item.name} ${why}`);
  } else if (item.tries < MOST_TRIES) {
    item.sent = 0;
    item.state = "pausing";
    const again = () => {
      if (item.state === "pausing") item.state = "waiting";
      pump();
    };
    setTimeout(again, pauseOf(item.tries++));
  } else {
    item.sent = 0;
    item.state = "failed";
    mine.state = "lost";
  }
  pump();
  changed();
}

/**
 * @param {Job} mine
 * @param {Item} item
 * @param {string} message
 */
function reject(mine, item, message) {
  item.state = "rejected";
  item.sent = item.file.size;
  mine.failures.push(message);
}

/** @param {string} text A response's body. */
function sentenceOf(text) {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : "";
  } catch {
    return "";
  }
}

/** @param {File} file */
const isReadable = (file) =>
  file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );

/** @param {Job} mine */
async function finish(mine) {
  mine.state = "reading";
  changed();
  const answer = await ask(`/api/uploads/${mine.batch}/finish`, { method: "POST" });
  if (mine !== job) return;
  if (!answer.status || answer.status >= 500) {
    mine.state = "lost";
    return changed();
  }
  job = null;
  const message = answer.body.error || "The server could not read the upload.";
  if (answer.status === CONFLICT) reportCancelled(mine);
  else report(mine, answer.status < 400 ? answer.body : { errors: [{ message }] });
  if (waiting.length) begin(waiting.splice(0));
  changed();
}

/**
 * @param {Job} mine
 * @param {Outcome} outcome
 */
function report(mine, { studies = [], errors = [], notices = [], files = 0 }) {
  const unreadable = errors.map((error) => String(error.message || error.source));
  const rejected = [...mine.failures, ...unreadable];
  if (rejected.length) {
    const all = files ? files + mine.failures.length : mine.items.length;
    const title = rejectedWords(rejected.length, all, studies.length > 0);
    const items = rejected.slice(0, MOST_SENTENCES);
    messages.post({ kind: "error", title, items, counts: { rejected: rejected.length } });
  } else if (!studies.length) {
    const title = "No study was found in these files.";
    messages.post({ kind: "error", title, items: [], counts: { rejected: 0 } });
  }
  if (notices.length) {
    const counts = { notices: notices.length };
    messages.post({ kind: "info", title: "Some files were skipped.", items: [...notices], counts });
  }
  if (!studies.length) return;
  const only = studies.length === 1 ? studies[0] : null;
  const added = studies.filter((study) => study.new).length;
  const known = studies.length - added;
  const ids = studies.map((study) => study.study_id);
  messages.post({
    kind: "info",
    title: addedWords(only ? only.case_id || "The study" : "", added, known),
    items: [],
    counts: { added, known },
    studies: ids,
    link: only && {
      href: `/review?study=${encodeURIComponent(only.study_id)}`,
      words: "Open study",
    },
  });
  additions.emit("added", ids);
}

/**
 * How many files could not be added, in a sentence.
 *
 * @param {number} rejected
 * @param {number} files
 * @param {boolean} isPart Whether other files were added.
 */
function rejectedWords(rejected, files, isPart) {
  if (!isPart && rejected >= files)
    return files === 1
      ? "The file could not be added."
      : `None of the ${plural(files, "file")} could be added.`;
  const of = plural(Math.max(files, rejected), "file");
  return `${rejected.toLocaleString("en")} of ${of} could not be added.`;
}

/**
 * "X was added.", "X is already in the worklist.", "3 studies were added, 1 study is already in the
 * worklist."
 *
 * @param {string} name Name of the only study, "" where there are several.
 * @param {number} added
 * @param {number} known Studies that the worklist had before.
 */
function addedWords(name, added, known) {
  const count = (/** @type {number} */ number) =>
    name || plural(number, "study").replace("studys", "studies");
  const parts = [];
  if (added) parts.push(`${count(added)} ${added === 1 ? "was" : "were"} added`);
  if (known) parts.push(`${count(known)} ${known === 1 ? "is" : "are"} already in the worklist`);
  return `${parts.join(", ")}.`;
}

/** Retries an upload that was lost. */
export function retry() {
  if (job?.state !== "lost") return;
  job.state = "sending";
  for (const item of job.items)
    if (item.state === "failed" || item.state === "pausing")
      Object.assign(item, { state: "waiting", tries: 0 });
  pump();
}

/** Cancels the upload, whether its bytes are on their way or are being read by the server. */
export function cancel() {
  if (!job || job.state === "stopping") return;
  const mine = job;
  if (mine.state === "reading") {
    mine.state = "stopping"; // the server may be done before it is asked
    void ask(`/api/uploads/${mine.batch}`, { method: "DELETE" });
    return changed();
  }
  mine.state = "cancelled";
  job = null;
  for (const request of mine.running) request.abort();
  void ask(`/api/uploads/${mine.batch}`, { method: "DELETE" });
  reportCancelled(mine);
}

/** @param {Job} mine */
function reportCancelled(mine) {
  const title = "The upload was cancelled.";
  const items = ["No files were added."];
  messages.post({ kind: "info", title, items, counts: { cancelled: mine.items.length } });
}

export function start() {
  window.addEventListener("beforeunload", (event) => {
    if (job) event.preventDefault();
  });
}
