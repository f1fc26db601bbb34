// @ts-check
/**
 * The reading of the study in view, on the server: who has the study, the decision, notes, lesions,
 * key images and the marked slices that were on screen. There is one for all readers of a study,
 * with a revision; nothing that another window recorded is overwritten. A signed study is locked
 * (viewer/lock.js) except for the reader who amends it, which the server knows.
 *
 * The server side is dashboard/api/decisions.py.
 */

/** @import { Session } from "../viewer/session.js" */

import * as correctionStore from "../correct/correction_store.js";
import { all, Events } from "../frame/events.js";
import { ask, HEADERS, isFinal, KEEPALIVE_BYTES, NO_ANSWER, pauseOf } from "../frame/server.js";
import * as measureStore from "../measure/measure_store.js";
import * as lock from "../viewer/lock.js";
import * as viewer from "../viewer/viewer.js";

/** @typedef {"accept" | "accept with changes" | "reject" | "cannot assess"} Verdict */

/**
 * @typedef {object} Decision
 * @property {Verdict} verdict
 * @property {string | null} reason
 * @property {string} comment
 * @property {string | null} difficulty
 * @property {{ author: string, at: string }} [by]
 */

/**
 * @typedef {object} LesionReading
 * @property {string} key
 * @property {string | null} verdict
 * @property {string | null} location
 * @property {string} comment
 */

/**
 * @typedef {object} KeyImage
 * @property {string} id
 * @property {number} k
 * @property {number} channel
 * @property {[number, number]} window
 * @property {string[]} layers
 * @property {string} caption
 * @property {{ author: string }} [by]
 */

/**
 * @typedef {object} RecordLine
 * @property {number} number
 * @property {string} author
 * @property {string} signed_at
 * @property {Verdict} verdict
 * @property {string} reason
 * @property {string} digest
 */

/**
 * @typedef {object} Comparison
 * @property {string} study_id
 * @property {string} study_date
 * @property {boolean} registered
 * @property {number | null} volume_ml
 * @property {number | null} prior_volume_ml
 * @property {{ lesions: number[], prior_lesions: number[], volume_ml: number | null,
 *   prior_volume_ml: number | null }[]} lesions
 */

/**
 * The reading as the server sends it.
 *
 * @typedef {object} Reading
 * @property {"new" | "analysed" | "in review" | "read" | "signed" | "amended"} state
 * @property {boolean} stat
 * @property {number} revision
 * @property {Decision | null} decision
 * @property {LesionReading[]} lesions
 * @property {string} notes
 * @property {KeyImage[]} key_images
 * @property {number[]} slices_shown
 * @property {Comparison | null} comparison
 * @property {{ author: string, own: boolean, until: string } | null} claim
 * @property {string} changed_by
 * @property {RecordLine[]} records
 */

/** @typedef {Pick<Reading, "notes" | "lesions" | "key_images">} Recorded What a page changes. */

/**
 * @typedef {object} Doc
 * @property {string} id Of the study.
 * @property {Reading | null} reading Null until it is loaded.
 * @property {string[]} others Readers who have the study open, too.
 * @property {Partial<Recorded>} changed Not sent yet.
 * @property {Set<number>} seen Marked slices that were on screen and are not sent yet.
 * @property {Promise<unknown>} entering Ends with the first answer to whether the study is open.
 * @property {number} entries How often the server was asked for it to be opened.
 * @property {Promise<unknown>} sending
 * @property {number} timer
 * @property {number} beat
 * @property {number} tries
 * @property {string} words Why something is not saved, in a sentence, or "".
 * @property {string} refused Field for which a decision or signature was refused last, or "".
 * @property {string} token Of the signature that is under way.
 */

const QUIET_MS = 700; // after the last change
const BEAT_MS = 30000;
const PATIENCE_MS = 20000;
const WINDOWS = "overread.readings";
const UNSETTLED = "The mask in view is not saved. Choose which draft to keep first.";
/** @type {Doc | null} of the study in view */
let doc = null;

/** @type {Events<"change">} */
const events = new Events();
/** Listens to changes of the reading and of its saving status. */
export const on = (/** @type {() => void} */ run) => events.on("change", run);

/** The reading of the study in view; null until it is loaded. */
export const now = () => doc && (doc.reading ? shown(doc) : null);

/** Other readers who have the study open. */
export const others = () => doc?.others ?? [];

