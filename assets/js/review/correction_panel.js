// @ts-check
/** The findings panel's section on the reader's mask, and its button in the legend. */

/** @import { Session } from "../viewer/session.js" */
/** @import { Spec, State } from "../correct/correction.js" */
/** @import { VersionLine } from "../correct/correction_store.js" */

import { byId, make, targetOf, write } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as correction from "../correct/correction.js";
import * as correctionFigures from "../correct/correction_figures.js";
import * as correctionLayer from "../correct/correction_layer.js";
import * as correctionStore from "../correct/correction_store.js";
import * as editBar from "../correct/edit_bar.js";
import { say } from "../correct/said.js";
import * as bidimensional from "../measure/bidimensional.js";
import * as measures from "../measure/measures.js";
import * as amounts from "../viewer/amounts.js";
import * as tools from "../viewer/tools.js";
import * as viewer from "../viewer/viewer.js";

const NONE = "–";
let scheduled = false;
let wasEditing = false;
/** @type {(() => void) | null} what the reader is asked about */
let agreed = null;

/** @param {number | "empty" | null} value */
const diceWords = (value) =>
  value === null ? NONE : value === "empty" ? "both empty" : value.toFixed(2);

/** @param {number} threshold */
const aiAt = (threshold) => `the AI's mask at threshold ${threshold.toFixed(2)}`;

/**
 * What a mask departs from, in words.
 *
 * @param {Spec} spec
 */
function origin({ threshold, version }) {
  if (version !== null && version !== undefined) {
    const before = threshold === null ? "" : `, which began from ${aiAt(threshold)}`;
    return `Goes on from version ${version}${before}.`;
  }
  return threshold === null ? "Began from an empty mask." : `Began from ${aiAt(threshold)}.`;
}

/** @param {{ number: number, author: string }} version */
const versionName = ({ number, author }) => `Version ${number} by ${author}`;

/** Another reader's version that is in hand: it stays theirs until something was changed. */
function othersVersion() {
  const { touched, base } = correction.opened();
  if (touched.size) return undefined;
  return correctionStore
    .versions()
    .find(({ number, own }) => !own && number === base?.spec.version);
}

/** Whose mask is in hand. */
function mine() {
  const line = othersVersion();
  return line ? versionName(line) : "Your correction";
}

/** What is drawn, in words. */
export function name() {
  const { version } = correctionLayer;
  if (version) return versionName(version);
  return correction.isThere() ? mine() : "Correction";
}

/** @param {State} state */
function showFigures(state) {
  const { study, k } = state.now;
  const here = correctionFigures.slice(state, k);
  const whole = correctionFigures.volume(state);
  byId("correction-ai").hidden = !correction.baseNow().ai;
  byId("correction-reference").hidden = !state.reference;
  const area = here.area === null ? NONE : amounts.areaWords(here.area, study);
  const volume =
    whole.area === null
      ? NONE
      : amounts.volumeWords(whole.area, amounts.volumeMl(whole.areas ?? [], study));
  write("correction-size-slice", area);
  write("correction-size-volume", volume);
  write("correction-ai-slice", diceWords(here.ai));
  write("correction-ai-volume", diceWords(whole.ai));
  write("correction-reference-slice", diceWords(here.reference));
  write("correction-reference-volume", diceWords(whole.reference));
}

/**
 * Of the mask in hand, and so not while a version is shown in its place.
 *
 * @param {Session} now
 */
function showDiameters(now) {
  const isShown = correctionLayer.versionShown() === null;
  const none = { size: "", criterion: "", isLate: false };
  const { size, criterion, isLate } = isShown ? measures.ofCorrection(now) : none;
  byId("correction-diameters").hidden = !size;
  for (const id of ["correction-diameters-all", "correction-measurable"])
    byId(id).setAttribute("aria-busy", String(isLate));
  write("correction-diameters-all", size);
  write("correction-measurable", criterion);
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
  write("correction-title", isThere || isEditing ? mine() : "Corrections");
  byId("correction-figures").hidden = !isThere && !isEditing;
  write("correction-of", shown !== null && isThere ? notOfVersion(shown) : "");
  showFigures(state);
  showDiameters(state.now);
  write("correction-base", state.base ? origin(state.base.spec) : "");
  write("correction-state", isThere ? editBar.words() : "");
  byId("correction-from-ai").hidden = !isThere;
  list(state, versions);
}

