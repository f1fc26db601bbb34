// @ts-check
/**
 * The reader's mask on the server: a draft that is saved after every step, and the saved versions.
 * Failed requests are retried until the server has the draft; a draft from another window is never
 * overwritten without asking.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Base, Slices, Spec, State } from "./correction.js" */

import { all, Events } from "../frame/events.js";
import {
  ask as askServer,
  KEEPALIVE_BYTES,
  NO_ANSWER,
  pauseOf,
  RETRYING,
} from "../frame/server.js";
import * as correction from "./correction.js";
import * as maskBits from "./mask_bits.js";

/**
 * Saving status of the correction.
 *
 * @typedef {object} Status
 * @property {"none" | "saving" | "saved" | "version" | "failed" | "refused" | "conflict"} kind
 *   saved: as a draft.
 * @property {string} [at] Time in ISO 8601.
 * @property {string} [sentence] Why it is not saved.
 * @property {VersionLine} [line]
 */

/**
 * A saved version, as the server lists it.
 *
 * @typedef {object} VersionLine
 * @property {number} number
 * @property {string} author
 * @property {boolean} own Whether this reader saved it.
 * @property {string} saved_at
 * @property {Spec} based_on
 * @property {{ area_px: number, volume_ml: number | null, dice_ai: number | null }} facts
 */

/**
 * A draft as the server stores it; masks as encoded by maskBits.encode.
 *
 * @typedef {object} Draft
 * @property {number} revision
 * @property {string} changed_at
 * @property {Spec} based_on
 * @property {string} mask Touched slices.
 * @property {string | null} base_mask The version that it is based on.
 * @property {string | null} ai_mask The AI mask, if the result has changed since.
 */

/** @typedef {{ mask: Slices, base: Base }} VersionMask */

/** @typedef {Pick<State, "base" | "touched">} Sent The mask as sent. */

/**
 * Synchronization of one study: the one in view, or one that was left while being saved.
 *
 * @typedef {object} Sync
 * @property {Session} now
 * @property {State} state
 * @property {readonly VersionLine[]} versions
 * @property {Map<number, VersionMask>} masks Fetched versions.
 * @property {number} revision Revision of the draft on the server.
 * @property {Base | null} home The version that the mask equals if there is no draft.
 * @property {boolean} dirty Whether there are unsent changes.
 * @property {boolean} loaded
 * @property {number} failures
 * @property {Draft | null} other In a conflict, the draft of the other window.
 * @property {Status} status
 * @property {number} timer
 * @property {Promise<void>} sending
 */

const QUIET_MS = 700; // after the last step
const PATIENCE_MS = 20000;
const writer = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) =>
  byte.toString(16).padStart(2, "0"),
).join("");

let step = 0; // counts over all studies of this window
/** @type {Sync | null} */
let sync = null;
/** @type {Map<string, Promise<void>>} saves of studies that were left; reopening waits for them */
const going = new Map();
/** @type {Map<string, { base: Base, touched: Slices }>} masks of studies left in a conflict */
const unsettled = new Map();

/** @type {Events<"status">} */
const events = new Events();
/** Listens to the saving status of the study in view. */
export const { on } = events;

/**
 * Synchronization of the study in view.
 *
 * @throws {Error} If no study is open.
 */
function opened() {
  if (!sync) throw new Error("No study is open.");
  return sync;
}

/**
 * @param {Sync} session
 * @param {string} rest
 */
const address = (session, rest) => `/api/studies/${session.now.study.study_id}/${rest}`;

/**
 * @param {Sync} session
 * @param {Status["kind"]} kind
 * @param {Omit<Status, "kind">} [fields]
 */
function report(session, kind, fields) {
  session.status = { kind, ...fields };
  if (sync === session) events.emit("status");
}

/**
 * @param {string} url
 * @param {RequestInit} [options]
 */
const ask = (url, options) =>
  askServer(url, { signal: AbortSignal.timeout(PATIENCE_MS), ...options });

