// @ts-check
/**
 * Adding studies (dashboard/pages/worklist/upload.py): each file is streamed in a PUT of its own,
 * three at a time; then the server reads them all. The upload lives here, not in the page: it goes
 * on while the reader looks at other pages.
 */

/** @import { Named } from "./upload_files.js" */

import { find } from "../frame/dom.js";
import { Events } from "../frame/events.js";
import { ask, HEADERS, pauseOf } from "../frame/server.js";
import { megabytes, plural } from "./upload_files.js";
import * as messages from "./upload_messages.js";

/**
 * A file that is sent.
 *
 * @typedef {object} Item
 * @property {File} file
 * @property {string} name
 * @property {number} sent Bytes.
 * @property {"waiting" | "sending" | "pausing" | "done" | "left out" | "failed"} state
 * @property {number} tries
 */

/**
 * @typedef {object} Job
 * @property {string} batch
 * @property {Item[]} items
 * @property {string[]} failures Sentences.
 * @property {"sending" | "reading" | "lost" | "cancelled"} state
 * @property {Set<XMLHttpRequest>} running
 * @property {number} startedAt
 * @property {string} current Name of the file that moves.
 */

/** @typedef {{ study_id: string, case_id: string, new: boolean }} Added */

/**
 * What the server makes of an upload.
 *
 * @typedef {object} Outcome
 * @property {readonly Added[]} [studies]
 * @property {readonly { message?: string, source?: string }[]} [errors]
 * @property {readonly string[]} [notices] On files that were passed over.
 * @property {number} [files] How many were found; what archives hold counts.
 */

const PARALLEL = 3;
const MOST_TRIES = 3; // of a file after the first one
const MOST_SENTENCES = 500;
/** @type {Job | null} */
let job = null;
/** @type {Named[]} chosen while the server was still reading */
const waiting = [];

/** @type {Events<"change" | "moved", void>} */
const events = new Events();
/** @type {Events<"added", readonly string[]>} */
const additions = new Events();
/** Listens: another state (change), some bytes more (moved). */
export const { on } = events;
/** Listens to the ids of studies that were added. */
export const onAdded = (/** @type {(ids: readonly string[]) => void} */ run) =>
  additions.on("added", run);

/** The upload that goes on, or null. */
export const current = () => job;

const changed = () => events.emit("change");

// ---- beginning ----
function limits() {
  const { maxBytes, maxFiles } = find("upload")?.dataset ?? {};
  return { bytes: Number(maxBytes) || Infinity, files: Number(maxFiles) || Infinity };
}

/** @param {readonly Named[]} items */
export function add(items) {
  const kind = "error";
  if (!items.length) {
    const sentences = ["There is no file in what was chosen."];
    return messages.say({ kind, title: "Nothing to add.", items: sentences });
  }
  const open = job && job.state !== "reading" ? job.items : [];
  const bytes = [...open, ...items].reduce((sum, { file }) => sum + file.size, 0);
  const count = open.length + items.length;
  const limit = limits();
  if (count > limit.files || bytes > limit.bytes) {
    const sentence =
      `${plural(count, "file")} with ${megabytes(bytes)} are more than one upload may hold` +
      ` (${plural(limit.files, "file")}, ${megabytes(limit.bytes)}). Add them in parts.`;
    return messages.say({ kind, title: "Nothing was sent.", items: [sentence] });
  }
  if (!job) return begin(items);
  if (job.state === "reading") return void waiting.push(...items);
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
  const isOver = mine.items.every(({ state }) => state === "done" || state === "left out");
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
    const refused = `${item.name} was refused by the server.`;
    leaveOut(mine, item, sentenceOf(request.responseText) || refused);
  } else if (!(await isReadable(item.file))) {
    const why = "can no longer be read on this computer; it may have been moved or changed.";
    leaveOut(mine, item, `${item.name} ${why}`);
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
function leaveOut(mine, item, message) {
  item.state = "left out";
  item.sent = item.file.size;
  mine.failures.push(message);
}

/** @param {string} text An answer's body. */
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
  const refused = answer.body.error || "The server could not read the upload.";
  report(mine, answer.status < 400 ? answer.body : { errors: [{ message: refused }] });
  if (waiting.length) begin(waiting.splice(0));
  changed();
}

/**
 * @param {Job} mine
 * @param {Outcome} outcome
 */
function report(mine, { studies = [], errors = [], notices = [], files = 0 }) {
  const refused = errors.map((error) => String(error.message || error.source));
  const left = [...mine.failures, ...refused];
  if (left.length) {
    const all = files ? files + mine.failures.length : mine.items.length;
    const title = leftOut(left.length, all, studies.length > 0);
    messages.say({ kind: "error", title, items: left.slice(0, MOST_SENTENCES) });
  } else if (!studies.length) {
    messages.say({ kind: "error", title: "No study was found in what was added.", items: [] });
  }
  if (notices.length)
    messages.say({ kind: "info", title: "Some files were passed over.", items: [...notices] });
  if (!studies.length) return;
  const only = studies.length === 1 ? studies[0] : null;
  const added = studies.filter((study) => study.new).length;
  const ids = studies.map((study) => study.study_id);
  messages.say({
    kind: "info",
    title: outcome(only ? only.case_id || "The study" : "", added, studies.length - added),
    items: [],
    studies: ids,
    link: only && {
      href: `/review?study=${encodeURIComponent(only.study_id)}`,
      words: "Open it",
    },
  });
  additions.emit("added", ids);
}

/**
 * How many files were left out, in a sentence.
 *
 * @param {number} left
 * @param {number} files
 * @param {boolean} isPart Whether others were not.
 */
function leftOut(left, files, isPart) {
  if (!isPart && left >= files)
    return files === 1 ? "The file was left out." : `All ${plural(files, "file")} were left out.`;
  const of = plural(Math.max(files, left), "file");
  return `${left.toLocaleString("en")} of ${of} ${left === 1 ? "was" : "were"} left out.`;
}

/**
 * "X was added.", "X is here already.", "3 studies were added, 1 study is here already."
 *
 * @param {string} name Of the only one, "" where there are several.
 * @param {number} added
 * @param {number} known
 */
function outcome(name, added, known) {
  const count = (/** @type {number} */ number) =>
    name || plural(number, "study").replace("studys", "studies");
  const parts = [];
  if (added) parts.push(`${count(added)} ${added === 1 ? "was" : "were"} added`);
  if (known) parts.push(`${count(known)} ${known === 1 ? "is" : "are"} here already`);
  return `${parts.join(", ")}.`;
}

/** Tries again after the server did not answer. */
export function retry() {
  if (job?.state !== "lost") return;
  job.state = "sending";
  for (const item of job.items)
    if (item.state === "failed" || item.state === "pausing")
      Object.assign(item, { state: "waiting", tries: 0 });
  pump();
}

export function cancel() {
  if (!job || job.state === "reading") return;
  const mine = job;
  mine.state = "cancelled";
  job = null;
  for (const request of mine.running) request.abort();
  void ask(`/api/uploads/${mine.batch}`, { method: "DELETE" });
  const title = "The upload was cancelled.";
  messages.say({ kind: "info", title, items: ["Nothing of it was kept."] });
}

export function start() {
  window.addEventListener("beforeunload", (event) => {
    if (job) event.preventDefault();
  });
}
