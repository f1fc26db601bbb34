// @ts-check
/**
 * The reader's measurements: stored on the server as one document with a revision, saved shortly
 * after each change. If another window has saved meanwhile, both are merged, nothing is lost, and
 * the page reports it. The server side is dashboard/api/measurements.py.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Item } from "./measure_shapes.js" */

import { counted } from "../frame/number_words.js";
import { all, Events } from "../frame/events.js";
import { ask, HEADERS, KEEPALIVE_BYTES, pauseOf } from "../frame/server.js";
import * as lock from "../viewer/lock.js";
import * as viewer from "../viewer/viewer.js";

/** @typedef {Map<string, Item>} Items By id. */

/** @typedef {{ id: string, before: Item | null, after: Item | null }} Step */

/**
 * The measurements of a study.
 *
 * @typedef {object} Document
 * @property {string} url
 * @property {Items} items
 * @property {Items} base As stored on the server.
 * @property {number | null} revision Null until they are loaded.
 * @property {Step[]} done
 * @property {Step[]} undone
 * @property {number} timer
 * @property {boolean} saving
 * @property {Promise<void>} sending Ends with the last request so far.
 * @property {number} tries
 * @property {string} words Saving status, "" if there is nothing to report.
 * @property {number} merged How many came from another window since the last change.
 */

const SAVE_MS = 500;
const REFUSED = new Set([400, 404, 413, 423]); // a retry would be rejected again
/** @type {Document | null} document of the study in view */
let doc = null;
let changedAt = 0;
let left = Promise.resolve();

/** @type {Events<"change">} */
const events = new Events();
/** Listens to changes of the measurements and of their saving status. */
export const on = (/** @type {() => void} */ run) => events.on("change", run);

/** @param {readonly Item[]} items */
const byIds = (items) => new Map(items.map((item) => [item.id, item]));

/**
 * @param {unknown} a
 * @param {unknown} b
 */
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** @param {Document} mine */
const isChanged = (mine) => !same([...mine.items], [...mine.base]);

export function newId() {
  const parts = [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36));
  return parts.join("").slice(0, 16).padEnd(8, "0");
}

/** @param {Session} session */
function open({ study }) {
  doc = {
    url: `/api/studies/${study.study_id}/measurements`,
    items: new Map(),
    base: new Map(),
    revision: null,
    done: [],
    undone: [],
    timer: 0,
    saving: false,
    sending: Promise.resolve(),
    tries: 0,
    words: "",
    merged: 0,
  };
  void load(doc);
  events.emit("change");
}

/** @param {Document} mine */
async function load(mine) {
  const { ok, body } = await ask(mine.url);
  if (ok) {
    merge(mine, body);
    mine.tries = 0;
    say(mine, "");
    if (isChanged(mine)) schedule(mine, 0);
  } else {
    say(mine, "Measurements could not be loaded. Retrying.");
    later(mine, () => void load(mine));
  }
  if (doc === mine) events.emit("change");
}

/**
 * @param {Document} mine
 * @param {() => void} run
 */
function later(mine, run) {
  setTimeout(() => doc === mine && run(), pauseOf(mine.tries++));
}

/**
 * Merges the server's measurements into this window's, given the common base. If both changed a
 * measurement, the other window's is added as a separate one.
 *
 * @param {Pick<Document, "items" | "base" | "revision">} mine
 * @param {{ revision: number, items: readonly Item[] }} server
 * @returns {number} How many were added or changed here.
 */
export function merge(mine, { revision, items }) {
  const theirs = byIds(items);
  let news = 0;
  for (const id of new Set([...theirs.keys(), ...mine.base.keys()])) {
    const before = mine.base.get(id);
    const here = mine.items.get(id);
    const there = theirs.get(id);
    if (same(before, there) || same(here, there)) continue;
    if (same(before, here)) put(mine, id, there);
    else if (there && here) put(mine, newId(), there);
    else if (there)
      put(mine, id, there); // deleted here, changed there: keep it
    else continue;
    news++;
  }
  mine.base = theirs;
  mine.revision = revision;
  return news;
}

/**
 * @param {Pick<Document, "items">} mine
 * @param {string} id
 * @param {Item | null | undefined} item
 */
function put(mine, id, item) {
  if (item) mine.items.set(id, { ...item, id });
  else mine.items.delete(id);
}

/**
 * @param {Document} mine
 * @param {string} words
 */
function say(mine, words) {
  if (mine.words === words) return;
  mine.words = words;
  if (doc === mine) events.emit("change");
}

