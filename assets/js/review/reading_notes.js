// @ts-check
/** Notes, key images, signed records and the history of the study in view. */

/** @import { KeyImage } from "./reading_store.js" */

import * as correction from "../correct/correction.js";
import { dateAndTime } from "../frame/times.js";
import { byId, find, letGoOfClick, make } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import * as measureStore from "../measure/measure_store.js";
import * as lock from "../viewer/lock.js";
import { note } from "../viewer/notes.js";
import * as viewer from "../viewer/viewer.js";
import * as readingStore from "./reading_store.js";

const MOST_IMAGES = 200;
const SHORT_DIGEST = 12;

/**
 * @typedef {object} HistoryEvent
 * @property {string} at
 * @property {string} author
 * @property {string} event
 * @property {{ text: string, number: number | null, network: string, added: number | null,
 *   removed: number | null, open_s: number | null }} details
 */

/** @type {Readonly<Record<string, (d: HistoryEvent["details"]) => string>>} */
const EVENTS = {
  added: ({ text }) => `Added (${text})`,
  analysed: ({ network }) => `Analysed by network ${network.slice(0, SHORT_DIGEST)}`,
  opened: () => "Opened",
  closed: ({ open_s: s }) => `Closed after ${durationText(s ?? 0)} in all`,
  corrected: ({ number, added, removed }) =>
    `Saved version ${number}: ${added} voxels added, ${removed} removed`,
  decided: ({ text }) => `Decision: ${text}`,
  withdrawn: () => "Decision withdrawn",
  signed: ({ number }) => `Signed record ${number}`,
  amended: ({ number, text }) => `Amended, record ${number}: ${text}`,
  discarded: ({ text }) => `Amendment discarded${text && ` (${text})`}`,
  "taken over": ({ text }) => `Taken over from ${text}`,
  priority: ({ text }) => `Priority: ${text}`,
  changed: ({ text }) => text,
  deleted: () => "Deleted",
  restored: () => "Restored",
  exported: ({ text }) => `Exported: ${text}`,
};

/**
 * "1 min 5 s"
 *
 * @param {number} seconds
 */
