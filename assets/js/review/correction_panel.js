// @ts-check
/** The findings panel's section on the reader's correction, and its button in the legend. */

/** @import { Session } from "../viewer/session.js" */
/** @import { Spec, State } from "../correct/correction.js" */
/** @import { VersionLine } from "../correct/correction_store.js" */

import { counted } from "../frame/number_words.js";
import { byId, letGoOfClick, make, targetOf, write } from "../frame/dom.js";
import { all } from "../frame/events.js";
import { timeSinceToday } from "../frame/times.js";
import * as correction from "../correct/correction.js";
import * as correctionFigures from "../correct/correction_figures.js";
import * as correctionLayer from "../correct/correction_layer.js";
import * as correctionStore from "../correct/correction_store.js";
import * as editBar from "../correct/edit_bar.js";
import { note } from "../viewer/notes.js";
import * as bidimensional from "../measure/bidimensional.js";
import * as measures from "../measure/measures.js";
import * as amounts from "../viewer/amounts.js";
import * as tools from "../viewer/tools.js";
import { numberOf } from "../viewer/slices.js";
import * as viewer from "../viewer/viewer.js";

const NONE = "–";
let scheduled = false;
let wasEditing = false;
/** @type {(() => void) | null} runs if the reader confirms the open dialog */
let confirmed = null;

/** @param {number | "empty" | null} value */
const diceText = (value) =>
  value === null ? NONE : value === "empty" ? amounts.NO_LESION : value.toFixed(2);

/** @param {number} threshold */
const aiAt = (threshold) => `the AI mask at threshold ${threshold.toFixed(2)}`;

/**
 * What a mask is based on, in a sentence.
 *
 * @param {Spec} spec
 */
function origin({ threshold, version }) {
  if (version !== null && version !== undefined) {
    const before = threshold === null ? "" : `, which started from ${aiAt(threshold)}`;
    return `Based on version ${version}${before}.`;
  }
  return threshold === null ? "Started from an empty mask." : `Started from ${aiAt(threshold)}.`;
}

/** @param {{ number: number, author: string }} version */
const versionName = ({ number, author }) => `Version ${number} by ${author}`;

/** Another reader's version, while it is the current mask and unchanged. */
function othersVersion() {
  const { touched, base } = correction.opened();
  if (touched.size) return undefined;
  return correctionStore
    .versions()
    .find(({ number, own }) => !own && number === base?.spec.version);
}

/** Name of the current mask. */
function currentName() {
  const line = othersVersion();
  return line ? versionName(line) : "Your correction";
}

/** Name of the mask that is drawn. */
export function name() {
  const { version } = correctionLayer;
  if (version) return versionName(version);
  return correction.isThere() ? currentName() : "Correction";
}

/** @param {State} state */
function showFigures(state) {
  const { study, k } = state.now;
  const here = correctionFigures.slice(state, k);
  const whole = correctionFigures.volume(state);
  byId("correction-ai").hidden = !correction.baseNow().ai;
  byId("correction-reference").hidden = !state.reference;
  const area = here.area === null ? NONE : amounts.areaWords(here.area, study);
  const [number, unit] =
    whole.area === null
      ? [NONE, ""]
      : amounts.volumeParts(whole.area, amounts.volumeMl(whole.areas ?? [], study));
  write("finding-own-volume", number);
  write("finding-own-volume-unit", unit && ` ${unit}`);
  write("correction-size-slice", area);
  write("correction-size-volume", [number, unit].filter(Boolean).join(" "));
  write("correction-ai-slice", diceText(here.ai));
  write("correction-ai-volume", diceText(whole.ai));
  write("correction-reference-slice", diceText(here.reference));
  write("correction-reference-volume", diceText(whole.reference));
}

/**
 * Shows the diameters of the current mask, except while a saved version is shown in its place.
 *
 * @param {Session} now
 */
