// @ts-check
/**
 * What the reader has measured on the study: stored on the server as one document with a revision,
 * saved a moment after each change. Where another window has written meanwhile, both are put
 * together: nothing is lost, and the page says so. The server's side is
 * dashboard/api/measurements.py.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Item } from "./measure_shapes.js" */

import { all, Events } from "../frame/events.js";
import { ask, HEADERS, pauseOf } from "../frame/server.js";
import * as viewer from "../viewer/viewer.js";

/** @typedef {Map<string, Item>} Items By their ids. */

/** @typedef {{ id: string, before: Item | null, after: Item | null }} Step */

/**
 * The measurements of a study.
 *
 * @typedef {object} Document
 * @property {string} url
 * @property {Items} items
 * @property {Items} base As the server has them.
 * @property {number | null} revision Null until they are loaded.
 * @property {Step[]} done
 * @property {Step[]} undone
 * @property {number} timer
 * @property {boolean} saving
 * @property {number} tries
 * @property {string} words What has become of them.
 */

const SAVE_MS = 500;
const KEEPALIVE_BYTES = 60000; // browsers refuse more in a request that outlives its page
const REFUSED = new Set([400, 404, 413]); // the same again would be refused again
/** @type {Document | null} of the study in view */
let doc = null;

/** @type {Events<"change">} */
const events = new Events();
/** Listens to changes of the measurements, and of what has become of them. */
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
    tries: 0,
    words: "",
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
    say(mine, "Your measurements could not be loaded; trying again.");
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
 * Three sides: what both knew, what this window has, what the server has. Where both changed one
 * measurement, the other window's becomes a measurement of its own.
 *
 * @param {Pick<Document, "items" | "base" | "revision">} mine
 * @param {{ revision: number, items: readonly Item[] }} server
 * @returns {number} How many came or changed.
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
      put(mine, id, there); // deleted here, changed there: rather one too many
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
async function save(mine) {
  clearTimeout(mine.timer);
  mine.timer = 0;
  if (mine.saving || mine.revision === null || !isChanged(mine)) return;
  mine.saving = true;
  const sent = new Map(mine.items);
  const body = JSON.stringify({ revision: mine.revision, items: [...sent.values()] });
  const keepalive = body.length < KEEPALIVE_BYTES;
  const answer = await ask(mine.url, { method: "PUT", headers: HEADERS, body, keepalive });
  mine.saving = false;
  if (REFUSED.has(answer.status))
    return say(mine, `Not kept: ${answer.body.error || "the server refused it."}`);
  if (answer.status === 409) {
    const news = merge(mine, answer.body);
    const added = news === 1 ? "measurement was" : "measurements were";
    const words = `Another window has measured here too: ${news} ${added} added, none is lost.`;
    say(mine, news ? words : "");
  } else if (!answer.ok) {
    say(mine, "Not saved yet; trying again.");
    return later(mine, () => void save(mine));
  } else {
    mine.base = sent;
    mine.revision = answer.body.revision;
    if (!isNews(mine)) say(mine, "");
  }
  mine.tries = 0;
  if (doc === mine) events.emit("change");
  if (isChanged(mine)) await save(mine);
}

/**
 * Whether the words are of another window: they stay until the next change.
 *
 * @param {Document} mine
 */
const isNews = (mine) => mine.words.startsWith("Another");

/**
 * Puts an item in the place of the one with its id, so that it can be undone.
 *
 * @param {string} id
 * @param {Item | null} item Null deletes it.
 */
export function change(id, item) {
  if (!doc) return;
  const before = doc.items.get(id) ?? null;
  if (same(before, item)) return;
  doc.done.push({ id, before, after: item });
  doc.undone = [];
  apply(doc, id, item);
}

/**
 * @param {Document} mine
 * @param {string} id
 * @param {Item | null} item
 */
function apply(mine, id, item) {
  put(mine, id, item);
  if (isNews(mine)) mine.words = "";
  schedule(mine);
  events.emit("change");
}

export function undo() {
  const step = doc?.done.pop();
  if (!doc || !step) return;
  doc.undone.push(step);
  apply(doc, step.id, step.before);
}

export function redo() {
  const step = doc?.undone.pop();
  if (!doc || !step) return;
  doc.done.push(step);
  apply(doc, step.id, step.after);
}

/** All measurements of the study. */
export const items = () => (doc ? [...doc.items.values()] : []);

/** What has become of them, "" where there is nothing to say. */
export const words = () => doc?.words ?? "";

export const isSaved = () =>
  doc !== null && !doc.saving && doc.revision !== null && !isChanged(doc);

export const canUndo = () => Boolean(doc?.done.length);

export const canRedo = () => Boolean(doc?.undone.length);

function close() {
  leave();
  doc = null;
}

function leave() {
  if (doc?.timer) void save(doc);
}

/** @param {AbortSignal} signal Takes the listeners off the window. */
export function mount(signal) {
  const hidden = () => document.visibilityState === "hidden" && leave();
  document.addEventListener("visibilitychange", hidden, { signal });
  window.addEventListener("pagehide", leave, { signal });
  return all([viewer.on("open", open), viewer.on("close", close)]);
}
