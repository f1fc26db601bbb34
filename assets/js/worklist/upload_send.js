// @ts-check
/**
 * Adding studies (dashboard/pages/worklist/upload.py): the files of a selection are sent three at a
 * time (frame/file_transfer.js); then the server reads them all. The upload is held here and not by
 * the page, so that it continues while the reader visits other pages. Its name is stored for the
 * tab: after a reload, the same files continue where they were.
 */

/** @import { Named } from "../frame/chosen_files.js" */

import { find } from "../frame/dom.js";
import { Events } from "../frame/events.js";
import { newBatch, sendFile } from "../frame/file_transfer.js";
import { ask, pauseOf } from "../frame/server.js";
import { further, megabytes } from "../frame/chosen_files.js";
import { counted, digits } from "../frame/number_words.js";
import * as messages from "./upload_messages.js";

/**
 * A file of the upload.
 *
 * @typedef {object} Item
 * @property {File} file
 * @property {string} name
 * @property {number} sent Bytes.
 * @property {"waiting" | "sending" | "pausing" | "done" | "rejected"} state
 * @property {number} tries Attempts that failed since a byte was stored.
 * @property {string} address Of what has arrived of it, "" if nothing has.
 * @property {() => void} again Ends its pause.
 */

/**
 * @typedef {object} Job
 * @property {string} batch
 * @property {Item[]} items
 * @property {string[]} failures Sentences.
 * @property {"looking" | "sending" | "reading" | "stopping" | "cancelled"} state "looking": for
 *   files that arrived before a reload; "stopping": the server is asked not to add what it reads.
 * @property {AbortController} stop
 * @property {number} running Files that are being sent.
 * @property {number} asked How often the server was asked in vain to read the files.
 * @property {() => void} again Ends the pause before it is asked again.
 * @property {number} startedAt
 * @property {number} heldAtStart Bytes that had arrived before.
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
const MOST_TRIES = 3; // after which the server counts as away; it is asked again nevertheless
const MOST_SENTENCES = 500;
const STORED = "overread.upload.open";
const MISSING = 409; // fewer files have arrived than were sent
const CANCELLED = 410;
const BUSY = 423; // the server is reading the files already
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

/**
 * Whether the server has not answered for some time.
 *
 * @param {Job} mine
 */
export const isAway = ({ items, asked }) =>
  asked > MOST_TRIES || items.some(({ state, tries }) => state === "pausing" && tries > MOST_TRIES);

/**
 * Adds the files of a selection to the upload, or begins one.
 *
 * @param {readonly Named[]} items
 * @param {readonly string[]} [unread] Names of files that the browser could not read.
 */
export function add(items, unread = []) {
  const kind = "error";
  if (unread.length) {
    const title = `${counted(unread.length, "file")} could not be read on this computer.`;
    const names = unread.slice(0, MOST_SENTENCES);
    messages.post({ kind, title, items: names, counts: { unread: unread.length } });
  }
  if (!items.length && unread.length) return;
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
      `${counted(count, "file")} (${megabytes(bytes)}) selected; the limit is` +
      ` ${counted(limit.files, "file")} and ${megabytes(limit.bytes)} per upload.` +
      " Split them into several uploads.";
    const title = "Selection too large; nothing was uploaded.";
    return messages.post({ kind, title, items: [sentence], counts: { refused: count } });
  }
  if (!job) return begin(items);
  if (isRead(job)) return void waiting.push(...further(waiting, items));
  job.items.push(...further(job.items, items).map(pending));
  pump();
}

/**
 * @param {Named} named
 * @returns {Item}
 */
const pending = ({ file, name }) => ({
  file,
  name,
  sent: 0,
  state: "waiting",
  tries: 0,
  address: "",
  again: () => {},
});

/** @param {readonly Named[]} items */
function begin(items) {
  messages.clear();
  const mine = /** @type {Job} */ ({
    batch: newBatch(),
    items: items.map(pending),
    failures: [],
    state: "looking",
    stop: new AbortController(),
    running: 0,
    asked: 0,
    again: () => {},
    startedAt: performance.now(),
    heldAtStart: 0,
    current: items[0].name,
  });
  job = mine;
  void findArrived(mine).then(() => {
    if (mine !== job || mine.state !== "looking") return;
    mine.state = "sending";
    mine.startedAt = performance.now();
    store(mine.batch);
    pump();
  });
  changed();
}

// ---- after a reload ----
/** @param {string} batch Name of the upload in progress, "" without one. */
function store(batch) {
  try {
    if (batch) sessionStorage.setItem(STORED, batch);
    else sessionStorage.removeItem(STORED);
  } catch {
    // storage is blocked: after a reload the files are sent from their beginning
  }
}

function stored() {
  try {
    return sessionStorage.getItem(STORED) ?? "";
  } catch {
    return "";
  }
}

/**
 * Continues the upload that a reload interrupted, if one of the files is among its own. What else
 * it holds is deleted: only what is chosen now is added.
 *
 * @param {Job} mine
 */
