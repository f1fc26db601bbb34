// @ts-check
/**
 * Messages about uploads. Errors stay until they are dismissed; after a reload, only messages that
 * have not been read are shown again.
 */

import { Events } from "../frame/events.js";

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {"error" | "info"} kind
 * @property {string} title
 * @property {readonly string[]} items
 * @property {readonly string[]} studies Ids of the studies that it is about.
 * @property {Readonly<Record<string, number>>} [counts] Files or studies by what became of them.
 * @property {{ href: string, words: string } | null} [link]
 * @property {boolean} [listed] Whether the worklist has shown its studies.
 * @property {boolean} [read]
 */

const STORED = "overread.upload.messages";
const MOST = 6;
/** @type {readonly Message[]} */
let messages = [];

/** @type {Events<"change">} */
const events = new Events();
/** Listens to changes of the messages. */
export const on = (/** @type {() => void} */ run) => events.on("change", run);

/** All messages, the latest last. */
export const all = () => messages;

/** @param {readonly Message[]} changed */
function update(changed) {
  messages = changed;
  try {
    sessionStorage.setItem(STORED, JSON.stringify(messages.filter(({ read }) => !read)));
  } catch {
    // storage is full or blocked: the messages are shown, but not after a reload
  }
  events.emit("change");
}

/** Restores the messages that were stored before a reload. */
export function restore() {
  try {
    /** @type {Message[]} */
    const stored = JSON.parse(sessionStorage.getItem(STORED) ?? "[]");
    messages = stored.map((message) => ({
      ...message,
      studies: message.studies ?? [],
      listed: true,
    }));
  } catch {
    messages = [];
  }
}

/** @param {Omit<Message, "id" | "studies"> & { studies?: readonly string[] }} message */
export function post(message) {
  const id = `${Date.now()}-${Math.random()}`;
  update([...messages, { studies: [], ...message, id }].slice(-MOST));
}

/** Removes all but the errors, when another upload starts. */
export function clear() {
  messages = messages.filter(({ kind }) => kind === "error");
}

/** @param {string} id */
export const dismiss = (id) => update(messages.filter((message) => message.id !== id));

/** @param {readonly Message[]} shown Messages that were in view long enough to be read. */
export function markRead(shown) {
  const ids = new Set(shown.map(({ id }) => id));
  update(messages.map((message) => (ids.has(message.id) ? { ...message, read: true } : message)));
}

/**
 * Removes messages about studies that the worklist has shown and no longer shows: they have been
 * deleted.
 *
 * @param {readonly string[]} listed Ids of the studies that it shows.
 */
export function forgetDeleted(listed) {
  const here = new Set(listed);
  const seen = messages.map((message) => {
    const isHere = message.studies.some((id) => here.has(id));
    return { message: { ...message, listed: message.listed || isHere }, isHere };
  });
  const left = seen
    .filter(({ message, isHere }) => isHere || !message.listed || !message.studies.length)
    .map(({ message }) => message);
  const isChanged = left.length !== messages.length;
  messages = left;
  if (isChanged) update(left);
}