/** @param {Document} mine */
function schedule(mine, wait = SAVE_MS) {
  clearTimeout(mine.timer);
  mine.timer = setTimeout(() => void save(mine), wait);
}

/** @param {Document} mine */
function save(mine) {
  clearTimeout(mine.timer);
  mine.timer = 0;
  mine.sending = mine.sending.then(() => send(mine));
  return mine.sending;
}

/** Sends now what was changed, before the study is signed. */
export async function saveNow() {
  if (doc) await save(doc);
}

/** @param {Document} mine */
async function send(mine) {
  if (mine.saving || mine.revision === null || !isChanged(mine)) return;
  mine.saving = true;
  const sent = new Map(mine.items);
  const body = JSON.stringify({ revision: mine.revision, items: [...sent.values()] });
  const keepalive = body.length < KEEPALIVE_BYTES;
  const answer = await ask(mine.url, { method: "PUT", headers: HEADERS, body, keepalive });
  mine.saving = false;
  if (REFUSED.has(answer.status))
    return say(mine, `Not saved. ${answer.body.error || "The server rejected it."}`);
  if (answer.status === 409) {
    mine.merged = merge(mine, answer.body);
    const added = counted(mine.merged, "measurement");
    say(mine, mine.merged ? `${added} added from another window.` : "");
  } else if (!answer.ok) {
    say(mine, "Not saved yet. Retrying.");
    return later(mine, () => void save(mine));
  } else {
    mine.base = sent;
    mine.revision = answer.body.revision;
    if (!mine.merged) say(mine, "");
  }
  mine.tries = 0;
  if (doc === mine) events.emit("change");
  if (isChanged(mine)) await send(mine);
}

/**
 * Sets the item with an id as one undoable step.
 *
 * @param {string} id
 * @param {Item | null} item Null deletes it.
 */
export function change(id, item) {
  if (!doc || lock.refuse()) return;
  const before = doc.items.get(id) ?? null;
  const after = item && asStored(item);
  if (same(before, after)) return;
  doc.done.push({ id, before, after });
  doc.undone = [];
  apply(doc, id, after);
}

/**
 * An item with the fields of the server's answer in their order, so that both compare as equal.
 *
 * @param {Item} item
 * @returns {Item}
 */
const asStored = ({ id, kind, k, points, text = "" }) => ({ id, kind, k, points, text });

/**
 * @param {Document} mine
 * @param {string} id
 * @param {Item | null} item
 */
function apply(mine, id, item) {
  changedAt = performance.now();
  put(mine, id, item);
  if (mine.merged) Object.assign(mine, { words: "", merged: 0 });
  schedule(mine);
  events.emit("change");
}

/** Undoes the last step; returns it, or null. */
export function undo() {
  if (!doc || lock.refuse()) return null;
  const step = doc.done.pop();
  if (!step) return null;
  doc.undone.push(step);
  apply(doc, step.id, step.before);
  return step;
}

/** Redoes the last undone step; returns it, or null. */
export function redo() {
  if (!doc || lock.refuse()) return null;
  const step = doc.undone.pop();
  if (!step) return null;
  doc.done.push(step);
  apply(doc, step.id, step.after);
  return step;
}

/** When a measurement was last changed on this page: `performance.now()`; 0 before that. */
export const lastChange = () => changedAt;

/** All measurements of the study. */
export const items = () => (doc ? [...doc.items.values()] : []);

/** Saving status, "" if there is nothing to report. */
export const words = () => doc?.words ?? "";

/** How many measurements came from another window since the last change. */
export const merged = () => doc?.merged ?? 0;

export const isSaved = () =>
  doc !== null && !doc.saving && doc.revision !== null && !isChanged(doc);

export const canUndo = () => Boolean(doc?.done.length);

export const canRedo = () => Boolean(doc?.undone.length);

function close() {
  leave();
  if (doc) left = doc.sending;
  doc = null;
}

/** Ends when the measurements of the study that was left last are saved, or that has failed. */
export const settled = () => left;

function leave() {
  if (doc?.timer) void save(doc);
}

/** @param {AbortSignal} signal Removes the listeners from the window. */
export function mount(signal) {
  const hidden = () => document.visibilityState === "hidden" && leave();
  document.addEventListener("visibilitychange", hidden, { signal });
  window.addEventListener("pagehide", leave, { signal });
  return all([viewer.on("open", open), viewer.on("close", close)]);
}
