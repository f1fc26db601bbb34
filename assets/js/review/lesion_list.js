// @ts-check
/**
 * The lesion list: every lesion of the mask in view, those that the reader removed, and what the AI
 * left out. A row goes to its lesion; one click keeps, removes or adds a lesion on all its slices,
 * as one step of the correction. Location and comment belong to the reading (reading_store.js).
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { LesionReading } from "./reading_store.js" */

import * as correction from "../correct/correction.js";
import * as maskBits from "../correct/mask_bits.js";
import { counted } from "../frame/number_words.js";
import { byId, find, letGoOfClick, make } from "../frame/dom.js";
import { all, Events } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import { LatestAnswer } from "../frame/latest_answer.js";
import { mlWords } from "../frame/volume_words.js";
import { requestJson } from "../frame/server.js";
import * as lock from "../viewer/lock.js";
import { note } from "../viewer/notes.js";
import * as operatingPoint from "../viewer/operating_point.js";
import * as viewer from "../viewer/viewer.js";
import * as findings from "./findings.js";
import * as readingStore from "./reading_store.js";

/**
 * A lesion as the server lists it.
 *
 * @typedef {object} Lesion
 * @property {number} number
 * @property {string} key
 * @property {"ai" | "left out" | "reader"} source
 * @property {"keep" | "remove" | "add"} verdict
 * @property {number} voxels
 * @property {number | null} volume_ml
 * @property {number} k
 * @property {number} first
 * @property {number} last
 * @property {"right" | "left" | "both sides" | ""} side
 * @property {number | null} score
 * @property {number | null} longest
 * @property {number | null} perpendicular
 * @property {[number, number, number, number]} box
 * @property {string} mask
 */

/**
 * @typedef {object} Listed
 * @property {Lesion[]} lesions
 * @property {number} not_listed
 * @property {boolean} is_changed Whether the mask in view is another one than the AI's.
 */

const THUMBNAIL_PX = 40;
const MARGIN = 0.4; // around the lesion, as a part of its size
const LEAST_PX = 24; // of the image in a thumbnail
/** @type {LatestAnswer<Listed>} */
const latest = new LatestAnswer(show);
/** @type {string | null | undefined} key of the lesion whose fields are open; undefined at first */
let chosen;
/** @type {{ listed: Listed | null, words: string }} what the list shows */
let drawn = { listed: null, words: "" };
/** @type {Events<"change">} */
const events = new Events();
/** Listens to what the list shows. */
export const { on } = events;

/** Whether the mask in view is another one than the AI's; null while that is not known. */
export const isMaskChanged = () => (latest.isLate ? null : (latest.answer?.is_changed ?? null));

/**
 * "3 found, 2 counted"
 *
 * @param {readonly Pick<Lesion, "verdict">[]} lesions
 */
export function countText(lesions) {
  const read = lesions.filter(({ verdict }) => verdict !== "remove").length;
  return lesions.length ? `${lesions.length} found, ${read} counted` : "";
}

/**
 * Where a lesion comes from; "" for one of the AI mask.
 *
 * @param {Pick<Lesion, "source" | "verdict">} lesion
 */
function sourceText({ source, verdict }) {
  if (source === "left out") return verdict === "add" ? "added by you" : "left out as small";
  return source === "reader" ? "by you" : "";
}

/**
 * What a row says below its title.
 *
 * @param {Lesion} lesion
 * @param {readonly number[]} indices The files' numbers of the slices.
 * @param {readonly string[]} doubts
 */
export function detailText(lesion, indices, doubts) {
  const { first, last, longest, perpendicular, volume_ml: ml } = lesion;
  const [from, to] = [indices[first], indices[last]];
  const size = ml === null ? counted(lesion.voxels, "voxel") : `${mlWords(ml)} mL`;
  const unit = ml === null ? "px" : "mm";
  const digits = (/** @type {number} */ value) => value.toFixed(ml !== null && value < 10 ? 1 : 0);
  return [
    size,
    longest === null || perpendicular === null
      ? ""
      : `${digits(longest)} × ${digits(perpendicular)} ${unit}`,
    from === to ? `slice ${from}` : `slices ${from} to ${to}`,
    lesion.score === null ? "" : `score ${lesion.score.toFixed(2)}`,
    sourceText(lesion),
    ...doubts,
  ]
    .filter(Boolean)
    .join(" · ");
}