/** Why something is not saved, in a sentence, or "". */
export const words = () => doc?.words ?? "";
/** The field for which the last decision or signature was refused, or "". */
export const refusedField = () => doc?.refused ?? "";

/** @param {Doc} mine */
const shown = (mine) => ({ .../** @type {Reading} */ (mine.reading), ...mine.changed });

/** Whether the reader amends the signed study in view. */
export const isAmending = () => Boolean(doc && amends(doc));

/** @param {Doc} mine */
const amends = ({ reading }) =>
  Boolean(reading && isSignedState(reading.state) && reading.claim?.own);

/** Whether the study is signed. */
export const isSigned = () => Boolean(doc?.reading && isSignedState(doc.reading.state));

/** @param {string} state */
export const isSignedState = (state) => state === "signed" || state === "amended";

/**
 * Slices above the operating point that were not on screen yet, from 0.
 *
 * @param {{ slices: readonly { tumor: boolean }[] } | null} result
 * @param {Iterable<number>} seen
 * @returns {number[]}
 */
export function unseen(result, seen) {
  const known = new Set(seen);
  return (result?.slices ?? []).flatMap(({ tumor }, k) => (tumor && !known.has(k) ? [k] : []));
}

/** Marked slices of the study in view that were not on screen yet. */
export function remaining() {
  const result = viewer.now?.study.result ?? null;
  return doc?.reading ? unseen(result, [...doc.reading.slices_shown, ...doc.seen]) : [];
}

/**
 * Merges what this window changed into what another one recorded since. Where both changed the
 * notes, both are kept.
 *
 * @param {Recorded} base As both windows have seen it.
 * @param {Recorded} theirs
 * @param {Partial<Recorded>} mine
 * @returns {Partial<Recorded>} What is to be recorded.
 */
export function merge(base, theirs, mine) {
  /** @type {Partial<Recorded>} */
  const merged = {};
  if (mine.notes !== undefined)
    merged.notes =
      theirs.notes === base.notes || theirs.notes === mine.notes
        ? mine.notes
        : [theirs.notes, mine.notes].filter(Boolean).join("\n");
  if (mine.lesions)
    merged.lesions = mergeList(base.lesions, theirs.lesions, mine.lesions, ({ key }) => key);
  if (mine.key_images)
    merged.key_images = mergeList(
      base.key_images,
      theirs.key_images,
      mine.key_images,
      ({ id }) => id,
    );
  return merged;
}

/**
 * @template Item
 * @param {readonly Item[]} base
 * @param {readonly Item[]} theirs
 * @param {readonly Item[]} mine
 * @param {(item: Item) => string} idOf
 * @returns {Item[]} Mine, with what they added; without what they removed and I left as it was.
 */
function mergeList(base, theirs, mine, idOf) {
  const [old, other] = [base, theirs].map((items) => new Map(items.map((it) => [idOf(it), it])));
  const own = new Set(mine.map(idOf));
  const same = (/** @type {unknown} */ a, /** @type {unknown} */ b) =>
    JSON.stringify(a) === JSON.stringify(b);
  const kept = mine.flatMap((item) => {
    const id = idOf(item);
    if (!same(item, old.get(id))) return [item];
    const found = other.get(id);
    return found ? [found] : [];
  });
  return [...kept, ...theirs.filter((item) => !own.has(idOf(item)) && !old.has(idOf(item)))];
}

/**
 * @param {Doc} mine
 * @param {string} rest
 * @param {RequestInit} options
 */
const request = (mine, rest, options) =>
  ask(`/api/studies/${mine.id}/${rest}`, {
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...options,
  });

/** @param {Doc} mine */
const changed = (mine) => {
  if (doc !== mine) return;
  lock.set(whyLocked(mine));
  events.emit("change");
};

/** @param {Doc} mine */
function whyLocked(mine) {
  const { reading } = mine;
  if (!reading || !isSignedState(reading.state) || amends(mine)) return "";
  return reading.claim
    ? `${reading.claim.author} is amending this study.`
    : "This study is signed. Choose Amend to change it.";
}

// ---- with the study ----
/** @param {Session} session */
function open({ study }) {
  doc = {
    id: study.study_id,
    reading: null,
    others: [],
    changed: {},
    seen: new Set(),
    entering: Promise.resolve(),
    entries: 0,
    sending: Promise.resolve(),
    timer: 0,
    beat: 0,
    tries: 0,
    words: "",
    refused: "",
    token: "",
  };
  doc.entering = enter(doc);
  changed(doc);
}