function showDiameters(now) {
  const isShown = correctionLayer.versionShown() === null;
  const found = isShown ? measures.ofCorrection(now) : measures.NO_DIAMETERS;
  const { size, unit, k, where, criterion, isLate, which } = found;
  byId("correction-diameters").hidden = !size;
  const ids = ["correction-diameters-all", "correction-measurable", "finding-own-diameters-line"];
  for (const id of ids) byId(id).setAttribute("aria-busy", String(isLate));
  write("correction-diameters-all", where ? `${size}${unit}, ${where}` : size);
  write("correction-measurable", criterion);
  const line = byId("finding-own-diameters-line");
  line.hidden = k === null;
  write("finding-own-diameters", size);
  write("finding-own-diameters-unit", unit);
  line.setAttribute("aria-label", `${size}${unit}: go to slice ${numberOf(now.study, k ?? 0)}`);
  line.dataset.k = String(k ?? "");
  write("finding-own-diameters-caption", k === null ? "" : `${which}${measures.LABELS}, ${where}`);
}

/**
 * Puts volume and diameters of the current mask at the head of the findings, above those of the AI
 * mask, once the reader has corrected it.
 *
 * @param {State} state
 * @param {boolean} isThere Whether there is a corrected mask.
 */
function showHeadline({ now: { study } }, isThere) {
  byId("findings-study").dataset.corrected = String(isThere);
  byId("finding-own").hidden = !isThere;
  byId("finding-ai-name").hidden = !isThere || !study.result;
  byId("finding-title-ai").hidden = isThere;
  write("finding-own-name", currentName());
}

function update() {
  scheduled = false;
  const { state } = correction;
  if (!state) return;
  const isThere = correction.isThere();
  const isEditing = tools.group() === "edit";
  const versions = correctionStore.versions();
  const section = byId("findings-correction");
  section.hidden = !(isThere || isEditing || versions.length);
  if (isEditing && !wasEditing) section.scrollIntoView({ block: "nearest" });
  wasEditing = isEditing;
  const toggle = byId("viewer-show-correction");
  const shown = correctionLayer.versionShown();
  toggle.hidden = !isThere && !isEditing && shown === null;
  toggle.setAttribute("aria-pressed", String(state.now.show.correction));
  write("viewer-show-correction-words", name());
  write("correction-title", isThere || isEditing ? currentName() : "Corrections");
  byId("correction-figures").hidden = !isThere && !isEditing;
  write("correction-of", shown !== null && isThere ? notOfVersion(shown) : "");
  showHeadline(state, isThere);
  showFigures(state);
  showDiameters(state.now);
  write("correction-base", state.base ? origin(state.base.spec) : "");
  byId("correction-base").dataset.version = String(state.base?.spec.version ?? "");
  write("correction-state", isThere ? editBar.words() : "");
  byId("correction-from-ai").hidden = !isThere;
  list(state, versions);
}

/** @param {number} shown The version in view. */
function notOfVersion(shown) {
  const current = othersVersion() ? currentName() : "your draft";
  return `Version ${shown} is shown. The figures below, the tools and Save apply to ${current}.`;
}

/** Updates once per frame: a stroke emits an event for every move. */
function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(update);
}

// ---- versions ----
/**
 * @param {string} textContent
 * @param {string} label
 * @param {() => void} run
 */
function button(textContent, label, run) {
  const made = make("button", { type: "button", className: "button button--small", textContent });
  made.setAttribute("aria-label", label);
  made.addEventListener("click", run);
  return made;
}

/**
 * @param {State} state
 * @param {VersionLine} line
 */
function row({ now: { study } }, line) {
  const { number, author, saved_at: saved, facts, based_on: base } = line;
  const title = make("p", { className: "strong", textContent: `Version ${number}` });
  const agreement =
    facts.dice_ai === null ? "" : ` · Dice with AI mask ${facts.dice_ai.toFixed(2)}`;
  const lines = [
    `${author}, ${timeSinceToday(saved)}`,
    `${amounts.volumeWords(facts.area_px, facts.volume_ml)}${agreement}`,
    origin(base),
  ].map((textContent) => make("p", { className: "finding-text", textContent }));
  const show = button("Show", `Show version ${number}`, () => void flip(line));
  show.setAttribute("aria-pressed", String(correctionLayer.versionShown() === number));
  const edit = button("Edit this version", `Edit version ${number}`, () => void editFrom(line));
  const href = `/api/studies/${study.study_id}/versions/${number}.nii.gz`;
  const className = "button button--small";
  const file = make("a", { className, textContent: "NIfTI", href, download: "" });
  file.setAttribute("aria-label", `Download version ${number} as NIfTI`);
  for (const [action, element] of Object.entries({ show, edit, file }))
    element.dataset.action = action;
  const item = make(
    "li",
    {},
    title,
    ...lines,
    make("div", { className: "inline" }, show, edit, file),
  );
  item.dataset.version = String(number);
  item.dataset.basedOn = String(base.version ?? "");
  return item;
}