/**
 * The square of the image in a lesion's thumbnail, in pixels.
 *
 * @param {readonly [number, number, number, number]} box
 * @returns {{ x: number, y: number, side: number }}
 */
export function crop([left, top, right, bottom]) {
  const side = Math.max(LEAST_PX, (1 + 2 * MARGIN) * Math.max(right - left, bottom - top));
  return { x: (left + right - side) / 2, y: (top + bottom - side) / 2, side };
}

/** Asks for the list of the mask in view if it has changed. */
function follow() {
  if (viewer.now) viewer.afterFirstSlice(viewer.now, askForList);
}

function askForList() {
  const { now } = viewer;
  if (!now || !correction.state || (!now.study.result && !correction.isThere())) return;
  const { study } = now;
  const { touched } = correction.opened();
  const { under, spec } = correction.baseNow();
  const url = `/api/studies/${study.study_id}/lesions`;
  latest.follow([touched, under], async (signal) => {
    const body = { based_on: spec, mask: await maskBits.encode(touched, study) };
    return requestJson(url, { signal, body });
  });
}

function show() {
  const { now } = viewer;
  const section = find("findings-lesions");
  if (!section || !now) return;
  const listed = latest.answer;
  events.emit("change");
  section.hidden = !listed && !latest.sentence;
  section.setAttribute("aria-busy", String(latest.isLate));
  byId("lesion-count").textContent = listed ? countText(listed.lesions) : "";
  byId("lesion-status").textContent =
    latest.sentence || (listed?.not_listed ? `${listed.not_listed} smaller ones not listed.` : "");
  const empty = listed?.lesions.length === 0;
  byId("lesion-none").hidden = !empty;
  const lesions = listed?.lesions ?? [];
  const added = lesions.filter((one) => one.source === "left out" && one.verdict === "add");
  findings.takeAdded(now, added);
  const rows = lesions.map((one) => rowOf(now, one));
  const words = JSON.stringify([now.channel, rows]);
  const list = byId("lesions");
  // a list that is drawn again closes an open choice of locations
  if (drawn.listed === listed && drawn.words === words) return;
  const focused = document.activeElement;
  if (focused instanceof HTMLInputElement && section.contains(focused)) return; // is typing
  const at = focused instanceof HTMLElement && section.contains(focused) ? focused.dataset : null;
  drawn = { listed, words };
  list.replaceChildren(...lesions.map((one, i) => draw(now, one, rows[i])));
  if (at?.lesion) partOf(at.lesion, at.part ?? "")?.focus();
}

/**
 * A control of a lesion's row.
 *
 * @param {string} key
 * @param {string} part
 * @returns {HTMLElement | null}
 */
const partOf = (key, part) =>
  byId("findings-lesions").querySelector(`[data-lesion="${key}"][data-part="${part}"]`);

/**
 * The lesion whose fields are open. At first it is the only one that counts: there is nothing to
 * choose then, and readers look for the location.
 */
function openKey() {
  if (chosen !== undefined) return chosen;
  const read = latest.answer?.lesions.filter(({ verdict }) => verdict !== "remove") ?? [];
  return read.length === 1 ? read[0].key : null;
}

/** @param {string} key */
const readingOf = (key) => readingStore.now()?.lesions.find((one) => one.key === key);

/**
 * What a row shows.
 *
 * @param {Session} now
 * @param {Lesion} lesion
 */
