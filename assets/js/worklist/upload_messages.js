// @ts-check
/**
 * What was said of uploads. A reload keeps only what nobody has read yet; without one, errors stay
 * until they are dismissed.
 */

import { Events } from "../frame/events.js";

/**
 * @typedef {object} Message
 * @property {string} id
 * @property {"error" | "info"} kind
 * @property {string} title
 * @property {readonly string[]} items
 * @property {readonly string[]} studies Ids of those that it speaks of.
 * @property {{ href: string, words: string } | null} [link]
 * @property {boolean} [listed] Whether the worklist has listed its studies.
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

/** All of them, the latest last. */
export const all = () => messages;

/** @param {readonly Message[]} changed */
function keep(changed) {
  messages = changed;
  try {
    sessionStorage.setItem(STORED, JSON.stringify(messages.filter(({ read }) => !read)));
  } catch {
    // shown all the same, but not after a reload
  }
  events.emit("change");
}

/** Takes up what was stored before a reload. */
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
export function say(message) {
  const id = `${Date.now()}-${Math.random()}`;
  keep([...messages, { studies: [], ...message, id }].slice(-MOST));
}

/** Another upload begins: what was not an error goes. */
export function clear() {
  messages = messages.filter(({ kind }) => kind === "error");
}

/** @param {string} id */
export const dismiss = (id) => keep(messages.filter((message) => message.id !== id));

/** @param {readonly Message[]} shown Those that were in view long enough. */
export function markRead(shown) {
  const ids = new Set(shown.map(({ id }) => id));
  keep(messages.map((message) => (ids.has(message.id) ? { ...message, read: true } : message)));
}

/**
 * Drops what was said of studies that the worklist has listed and lists no more: there is nothing
 * left to open.
 *
 * @param {readonly string[]} listed Ids of those that it lists.
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
  if (isChanged) keep(left);
}