// ---- loading ----
/**
 * @param {Session} now
 * @param {string | null} text
 * @returns {Promise<Slices | null>}
 */
const decode = async (now, text) => (text ? maskBits.decode(text, now.study) : null);

/**
 * @param {Session} now
 * @param {Draft} draft
 */
async function decodeDraft(now, draft) {
  const texts = [draft.mask, draft.base_mask, draft.ai_mask];
  const [touched, under, ai] = await Promise.all(texts.map((text) => decode(now, text)));
  const base = correction.storedBase(now, draft.based_on, { under, ai });
  return { base, touched: touched ?? new Map() };
}

/**
 * @param {Sync} session
 * @param {number} number
 * @returns {Promise<VersionMask>}
 */
async function fetchVersion(session, number) {
  const known = session.masks.get(number);
  if (known) return known;
  const { ok, body } = await ask(address(session, `versions/${number}`));
  if (!ok) throw new Error(body.error || NO_ANSWER);
  const { now } = session;
  const [mask, ai] = await Promise.all([decode(now, body.mask), decode(now, body.ai_mask)]);
  const spec = { ...body.based_on, version: number };
  const base = correction.storedBase(now, spec, { under: mask, ai });
  const found = { mask: mask ?? new Map(), base };
  session.masks.set(number, found);
  return found;
}

/** @param {Sync} session */
async function load(session, tries = 0) {
  await going.get(session.now.study.study_id);
  const { ok, status, body } = await ask(address(session, "corrections"));
  if (sync !== session) return;
  if (!ok) {
    report(session, "failed", { sentence: (status && body.error) || RETRYING });
    const again = () => void (sync === session && load(session, tries + 1));
    if (!status || status >= 500) session.timer = setTimeout(again, pauseOf(tries));
    return;
  }
  session.versions = body.versions;
  session.loaded = true;
  const last = session.versions.find(({ number }) => number === body.in_view);
  try {
    if (body.draft) await takeDraft(session, body.draft);
    else if (last) await takeLast(session, last);
    else report(session, "none");
  } catch (error) {
    report(session, "refused", { sentence: error instanceof Error ? error.message : "" });
  }
  if (sync === session && session.state.steps) schedule(); // the reader has drawn meanwhile
}

/**
 * @param {Sync} session
 * @param {Draft} draft
 */
async function takeDraft(session, draft) {
  const { base, touched } = await decodeDraft(session.now, draft);
  if (sync !== session) return;
  session.revision = draft.revision;
  if (session.state.steps) return conflict(session, draft);
  correction.restore(base, touched);
  report(session, "saved", { at: draft.changed_at });
  takeUnsettled(session);
}

/**
 * Restores what was drawn before the study was left in a conflict; undo returns to the other
 * window's draft.
 *
 * @param {Sync} session
 */
function takeUnsettled({ now }) {
  const { study_id: id } = now.study;
  const mine = unsettled.get(id);
  unsettled.delete(id);
  if (!mine) return;
  const { spec, under } = mine.base;
  const base = correction.storedBase(now, spec, {});
  const own = spec.version === null ? base : { ...base, under };
  correction.replace("Draft from this window", own, mine.touched);
}

/**
 * @param {Sync} session
 * @param {VersionLine} line
 */
async function takeLast(session, line) {
  const { base } = await fetchVersion(session, line.number);
  if (sync !== session) return;
  session.home = base;
  if (!session.state.steps) correction.restore(base, new Map());
  report(session, "version", { at: line.saved_at, line });
}

// ---- saving ----
function schedule() {
  const session = sync;
  if (!session) return;
  session.dirty = true;
  if (!session.loaded || session.status.kind === "conflict") return;
  clearTimeout(session.timer);
  session.timer = setTimeout(() => void save(session), QUIET_MS);
}

/**
 * Saves the draft. Requests are sent one after the other, so that a later state is never overtaken.
 *
 * @param {Sync} session
 * @param {{ leaving?: boolean }} [options]
 */