function rowOf(now, lesion) {
  const { key, number, source } = lesion;
  const known = readingOf(key);
  const place = known?.location ? locationName(known.location) : "";
  const side = lesion.side && lesion.side[0].toUpperCase() + lesion.side.slice(1);
  const where = [side, place && (side ? place.toLowerCase() : place)].filter(Boolean).join(" ");
  const codes =
    source === "reader" ? [] : slicesOf(lesion).flatMap((k) => findings.doubtsOf(now, k));
  const doubts = [...new Set(codes)].map((code) => `likely false: ${findings.DOUBTS[code]}`);
  return {
    title: `${number}${where ? ` · ${where}` : ""}`,
    details: detailText(lesion, now.study.indices, doubts),
    isOpen: openKey() === key,
    isLocked: lock.isLocked(),
    location: known?.location ?? "",
    comment: known?.comment ?? "",
  };
}

/**
 * @param {Session} now
 * @param {Lesion} lesion
 * @param {ReturnType<typeof rowOf>} words
 */
function draw(now, lesion, { title, details, isOpen, isLocked, location, comment }) {
  const open = make(
    "button",
    { type: "button", className: "lesion-open" },
    thumbnail(now, lesion),
    make(
      "span",
      { className: "lesion-words" },
      make("span", { className: "lesion-title", textContent: title }),
      make("span", { className: "lesion-details tabular", textContent: details }),
    ),
  );
  mark(open, lesion, "open");
  open.setAttribute("aria-expanded", String(isOpen));
  open.title = "Go to the lesion; location and comment";
  open.addEventListener("click", () => choose(lesion));
  const item = make("li", { className: "lesion" }, open, verdictButton(lesion));
  item.dataset.verdict = lesion.verdict;
  item.dataset.source = lesion.source;
  if (isOpen && !isLocked) item.append(fields(lesion, { location, comment }));
  return item;
}

/**
 * Names a control of a row, which keeps the focus when the list is drawn again.
 *
 * @param {HTMLElement} control
 * @param {Lesion} lesion
 * @param {string} part
 */
function mark({ dataset }, { key }, part) {
  dataset.lesion = key;
  dataset.part = part;
}