/** @param {number} shown The version in view. */
function notOfVersion(shown) {
  const whose = othersVersion() ? mine() : "your draft";
  return (
    `Version ${shown} is in view. These figures are of ${whose}:` +
    " the tools and Save go on with it."
  );
}

/** Once a frame: a stroke reports every move. */
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
    facts.dice_ai === null ? "" : ` · Dice with the AI's mask ${facts.dice_ai.toFixed(2)}`;
  const lines = [
    `${author}, ${editBar.time(saved)}`,
    `${amounts.volumeWords(facts.area_px, facts.volume_ml)}${agreement}`,
    origin(base),
  ].map((textContent) => make("p", { className: "finding-text", textContent }));
  const show = button("Show", `Show version ${number}`, () => void flip(line));
  show.setAttribute("aria-pressed", String(correctionLayer.versionShown() === number));
  const goesOn = button("Go on from here", `Go on from version ${number}`, () => void goOn(line));
  const href = `/api/studies/${study.study_id}/versions/${number}.nii.gz`;
  const className = "button button--small";
  const file = make("a", { className, textContent: "NIfTI", href, download: "" });
  file.setAttribute("aria-label", `Version ${number} as a NIfTI file`);
  return make("li", {}, title, ...lines, make("div", { className: "inline" }, show, goesOn, file));
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
  host.replaceChildren(...versions.map((line) => row(state, line)));
}

/** @param {VersionLine} line */
async function fetched(line) {
  try {
    return await correctionStore.version(line.number);
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    return say(`Version ${line.number} could not be loaded: ${why}`);
  }
}

/** @param {VersionLine} line */
async function flip(line) {
  if (correctionLayer.versionShown() === line.number) return correctionLayer.showVersion(null);
  const found = await fetched(line);
  if (found) correctionLayer.showVersion({ ...line, ...found });
}

/** @param {VersionLine} line */
async function goOn(line) {
  const found = await fetched(line);
  const label = `Version ${line.number}`;
  if (found) ask(versionName(line), () => correction.replace(label, found.base));
}

function fromAi() {
  const replace = () => correction.replace("AI's mask", correction.aiBase(viewer.opened()));
  ask("The AI's mask in view", replace);
}

/**
 * What was drawn since the last version gives way only when the reader says so; Undo brings it
 * back.
 *
 * @param {string} what
 * @param {() => void} replace
 */
function ask(what, replace) {
  const state = correction.opened();
  const count = state.touched.size;
  if (!count || correctionStore.isSaved()) return replace();
  agreed = () => {
    if (correction.state === state) replace();
  };
  const slices = `${count} ${count === 1 ? "slice" : "slices"}`;
  write(
    "correction-ask-words",
    `Your draft has changes on ${slices} that no version holds.` +
      ` ${what} would take its place; Undo brings it back until you leave this study.`,
  );
  byId("correction-ask", HTMLDialogElement).showModal();
  byId("correction-ask-keep").focus();
}

/** @param {MouseEvent} event */
function answer(event) {
  const dialog = byId("correction-ask", HTMLDialogElement);
  const target = targetOf(event);
  const agrees = Boolean(target.closest("#correction-ask-replace"));
  if (!agrees && target !== dialog && !target.closest("#correction-ask-keep")) return;
  dialog.close();
  if (agrees) agreed?.();
  agreed = null;
}

/** @param {AbortSignal} signal Takes the listeners off the page's elements. */
export function mount(signal) {
  byId("correction-from-ai").addEventListener("click", fromAi, { signal });
  byId("correction-ask").addEventListener("click", answer, { signal });
  return all([
    correction.on(["open", "change", "loaded", "live"], schedule),
    correctionStore.on("status", schedule),
    correctionLayer.on("version", schedule),
    editBar.on("words", schedule),
    bidimensional.on(schedule),
    viewer.on(["slice", "display", "threshold", "measures", "painted", "areas"], schedule),
  ]);
}