function save(session, options) {
  clearTimeout(session.timer);
  const run = () => (session.dirty ? send(session, options) : undefined);
  session.sending = session.sending.then(run);
  return session.sending;
}

/**
 * Whether a mask needs no draft: it equals a version, or nothing was drawn.
 *
 * @param {Sync} session
 * @param {Sent} sent
 */
const isHome = (session, { base, touched }) =>
  touched.size === 0 && (base === null || base === session.home);

/**
 * @param {Sync} session
 * @param {Sent} state
 */
async function envelope(session, state) {
  const mask = await maskBits.encode(state.touched, session.now.study);
  const { spec } = state.base ?? correction.aiBase(session.now);
  return { writer, step: ++step, revision: session.revision, based_on: spec, mask };
}

/**
 * @param {Sync} session
 * @param {{ leaving?: boolean }} [options] leaving: the page is closing.
 */
async function send(session, { leaving = false } = {}) {
  const { base, touched } = session.state;
  const sent = { base, touched };
  session.dirty = false;
  report(session, "saving");
  const home = isHome(session, sent);
  const body = JSON.stringify(
    home ? { writer, step: ++step, revision: session.revision } : await envelope(session, sent),
  );
  const keepalive = leaving && body.length < KEEPALIVE_BYTES;
  const method = home ? "DELETE" : "PUT";
  const answer = await ask(address(session, "draft"), { method, body, keepalive });
  if (answer.status === 409) return conflict(session, answer.body.draft);
  if (!answer.ok) return fail(session, answer.status, answer.body.error);
  session.failures = 0;
  session.revision = home ? 0 : answer.body.revision;
  if (!session.dirty) report(session, home ? "none" : "saved", { at: answer.body.changed_at });
}

/**
 * @param {Sync} session
 * @param {number} status
 * @param {string | undefined} sentence
 */
function fail(session, status, sentence) {
  session.dirty = true;
  if (status && status < 500 && status !== 408 && status !== 429)
    return report(session, "refused", { sentence: sentence || "The server rejected it." });
  report(session, "failed", { sentence: (status && sentence) || RETRYING });
  session.timer = setTimeout(() => void save(session), pauseOf(session.failures++));
}

// ---- two windows ----
/**
 * @param {Sync} session
 * @param {Draft} draft
 */
function conflict(session, draft) {
  session.other = draft;
  session.dirty = true;
  report(session, "conflict", { at: draft.changed_at });
}

/** Ends a conflict and returns the other window's draft. */
function settleConflict() {
  const session = opened();
  const { other } = session;
  if (!other) throw new Error("No other window has a draft.");
  session.revision = other.revision;
  session.other = null;
  report(session, "saving");
  return other;
}

/** Resolves a conflict in favour of this window's draft. */
export async function keepMine() {
  settleConflict();
  await save(opened());
}

/** Resolves a conflict in favour of the other window's draft; undo returns to this one's. */
export async function takeTheirs() {
  const session = opened();
  const { other } = session;
  if (!other) return;
  const { base, touched } = await decodeDraft(session.now, other);
  if (sync !== session || session.other !== other) return; // the study was left, or it is settled
  settleConflict();
  correction.replace("Draft from the other window", base, touched);
}

// ---- versions ----
/** The mask in view as requests describe it. */
export async function describeView() {
  const session = opened();
  clearTimeout(session.timer);
  await session.sending; // a draft being sent
  const { base, touched } = session.state;
  return envelope(session, { base, touched });
}

/**
 * Sends the draft now, if it has unsent changes.
 *
 * @returns {Promise<boolean>} Whether the server has the mask in view.
 */
export async function saveNow() {
  const session = opened();
  if (session.status.kind !== "conflict") await save(session);
  return !session.dirty;
}

/**
 * Saves a version.
 *
 * @returns {Promise<VersionLine | null>} Null if it failed; the status has the reason.
 */