/**
 * @param {State} state
 * @param {readonly VersionLine[]} versions
 */
function list(state, versions) {
  const host = byId("correction-versions");
  byId("correction-versions-title").hidden = !versions.length;
  const numbers = versions.map(({ number }) => number);
  const shown = correctionLayer.versionShown();
  const key = JSON.stringify([numbers, shown, state.base?.spec.version ?? null]);
  if (host.dataset.key === key) return;
  host.dataset.key = key;
  const focused = document.activeElement;
  const action = focused instanceof HTMLElement && host.contains(focused) && focused.dataset.action;
  const number = focused?.closest("li")?.dataset.version;
  host.replaceChildren(...versions.map((line) => row(state, line)));
  if (!action) return;
  /** @type {HTMLElement | null} */
  const again = host.querySelector(`[data-version="${number}"] [data-action="${action}"]`);
  again?.focus();
}

/** Counts what the reader asked for: a version that arrives after another request is not shown. */
let turn = 0;

/**
 * The mask of a version; null if it cannot be loaded, or if the reader has asked for something else
 * or left the study meanwhile.
 *
 * @param {VersionLine} line
 */
async function fetched(line) {
  const mine = ++turn;
  const { state } = correction;
  const isWanted = () => mine === turn && correction.state === state;
  try {
    const found = await correctionStore.version(line.number);
    return isWanted() ? found : null;
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    return isWanted() ? note(`Version ${line.number} could not be loaded. ${why}`) : null;
  }
}

/** @param {VersionLine} line */
async function flip(line) {
  if (correctionLayer.versionShown() === line.number) {
    turn++;
    return correctionLayer.showVersion(null);
  }
  const found = await fetched(line);
  if (found) correctionLayer.showVersion({ ...line, ...found });
}

/** @param {VersionLine} line */
async function editFrom(line) {
  const found = await fetched(line);
  const label = `Version ${line.number}`;
  if (found) ask(versionName(line), () => correction.replace(label, found.base));
}

function fromAi() {
  const replace = () => correction.replace("AI mask", correction.aiBase(viewer.opened()));
  ask("The current AI mask", replace);
}

/**
 * Replaces the current mask, after asking if it has changes that are in no version.
 *
 * @param {string} replacement Name of the mask that replaces it.
 * @param {() => void} replace
 */
function ask(replacement, replace) {
  const state = correction.opened();
  const count = state.touched.size;
  if (!count || correctionStore.isSaved()) return replace();
  confirmed = () => {
    if (correction.state === state) replace();
  };
  const slices = counted(count, "slice");
  write(
    "correction-ask-words",
    `Your draft has changes on ${slices} that are not saved as a version. ${replacement} will` +
      " replace it. Undo restores the draft until you leave this study.",
  );
  const dialog = byId("correction-ask", HTMLDialogElement);
  dialog.dataset.slices = String(count);
  dialog.showModal();
  byId("correction-ask-keep").focus();
}

/** @param {MouseEvent} event */
function answer(event) {
  const dialog = byId("correction-ask", HTMLDialogElement);
  const target = targetOf(event);
  const isConfirmed = Boolean(target.closest("#correction-ask-replace"));
  if (!isConfirmed && target !== dialog && !target.closest("#correction-ask-keep")) return;
  dialog.close();
  if (isConfirmed) confirmed?.();
  confirmed = null;
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  byId("correction-from-ai").addEventListener("click", fromAi, { signal });
  byId("correction-ask").addEventListener("click", answer, { signal });
  const goThere = (/** @type {MouseEvent} */ event) => {
    letGoOfClick(event);
    const { k } = byId("finding-own-diameters-line").dataset;
    if (k) viewer.goTo(Number(k));
  };
  byId("finding-own-diameters-line").addEventListener("click", goThere, { signal });
  return all([
    correction.on(["open", "change", "loaded", "live"], schedule),
    correctionStore.on("status", schedule),
    correctionLayer.on("version", schedule),
    editBar.on("words", schedule),
    bidimensional.on(schedule),
    viewer.on(["slice", "display", "threshold", "measures", "painted", "areas"], schedule),
  ]);
}