/** Waits for the reading of the study in view; it stays null where the server did not answer. */
export const entered = async () => void (await doc?.entering);

/**
 * Reports that the study is open here, and claims it if nobody else has it; a signed study only to
 * amend it.
 *
 * @param {Doc} mine
 * @param {{ isTaken?: boolean, isAmended?: boolean }} [options] isTaken: although another reader
 *   has it.
 * @returns {Promise<string>} Why the server does not know it, in a sentence, or "".
 */
async function enter(mine, { isTaken = false, isAmended = amends(mine) } = {}) {
  clearTimeout(mine.beat);
  const entry = ++mine.entries;
  const record = isAmended ? (mine.reading?.records[0]?.number ?? null) : null;
  const body = JSON.stringify({ take_over: isTaken, amends: record });
  const answer = await request(mine, "opening", { method: "POST", body });
  if (doc !== mine || entry !== mine.entries) return ""; // the answer to a later one counts
  if (answer.ok) {
    const isFirst = !mine.reading;
    const wasAmending = amends(mine);
    mine.reading = answer.body.reading;
    mine.others = answer.body.others;
    mine.tries = 0;
    if (isFirst) notice();
    changed(mine);
    if (!wasAmending && amends(mine)) sendLate(mine);
  } else if (isFinal(answer.status)) return answer.body.error || NO_ANSWER; // it was deleted
  const wait = answer.ok ? BEAT_MS : pauseOf(mine.tries++);
  mine.beat = setTimeout(() => void (doc === mine && enter(mine)), wait);
  return answer.ok ? "" : NO_ANSWER;
}

/**
 * Sends what was refused because an amendment had ended unnoticed, such as in a computer's sleep.
 *
 * @param {Doc} mine
 */
function sendLate(mine) {
  if (isDirty(mine)) schedule(mine);
  if (correctionStore.isDirty()) void correctionStore.saveNow();
  void measureStore.saveNow();
}

/** Claims the study, or an amendment of it, although another reader has it. */
export async function takeOver() {
  if (doc) await enter(doc, { isTaken: true, isAmended: true });
}

/**
 * Starts an amendment of the signed study in view.
 *
 * @returns {Promise<string>} Why it is not started, in a sentence, or "".
 */
export async function amend() {
  const mine = doc;
  if (!mine) return "";
  const error = await enter(mine, { isAmended: true });
  return error || (doc === mine ? whyLocked(mine) : "");
}

function close() {
  const mine = doc;
  if (!mine) return;
  doc = null;
  lock.set("");
  clearTimeout(mine.beat);
  clearTimeout(mine.timer);
  const isAmended = amends(mine);
  void queue(mine, () => flush(mine)).then(async () => {
    // what comes after the end of the amendment would be refused
    if (isAmended) await Promise.all([correctionStore.settled(mine.id), measureStore.settled()]);
    await leave(mine);
  });
}

/** @param {Doc} mine */
const leave = (mine) =>
  fetch(`/api/studies/${mine.id}/opening`, { method: "DELETE", headers: HEADERS, keepalive: true })
    .then(() => report(mine))
    .catch(() => undefined); // the claim then ends by itself

/**
 * Reports to the reader's other windows that this one has left a study: the server ends the
 * reader's claim, and a window that still has the study open claims it again.
 *
 * @param {Doc} mine
 */
function report({ id }) {
  const channel = new BroadcastChannel(WINDOWS);
  channel.postMessage(id);
  channel.close();
}

/** @param {MessageEvent} event */
function stay({ data }) {
  if (doc && doc.id === data) void enter(doc);
}

/** Somebody else may have taken the study over while its page was not in view. */
function returnToPage() {
  if (doc && !document.hidden) void enter(doc);
}

function leavePage() {
  const mine = doc;
  if (!mine) return;
  const body = JSON.stringify(envelope(mine));
  if (isDirty(mine) && body.length < KEEPALIVE_BYTES)
    void request(mine, "reading", { method: "PUT", body, keepalive: true, signal: null });
  // an amendment goes on after a reload, and what is still being sent belongs to it
  if (amends(mine)) return;
  void leave(mine);
  report(mine); // nothing comes after a closed page
}