export async function saveVersion() {
  const session = opened();
  clearTimeout(session.timer);
  await session.sending; // a draft being sent
  const { base, touched } = session.state;
  const sent = { base, touched };
  report(session, "saving");
  const body = JSON.stringify(await envelope(session, sent));
  const answer = await ask(address(session, "versions"), { method: "POST", body });
  if (!answer.ok) {
    session.dirty = true;
    const sentence = answer.body.error || `${NO_ANSWER} Try again in a moment.`;
    report(session, answer.status ? "refused" : "failed", { sentence });
    return null;
  }
  /** @type {VersionLine} */
  const line = answer.body;
  const others = session.versions.filter(({ number }) => number !== line.number);
  session.versions = [line, ...others];
  await goOn(session, line, sent);
  return line;
}

/**
 * Bases the mask on the version just saved, unless the reader has drawn meanwhile.
 *
 * @param {Sync} session
 * @param {VersionLine} line
 * @param {Sent} sent
 */
async function goOn(session, line, sent) {
  Object.assign(session, { revision: 0, dirty: false, failures: 0 });
  try {
    session.home = (await fetchVersion(session, line.number)).base;
  } catch {
    session.home = null; // it is saved all the same, and listed
  }
  if (sync !== session) return;
  const { state } = session;
  if (state.base !== sent.base || state.touched !== sent.touched) return schedule();
  if (session.home) correction.settle(session.home);
  report(session, "version", { at: line.saved_at, line });
}

/**
 * The mask of a version, and the base for a correction that continues from it.
 *
 * @param {number} number
 */
export const version = (number) => fetchVersion(opened(), number);

/** @returns {Status} */
export const status = () => sync?.status ?? { kind: "none" };

/** The versions, latest first. */
export const versions = () => sync?.versions ?? [];

/** Whether there are unsent changes. */
export const isDirty = () => Boolean(sync?.dirty);

/** Whether all of the mask is saved in a version. */
export const isSaved = () => sync !== null && isHome(sync, sync.state);

/** Whether the stored correction is still loading. */
export const isLoading = () => sync !== null && !sync.loaded && sync.status.kind === "none";

/**
 * Ends when the draft of a study that was left is saved, or that has failed.
 *
 * @param {string} id Of the study.
 */
export const settled = (id) => going.get(id);

// ---- with the study ----
/** @param {State} state */
function open(state) {
  sync = {
    now: state.now,
    state,
    versions: [],
    masks: new Map(),
    revision: 0,
    home: null,
    dirty: false,
    loaded: false,
    failures: 0,
    other: null,
    status: { kind: "none" },
    timer: 0,
    sending: Promise.resolve(),
  };
  void load(sync);
}

function close() {
  const session = sync;
  sync = null;
  if (!session?.dirty) return;
  const { study_id: id } = session.now.study;
  const { base, touched } = session.state;
  if (session.status.kind !== "conflict")
    going.set(
      id,
      save(session).then(() => void going.delete(id)),
    );
  else if (base) unsettled.set(id, { base, touched });
}

function leave() {
  if (sync?.dirty && sync.status.kind !== "conflict") void save(sync, { leaving: true });
}

/** @param {Event} event Of a page that closes: the browser asks the reader first. */
function warn(event) {
  if (sync && (sync.dirty || sync.status.kind === "saving")) event.preventDefault();
}

/** @param {AbortSignal} signal Removes the listeners from the window. */
export function mount(signal) {
  const hidden = () => document.visibilityState === "hidden" && leave();
  document.addEventListener("visibilitychange", hidden, { signal });
  window.addEventListener("pagehide", leave, { signal });
  window.addEventListener("beforeunload", warn, { signal });
  return all([
    correction.on("open", open),
    correction.on("close", close),
    correction.on("change", (state) => {
      if (state.steps && sync?.state === state) schedule();
    }),
  ]);
}