/** @param {Lesion} lesion */
const slicesOf = ({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/**
 * @param {Session} now
 * @param {Lesion} lesion
 */
function thumbnail({ study, channel }, { box, k }) {
  const { x, y, side } = crop(box);
  const scale = THUMBNAIL_PX / side;
  const src = `${study.thumbnail_url.replace("{channel}", String(channel))}?slice=${k}`;
  const image = make("img", { alt: "", src, loading: "lazy" });
  image.style.width = `${study.width * scale}px`;
  image.style.height = `${study.height * scale}px`;
  image.style.transform = `translate(${-x * scale}px, ${-y * scale}px)`;
  return make("span", { className: "lesion-thumbnail" }, image);
}

/** @param {Lesion} lesion */
function verdictButton(lesion) {
  const isCounted = lesion.verdict !== "remove";
  const word = isCounted ? "Remove" : lesion.source === "left out" ? "Add" : "Keep";
  const button = make("button", {
    type: "button",
    className: "button button--small lesion-verdict",
    textContent: word,
    disabled: lock.isLocked(),
  });
  button.setAttribute("aria-label", `${word} lesion ${lesion.number} on all its slices`);
  mark(button, lesion, "verdict");
  button.addEventListener("click", (event) => {
    letGoOfClick(event);
    void toggle(lesion);
  });
  return button;
}

/**
 * Fields for location and comment.
 *
 * @param {Lesion} lesion
 * @param {{ location: string, comment: string }} known
 */
function fields(lesion, known) {
  const places = /** @type {HTMLSelectElement} */ (
    byId("lesion-locations", HTMLSelectElement).cloneNode(true)
  );
  places.removeAttribute("id");
  places.hidden = false;
  places.value = known.location;
  mark(places, lesion, "location");
  places.setAttribute("aria-label", `Location of lesion ${lesion.number}`);
  places.addEventListener("change", () => record(lesion, { location: places.value || null }));
  const comment = make("input", {
    type: "text",
    className: "field",
    value: known.comment,
    placeholder: "Comment",
    maxLength: 4000,
  });
  comment.setAttribute("aria-label", `Comment on lesion ${lesion.number}`);
  mark(comment, lesion, "comment");
  comment.addEventListener("change", () => record(lesion, { comment: comment.value }));
  comment.addEventListener("blur", () => queueMicrotask(show)); // it stood still meanwhile
  return make("div", { className: "lesion-fields" }, places, comment);
}

/** @param {string} code */
function locationName(code) {
  const options = [...byId("lesion-locations", HTMLSelectElement).options];
  return options.find(({ value }) => value === code)?.textContent ?? "";
}

/**
 * @param {Lesion} lesion
 * @param {Partial<LesionReading>} changes
 */
function record({ key }, changes) {
  const known = readingStore.now()?.lesions ?? [];
  const before = known.find((one) => one.key === key) ?? {
    key,
    verdict: null,
    location: null,
    comment: "",
  };
  const others = known.filter((one) => one.key !== key);
  readingStore.change({ lesions: [...others, { ...before, ...changes }] });
}

/**
 * Goes to a lesion and opens its fields; closes them if they are open.
 *
 * @param {Lesion} lesion
 */
function choose(lesion) {
  const isOpen = chosen === lesion.key;
  chosen = isOpen ? null : lesion.key;
  if (!isOpen) viewer.goTo(lesion.k);
  show();
}

/**
 * Removes a lesion from the mask on all its slices, or adds it, as one undoable step.
 *
 * @param {Lesion} lesion
 */
async function toggle(lesion) {
  const { state } = correction;
  if (!state || !viewer.now) return;
  const { study } = viewer.now;
  const isRemoved = lesion.verdict !== "remove";
  const { under } = correction.baseNow();
  try {
    const voxels = await maskBits.decode(lesion.mask, study);
    const changes = await Promise.all(
      [...voxels].map(async ([k, own]) => {
        const bits = state.touched.get(k) ?? (await under.load(k));
        return { k, mask: combine(bits, own, isRemoved, study.width * study.height) };
      }),
    );
    if (correction.state !== state) return;
    const word = isRemoved ? "Remove" : "Add";
    correction.change(`${word} lesion ${lesion.number}`, changes);
    note(`Lesion ${lesion.number} ${isRemoved ? "removed" : "added"}. Undo with Ctrl+Z.`, "lesion");
  } catch {
    note("The mask of this lesion could not be loaded. Try again.");
  }
}

/**
 * A slice's mask without a lesion, or with it.
 *
 * @param {Uint8Array} bits Packed mask.
 * @param {Uint8Array} own The lesion's, packed.
 * @param {boolean} isRemoved
 * @param {number} length Pixels of the slice.
 */
export function combine(bits, own, isRemoved, length) {
  const found = bits.map((byte, i) => (isRemoved ? byte & ~own[i] : byte | own[i]));
  return maskBits.unpack(found, length);
}

/** @param {number} by */
function step(by) {
  const { now } = viewer;
  if (!now) return;
  if (!latest.answer) {
    const why = correction.isThere() ? "" : operatingPoint.whyNoResult(now);
    return void note(why || latest.sentence || "The lesions are still loading.", "no-lesions-yet");
  }
  const { lesions } = latest.answer;
  if (!lesions.length) return void note("No lesion in the mask.", "no-lesion");
  const at = lesions.findIndex(({ key }) => key === chosen);
  const to = lesions[(at + by + lesions.length) % lesions.length];
  chosen = to.key;
  viewer.goTo(to.k);
  show();
  // Tab goes on from here, while Enter still belongs to the study
  const open = partOf(to.key, "open");
  open?.focus();
  open?.blur();
}

export function mount() {
  chosen = undefined;
  drawn = { listed: null, words: "" };
  const bindings = [
    {
      id: "lesion-list.next",
      key: "Shift+f",
      label: "Next lesion of the list; Tab goes on to its buttons",
      run: () => step(1),
    },
    {
      id: "lesion-list.previous",
      key: "Shift+e",
      label: "Previous lesion of the list",
      run: () => step(-1),
    },
  ];
  return all([
    keys.add("Lesions", bindings),
    viewer.on(["open", "result", "threshold"], follow),
    viewer.on("channel", show), // of the thumbnails
    correction.on(["open", "change"], follow),
    readingStore.on(show),
    () => latest.stop(),
  ]);
}