// ---- what is recorded ----
/** Notes that the slice in view was on screen. */
function notice() {
  const mine = doc;
  if (!mine?.reading || lock.isLocked() || !viewer.now?.painted) return;
  const { k, study } = viewer.now;
  if (!study.result?.slices[k]?.tumor) return;
  if (mine.reading.slices_shown.includes(k) || mine.seen.has(k)) return;
  mine.seen.add(k);
  schedule(mine);
  changed(mine);
}

/**
 * Changes notes, lesions or key images, here at once and on the server shortly after.
 *
 * @param {Partial<Recorded>} fields
 */
export function change(fields) {
  if (!doc?.reading || lock.refuse()) return;
  doc.changed = { ...doc.changed, ...fields };
  schedule(doc);
  changed(doc);
}

/** @param {Doc} mine */
function schedule(mine) {
  clearTimeout(mine.timer);
  mine.timer = setTimeout(() => void queue(mine, () => flush(mine)), QUIET_MS);
}

/**
 * Requests are sent one after the other: each names the revision that the one before returned.
 *
 * @template Found
 * @param {Doc} mine
 * @param {() => Promise<Found>} run
 * @returns {Promise<Found>}
 */
function queue(mine, run) {
  const found = mine.sending.then(run);
  mine.sending = found.catch(() => undefined);
  return found;
}

/** @param {Doc} mine */
const isDirty = (mine) => Boolean(mine.seen.size || Object.keys(mine.changed).length);

/** Whether the server has all that was changed here. */
export const isSaved = () => Boolean(doc && !isDirty(doc));

/**
 * Sends now what was changed.
 *
 * @returns {Promise<boolean>} Whether the server has all of it.
 */
export async function saveNow() {
  const mine = doc;
  if (mine && isDirty(mine)) await queue(mine, () => flush(mine));
  return isSaved();
}

/** @param {Doc} mine */
const envelope = (mine) => ({
  revision: mine.reading?.revision ?? 0,
  ...mine.changed,
  key_images: mine.changed.key_images?.map((image) => ({ ...image, by: undefined })),
  slices_shown: [...mine.seen],
});

/**
 * Sends what has changed; once more if another window was faster.
 *
 * @param {Doc} mine
 * @param {boolean} [isAgain]
 * @returns {Promise<boolean>} Whether the server has all of it.
 */
async function flush(mine, isAgain = false) {
  clearTimeout(mine.timer);
  const base = mine.reading;
  if (!base || !isDirty(mine)) return Boolean(base);
  const sent = { changed: mine.changed, seen: [...mine.seen] };
  const body = JSON.stringify(envelope(mine));
  const answer = await request(mine, "reading", { method: "PUT", body });
  if (answer.ok) {
    mine.reading = answer.body;
    if (mine.changed === sent.changed) mine.changed = {};
    sent.seen.forEach((k) => mine.seen.delete(k));
    mine.tries = 0;
    say(mine, "");
    return true;
  }
  if (answer.status === 409 && answer.body.reading) {
    mine.reading = answer.body.reading;
    mine.changed = merge(base, answer.body.reading, mine.changed);
    const isOwn = answer.body.reading.claim?.own ?? true;
    if (isOwn && !isAgain) return flush(mine, true);
  }
  say(mine, answer.body.error || `${NO_ANSWER} Your entry is not saved yet.`);
  if (!isFinal(answer.status) && doc === mine)
    mine.timer = setTimeout(() => void queue(mine, () => flush(mine)), pauseOf(mine.tries++));
  return false;
}

/**
 * @param {Doc} mine
 * @param {string} text
 */
function say(mine, text) {
  mine.words = text;
  changed(mine);
}

/** The mask in view as requests describe it that store nothing of it. */
async function maskInView() {
  const { based_on, mask } = await correctionStore.describeView();
  return { based_on, mask };
}

/**
 * Records a decision, or withdraws the recorded one.
 *
 * @param {Decision | null} decision
 * @returns {Promise<string>} Why it is not recorded, in a sentence, or "".
 */
export function decide(decision) {
  const mine = doc;
  if (!mine) return Promise.resolve("");
  return queue(mine, async () => {
    mine.refused = "";
    if (!(await flush(mine))) return mine.words || NO_ANSWER;
    const fields = decision ?? { verdict: null };
    const revision = mine.reading?.revision;
    const view = decision?.verdict === "accept" ? await maskInView() : undefined;
    const body = JSON.stringify({ ...fields, by: undefined, revision, view });
    const answer = await request(mine, "decision", { method: "PUT", body });
    return settle(mine, answer);
  });
}