export function durationText(seconds) {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/**
 * A line of the history in plain words.
 *
 * @param {HistoryEvent} event
 */
export const eventText = ({ event, details }) => EVENTS[event]?.(details) ?? event;

// ---- notes ----
function showNotes() {
  const field = find("reading-notes", HTMLTextAreaElement);
  const reading = readingStore.now();
  if (!field) return;
  const notes = reading?.notes ?? ""; // not those of the study before, while these are on their way
  if ((field !== document.activeElement || !reading) && field.value !== notes) field.value = notes;
  field.readOnly = lock.isLocked() || !reading;
  byId("reading-status").textContent = readingStore.words();
}

function typed() {
  readingStore.change({ notes: byId("reading-notes", HTMLTextAreaElement).value });
}

// ---- key images ----
/** Layers that are drawn on the slice in view. */
function layers() {
  const { show: shown, study } = viewer.opened();
  if (shown.hidden) return [];
  const isMask = Boolean(study.result) || correction.isThere();
  const exists = {
    ai: Boolean(study.result),
    reference: Boolean(study.reference_url),
    correction: correction.isThere(),
    diameters: isMask,
  };
  /** @type {(keyof typeof exists)[]} */
  const named = ["ai", "reference", "correction", "diameters"];
  const drawn = named.filter((name) => shown[name] && exists[name]).map(String);
  return measureStore.items().some(({ k }) => k === viewer.opened().k)
    ? [...drawn, "measurements"]
    : drawn;
}

/** @param {KeyImage} image */
const isInView = ({ k, channel }) => k === viewer.now?.k && channel === viewer.now.channel;

/** The button says what it does to the slice in view. */
function showMark() {
  const button = find("key-image-mark");
  if (!button) return;
  button.hidden = lock.isLocked();
  const isMarked = readingStore.now()?.key_images.some(isInView);
  const words = isMarked ? "Unmark this slice" : "Mark this slice";
  const [label] = button.childNodes;
  if (label.textContent !== words) label.textContent = words;
}

function mark() {
  const reading = readingStore.now();
  if (!viewer.now || lock.refuse()) return;
  if (!reading) return void note("Key images of this study are still loading.", "reading-loading");
  const { k, channel, windows } = viewer.now;
  const others = reading.key_images.filter((one) => !isInView(one));
  if (others.length < reading.key_images.length) {
    readingStore.change({ key_images: others });
    return void note("Key image removed.", "key-image-removed");
  }
  if (others.length >= MOST_IMAGES) return void note(`No more than ${MOST_IMAGES} key images.`);
  const { low, high } = windows[channel];
  /** @type {KeyImage} */
  const image = {
    id: measureStore.newId(),
    k,
    channel,
    window: [low, high],
    layers: layers(),
    caption: "",
  };
  readingStore.change({ key_images: [...reading.key_images, image] });
  note("Key image marked.", "key-image-marked");
}

function showImages() {
  const place = find("key-images");
  const reading = readingStore.now();
  if (!place || !viewer.now) return;
  const { indices, channels } = viewer.now.study;
  const images = reading?.key_images ?? [];
  const shown = images.map(({ id, k, channel }) => [id, k, channel]);
  const drawn = JSON.stringify([lock.isLocked(), ...shown]);
  showMark();
  if (place.dataset.drawn === drawn) return;
  place.dataset.drawn = drawn;
  place.replaceChildren(
    ...images.map((image) => {
      const words = `Slice ${indices[image.k]}, ${channels[image.channel].label}`;
      const open = make("button", {
        type: "button",
        className: "button button--link",
        textContent: words,
      });
      open.addEventListener("click", () => {
        viewer.chooseChannel(image.channel);
        viewer.goTo(image.k);
      });
      const caption = make("input", {
        type: "text",
        className: "field",
        value: image.caption,
        maxLength: 1000,
        placeholder: "Caption",
        readOnly: lock.isLocked(),
      });
      caption.setAttribute("aria-label", `Caption of ${words}`);
      caption.addEventListener("change", () => retitle(image.id, caption.value));
      return make("li", {}, open, caption);
    }),
  );
}

/**
 * @param {string} id
 * @param {string} caption
 */
function retitle(id, caption) {
  const images = readingStore.now()?.key_images ?? [];
  readingStore.change({
    key_images: images.map((one) => (one.id === id ? { ...one, caption } : one)),
  });
}

// ---- records and history ----
function showRecords() {
  const place = find("reading-records");
  const records = readingStore.now()?.records ?? [];
  if (!place) return;
  place.hidden = !records.length;
  place.replaceChildren(
    ...records.map(({ number, author, signed_at: at, verdict, reason, digest }) =>
      make(
        "li",
        { title: `SHA-256 ${digest}` },
        `Record ${number}: ${verdict}, signed by ${author}, ${dateAndTime(at)}` +
          `${reason ? `. Amended: ${reason}` : ""} · ${digest.slice(0, SHORT_DIGEST)}`,
      ),
    ),
  );
}

async function openHistory() {
  const place = byId("history-lines");
  place.replaceChildren(make("li", { textContent: "Loading" }));
  byId("history", HTMLDialogElement).showModal();
  const events = await readingStore.history();
  const lines = events?.map((/** @type {HistoryEvent} */ event) =>
    make(
      "li",
      {},
      make("span", { className: "muted tabular", textContent: `${dateAndTime(event.at)} ` }),
      `${event.author} · ${eventText(event)}`,
    ),
  );
  place.replaceChildren(
    ...(lines ?? [make("li", { textContent: "The server is not responding. Open it again." })]),
  );
}

function show() {
  showNotes();
  showImages();
  showRecords();
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  byId("reading-notes").addEventListener("input", typed, { signal });
  /** @type {[string, () => void][]} */
  const buttons = [
    ["key-image-mark", mark],
    ["history-open", () => void openHistory()],
    ["history-close", () => byId("history", HTMLDialogElement).close()],
  ];
  for (const [id, run] of buttons) {
    const click = (/** @type {MouseEvent} */ event) => {
      letGoOfClick(event);
      run();
    };
    byId(id).addEventListener("click", click, { signal });
  }
  const bindings = [{ id: "key-image.mark", key: "i", label: "Mark as key image", run: mark }];
  return all([
    keys.add("Key images", bindings),
    readingStore.on(show),
    viewer.on(["slice", "channel"], showMark),
  ]);
}