async function findArrived(mine) {
  const batch = stored();
  if (!batch) return;
  const { ok, body } = await ask(`/api/uploads/${batch}/files`);
  /** @type {{ address: string, name: string, stated: { modified?: string }, length: number,
      offset: number }[]} */
  const arrived = ok ? body.files : [];
  const byName = new Map(mine.items.map((item) => [item.name, item]));
  const isSame = (/** @type {(typeof arrived)[number]} */ one) => {
    const file = byName.get(one.name)?.file;
    return file?.size === one.length && String(file.lastModified) === one.stated.modified;
  };
  if (!arrived.some(isSame)) return;
  mine.batch = batch;
  for (const one of arrived) {
    const item = byName.get(one.name);
    if (item && isSame(one)) {
      item.address = one.address;
      item.sent = one.offset;
      item.state = one.offset === one.length ? "done" : "waiting";
      mine.heldAtStart += one.offset;
    } else {
      const headers = { "X-Overread": "1", "Tus-Resumable": "1.0.0" };
      await ask(one.address, { method: "DELETE", headers });
    }
  }
}

// ---- sending ----
function pump() {
  const mine = job;
  if (!mine || mine.state !== "sending") return;
  for (const item of mine.items) {
    if (mine.running >= PARALLEL) break;
    if (item.state === "waiting") void send(mine, item);
  }
  const isOver = mine.items.every(({ state }) => state === "done" || state === "rejected");
  if (!mine.running && isOver) void finish(mine);
  changed();
}

/**
 * @param {Job} mine
 * @param {Item} item
 */
async function send(mine, item) {
  item.state = "sending";
  mine.running++;
  const { file, name, address } = item;
  const outcome = await sendFile(
    { batch: mine.batch, file, name, address },
    {
      signal: mine.stop.signal,
      onMoved: (bytes) => {
        item.state = "sending";
        item.sent = Math.min(bytes, file.size);
        mine.current = name;
        events.emit("moved");
      },
      onPause: (tries, again) => {
        Object.assign(item, { state: "pausing", tries, again });
        changed();
      },
    },
  );
  mine.running--;
  if (mine !== job || mine.state === "cancelled") return;
  item.address = outcome.address;
  item.sent = file.size;
  item.tries = 0;
  item.state = outcome.ok ? "done" : "rejected";
  if (!outcome.ok) mine.failures.push(outcome.sentence || `${name} was rejected by the server.`);
  pump();
}

/**
 * @param {Job} mine
 * @returns {Promise<void>}
 */
async function finish(mine) {
  if (mine.state !== "stopping") mine.state = "reading";
  changed();
  const files = mine.items.filter(({ state }) => state === "done").length;
  const body = JSON.stringify({ files });
  const answer = await ask(`/api/uploads/${mine.batch}/finish`, { method: "POST", body });
  if (mine !== job) return;
  const { status } = answer;
  if (!status || status >= 500 || status === BUSY) {
    if (status !== BUSY) mine.asked++;
    changed();
    await new Promise((resolve) => {
      mine.again = () => resolve(null);
      setTimeout(resolve, pauseOf(mine.asked));
    });
    if (mine === job) await finish(mine);
    return;
  }
  mine.asked = 0;
  if (status === MISSING && mine.state === "reading") return sendMissing(mine);
  job = null;
  store("");
  const message = answer.body.error || "The server could not read the upload.";
  if (status === CANCELLED) reportCancelled(mine);
  else report(mine, status < 400 ? answer.body : { errors: [{ message }] });
  if (waiting.length) begin(waiting.splice(0));
  changed();
}

/**
 * Asks for every file again: the server that answers may not be the one that received them.
 *
 * @param {Job} mine
 */
function sendMissing(mine) {
  for (const item of mine.items) if (item.state === "done") item.state = "waiting";
  mine.state = "sending";
  pump();
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
      : `None of the ${counted(files, "file")} could be added.`;
  const of = counted(Math.max(files, rejected), "file");
  return `${digits(rejected)} of ${of} could not be added.`;
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
  const count = (/** @type {number} */ number) => name || counted(number, "study", "studies");
  const parts = [];
  if (added) parts.push(`${count(added)} ${added === 1 ? "was" : "were"} added`);
  if (known) parts.push(`${count(known)} ${known === 1 ? "is" : "are"} already in the worklist`);
  return `${parts.join(", ")}.`;
}

/** Ends all pauses: the server is asked at once. */
export function retry() {
  job?.again();
  for (const item of job?.items ?? []) if (item.state === "pausing") item.again();
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
  store("");
  mine.stop.abort();
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
  if (stored()) {
    const title = "An upload was interrupted.";
    const items = ["Choose the same files again: what has arrived is not sent again."];
    messages.post({ kind: "info", title, items, counts: { interrupted: 1 } });
  }
  window.addEventListener("beforeunload", (event) => {
    if (job) event.preventDefault();
  });
}