/**
 * What the open amendment has changed, once the server has all of it.
 *
 * @returns {Promise<{ error: string, changes: string[] }>} The error is a sentence, or "".
 */
export async function amended() {
  const mine = doc;
  if (!mine) return { error: "", changes: [] };
  const [isRecorded, isDrawn] = await Promise.all([saveNow(), correctionStore.saveNow()]);
  await measureStore.saveNow();
  if (!isRecorded) return { error: mine.words || NO_ANSWER, changes: [] };
  if (!isDrawn) return { error: correctionStore.status().sentence || UNSETTLED, changes: [] };
  const answer = await request(mine, "amendment", {});
  if (answer.ok) return { error: "", changes: answer.body.changes };
  return { error: answer.body.error || NO_ANSWER, changes: [] };
}

/**
 * Ends the open amendment: everything returns to what was signed. The study is to be opened again.
 *
 * @returns {Promise<string>} Why it was not discarded, in a sentence, or "".
 */
export function discard() {
  const mine = doc;
  if (!mine) return Promise.resolve("");
  return queue(mine, async () => {
    const body = JSON.stringify({ revision: mine.reading?.revision });
    return settle(mine, await request(mine, "amendment", { method: "DELETE", body }));
  });
}

/**
 * Records that what is in view was compared with a prior.
 *
 * @param {string} prior
 * @param {boolean} registered Whether it is shown registered.
 * @returns {Promise<string>} Why it is not recorded, in a sentence, or "".
 */
export function compare(prior, registered) {
  const mine = doc;
  if (!mine) return Promise.resolve("");
  return queue(mine, async () => {
    if (!(await flush(mine))) return mine.words || NO_ANSWER;
    const view = await maskInView();
    const body = JSON.stringify({ ...view, registered, revision: mine.reading?.revision });
    const answer = await request(mine, `priors/${prior}/comparison`, { method: "PUT", body });
    return settle(mine, answer);
  });
}

/**
 * Takes the server's answer to a decision or a signature.
 *
 * @param {Doc} mine
 * @param {import("../frame/server.js").Answer} answer
 */
function settle(mine, answer) {
  if (answer.ok) mine.reading = answer.body;
  else if (answer.body.reading) mine.reading = answer.body.reading;
  const sentence = answer.ok ? "" : answer.body.error || NO_ANSWER;
  mine.refused = (!answer.ok && answer.body.field) || "";
  say(mine, mine.refused ? "" : sentence); // what the reader must change is not unsaved
  return sentence;
}

/**
 * Signs what is in view, or amends what was signed. After a lost answer, the next try is the same
 * request: it signs nothing twice.
 *
 * @param {string} [reason] Why a signed study is amended.
 * @returns {Promise<string>} Why it is not signed, in a sentence, or "".
 */
export function sign(reason = "") {
  const mine = doc;
  if (!mine) return Promise.resolve("");
  return queue(mine, async () => {
    mine.refused = "";
    if (!(await flush(mine))) return mine.words || NO_ANSWER;
    mine.token ||= newToken();
    await measureStore.saveNow();
    const view = await correctionStore.describeView();
    const body = JSON.stringify({
      ...view,
      reading: mine.reading?.revision,
      token: mine.token,
      amends: mine.reading?.records[0]?.number ?? null,
      reason,
    });
    const answer = await request(mine, "records", { method: "POST", body });
    if (isFinal(answer.status)) mine.token = "";
    if (!answer.ok) return settle(mine, answer);
    return settle(mine, await request(mine, "reading", {}));
  });
}

function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Lines of the study's history, the oldest first; null if the server does not answer. */
export async function history() {
  if (!doc) return null;
  const answer = await request(doc, "history", {});
  return answer.ok ? answer.body.events : null;
}

/** @param {AbortSignal} signal */
export function mount(signal) {
  window.addEventListener("pagehide", leavePage, { signal });
  document.addEventListener("visibilitychange", returnToPage, { signal });
  const windows = new BroadcastChannel(WINDOWS);
  windows.addEventListener("message", stay);
  return all([
    () => windows.close(),
    viewer.on("open", open),
    viewer.on("close", close),
    viewer.on(["painted", "result"], notice),
  ]);
}
