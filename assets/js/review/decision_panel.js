// @ts-check
/**
 * Decision and signature: who has the study, the four decisions with their keys, what is missing
 * before one can be recorded, signing, amending. The reading itself is in reading_store.js.
 */

/** @import { Decision, Reading, Verdict } from "./reading_store.js" */

import { byId, find, letGoOfClick, listenerOf, targetOf } from "../frame/dom.js";
import { all, Events } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import { counted } from "../frame/number_words.js";
import * as reader from "../frame/reader.js";
import { NO_ANSWER } from "../frame/server.js";
import * as lock from "../viewer/lock.js";
import { note } from "../viewer/notes.js";
import * as viewer from "../viewer/viewer.js";
import { dateAndTime } from "../frame/times.js";
import * as lesionList from "./lesion_list.js";
import * as readingStore from "./reading_store.js";
import * as studyEntries from "./study_entries.js";
import * as studyLoad from "./study_load.js";

const CONTRADICTED =
  "The mask was changed after it was accepted. Choose Accept with changes, or undo the change.";
const NEEDS_REASON = ["reject", "cannot assess"];
/** @type {Readonly<Record<Reading["state"], string>>} */
const STATES = {
  new: "New",
  analysed: "Analysed",
  "in review": "In review",
  read: "Read, not signed",
  signed: "Signed",
  amended: "Amended",
};
/** @type {Events<"change">} */
const events = new Events();
/** Listens to whether Enter signs. */
export const { on } = events;
/** @type {studyEntries.OpenStudy} */
let openStudy = () => {};
/** Why the last decision was refused, in a sentence, or "" once that is no longer so. */
let refusal = () => "";
/** @type {Verdict | null} waits for its reason; the one before counts until then */
let pending = null;
/** Ends when the decision that was asked for last is recorded or refused. It never rejects. */
let deciding = Promise.resolve();
/** Whether the last decision was refused, and the reader has not gone on since. */
let isRefused = false;
/** The study that this reader has, "" while they have none. */
let held = "";

/** @param {Verdict} verdict */
const label = (verdict) => verdict[0].toUpperCase() + verdict.slice(1);

/**
 * The decision as recorded, in one line.
 *
 * @param {Reading} reading
 * @param {string} [unsigned] What the line says of one that is not signed.
 */
export function statusText({ decision, state, records }, unsigned = "Not signed.") {
  const [last] = records;
  if (readingStore.isSignedState(state) && last) {
    const at = dateAndTime(last.signed_at);
    return `${label(last.verdict)}. ${STATES[state]} by ${last.author}, ${at}.`;
  }
  if (!decision?.by) return "";
  const why = decision.reason ? ` (${decision.reason})` : "";
  return `${label(decision.verdict)}${why}, by ${decision.by.author}. ${unsigned}`;
}

/**
 * What is missing before a decision, in a sentence, or "".
 *
 * @param {number} missing Marked slices that were not on screen.
 */
export const missingText = (missing) =>
  missing ? `${counted(missing, "marked slice")} not seen yet.` : "";

/**
 * That a decision waits for its reason, and which one is recorded until then.
 *
 * @param {Verdict} waiting
 * @param {Decision | null | undefined} recorded
 */
export const reasonText = (waiting, recorded) =>
  `Choose a reason for “${label(waiting)}”.` +
  (recorded ? ` Until then “${label(recorded.verdict)}” stays recorded.` : "");

/**
 * What the line below the choices says: why something was refused, and always what is recorded.
 *
 * @param {string} refused Why the last decision was refused, or "".
 * @param {string} status The decision as recorded, or "".
 * @param {boolean} isContradicted Whether the mask in view is not the one that was accepted.
 */
export const lineText = (refused, status, isContradicted) =>
  [refused || (isContradicted ? CONTRADICTED : ""), status].filter(Boolean).join(" ");

/** Whether Enter signs: a decision is recorded here, and it is not signed yet. */
export const isReadyToSign = () => {
  const reading = readingStore.now();
  if (!reading?.decision || (reading.claim && !reading.claim.own)) return false;
  return readingStore.isAmending() || !readingStore.isSignedState(reading.state);
};

function show() {
  if (!find("decision")) return;
  const reading = readingStore.now();
  const isSigned = readingStore.isSigned();
  const isAmending = readingStore.isAmending();
  const isFrozen = isSigned && !isAmending;
  const isOthers = Boolean(reading?.claim && !reading.claim.own);
  byId("decision").hidden = !reading;
  showState(reading);
  events.emit("change");
  if (!reading) return;
  showClaim(reading);
  const missing = readingStore.remaining().length;
  byId("decision-signed").hidden = !isFrozen;
  byId("decision-amend").hidden = isOthers; // they can take over what is open
  byId("decision-signed-words").textContent = isSigned ? statusText(reading) : "";
  byId("decision-amendment-field").hidden = !isAmending;
  byId("decision-discard").hidden = !isAmending;
  byId("decision-choices").hidden = isOthers || isFrozen;
  byId("decision-more").hidden = isFrozen;
  const recorded = isFrozen ? null : reading.decision;
  for (const choice of choices()) {
    choice.setAttribute("aria-pressed", String(choice.dataset.verdict === recorded?.verdict));
    choice.toggleAttribute("data-waits", choice.dataset.verdict === pending);
    choice.disabled = isOthers;
  }
  const missingWords = !isOthers && !isFrozen && !reading.decision ? missingText(missing) : "";
  const unsigned = isAmending ? "Amendment not signed." : undefined;
  const status = isFrozen ? "" : statusText({ ...reading, state: "read" }, unsigned);
  const unsaved = isOthers ? "" : readingStore.words(); // who has the study is said above
  const isContradicted = recorded?.verdict === "accept" && lesionList.isMaskChanged() === true;
  const line = lineText(refusal() || unsaved, status, isContradicted);
  const isWarning = Boolean(refusal()) || isContradicted;
  byId("decision-status").textContent = line || missingWords;
  byId("decision-status").dataset.state = isWarning ? "refused" : (recorded?.verdict ?? "");
  byId("decision-withdraw").hidden = !recorded || isOthers || isAmending;
  byId("decision-show").hidden = !missing || isOthers || isFrozen || Boolean(reading.decision);
}

/** @param {Reading | null} reading */
function showState(reading) {
  const chip = byId("top-state");
  chip.hidden = !reading;
  const words = readingStore.isAmending() ? "Amending" : reading && STATES[reading.state];
  chip.textContent = words ?? "";
  chip.dataset.state = reading?.state ?? "";
}

/** @param {Reading} reading */
function showClaim({ claim }) {
  const isOthers = Boolean(claim && !claim.own);
  const study = viewer.now?.study.study_id ?? "";
  if (isOthers && held === study) note(`${claim?.author} took over this study.`, "taken-over");
  held = claim?.own ? study : "";
  const others = readingStore.others();
  byId("decision-claim").hidden = !isOthers && !others.length;
  byId("decision-take-over").hidden = !isOthers;
  byId("decision-claim-words").textContent = isOthers
    ? `${claim?.author} is ${readingStore.isSigned() ? "amending" : "reading"} this study.`
    : `Also open: ${others.join(", ")}.`;
}

/** @returns {NodeListOf<HTMLButtonElement>} */
const choices = () => document.querySelectorAll("#decision-choices [data-verdict]");

/** @param {string} id */
const valueOf = (id) => byId(id, HTMLSelectElement).value || null;

/** @param {Decision | null} decision */
function fill(decision) {
  byId("decision-reason", HTMLSelectElement).value = decision?.reason ?? "";
  byId("decision-difficulty", HTMLSelectElement).value = decision?.difficulty ?? "";
  byId("decision-comment", HTMLTextAreaElement).value = decision?.comment ?? "";
}

/**
 * Runs with the reader's name; asks for it first where it is missing.
 *
 * @param {() => void} run
 */
const withName = (run) =>
  reader.withName("Enter your name. It is stored with the decision and the signature.", run, () =>
    say("Nothing was recorded: a decision needs your name."),
  );

/** That marked slices are to be looked at before a decision, or "". */
function unseenText() {
  const missing = lock.isLocked() ? 0 : readingStore.remaining().length;
  return missing ? `${missingText(missing)} Look at ${missing === 1 ? "it" : "them"} first.` : "";
}

/**
 * Runs after the decisions that are under way.
 *
 * @param {() => Promise<void>} run
 */
function inTurn(run) {
  deciding = deciding.then(run).catch((error) => console.error(error)); // the next ones still run
}

/**
 * Records a decision, after one that is under way.
 *
 * @param {Verdict} verdict
 */
function press(verdict) {
  const { now } = viewer;
  if (!now?.painted) return void note("The study is still loading. Decide when it is on screen.");
  inTurn(async () => {
    await readingStore.entered();
    if (viewer.now === now) await choose(verdict);
  });
}

/** @param {Verdict} verdict */
async function choose(verdict) {
  const reading = readingStore.now();
  if (!reading) return say(`${NO_ANSWER} Nothing was recorded.`);
  const { claim } = reading;
  if (claim && !claim.own)
    return say(`${claim.author} is reading this study. Take it over to decide.`);
  if (lock.isLocked()) return say("This study is signed. Choose Amend first.");
  if (isRecordedByReader(reading, verdict)) return keepRecorded(verdict);
  if (unseenText()) return refuse(unseenText);
  if (NEEDS_REASON.includes(verdict) && !valueOf("decision-reason")) return askReason(verdict);
  await recordNamed(verdict);
}

/**
 * Whether this reader has recorded a decision already. In an amendment it is recorded again.
 *
 * @param {Reading} reading
 * @param {Verdict} verdict
 */
const isRecordedByReader = ({ decision }, verdict) =>
  !readingStore.isAmending() &&
  decision?.verdict === verdict &&
  decision.by?.author === reader.now.shown;

/**
 * Shows that a decision waits for its reason.
 *
 * @param {Verdict} verdict
 */
function askReason(verdict) {
  pending = verdict;
  byId("decision-more", HTMLDetailsElement).open = true;
  byId("decision-reason").focus();
  refuse(() => reasonText(verdict, readingStore.now()?.decision));
}

/**
 * Leaves the recorded decision as it is; one that waits for its reason is given up.
 *
 * @param {Verdict} verdict
 */
function keepRecorded(verdict) {
  pending = null;
  say("");
  note(`${label(verdict)} is recorded. Choose Withdraw to take it back.`, "decided");
}

/**
 * Records a decision with the reader's name. What waits for decisions waits for this one, also
 * where the reader enters the name first.
 *
 * @param {Verdict | null} verdict
 */
async function recordNamed(verdict) {
  const { now } = viewer;
  /** @type {Promise<void> | undefined} */
  let recorded;
  withName(() => {
    if (viewer.now !== now) return;
    const done = record(verdict);
    recorded = done;
    inTurn(() => done);
  });
  await recorded;
}

/** Takes back the recorded decision. */
function withdraw() {
  inTurn(async () => {
    if (readingStore.now()?.decision && !lock.isLocked()) await recordNamed(null);
  });
}

/** @param {Verdict | null} verdict Null withdraws the decision. */
async function record(verdict) {
  const comment = byId("decision-comment", HTMLTextAreaElement).value;
  const decision = verdict && {
    verdict,
    reason: valueOf("decision-reason"),
    difficulty: valueOf("decision-difficulty"),
    comment,
  };
  pending = null;
  const { now } = viewer;
  const error = await readingStore.decide(decision);
  if (viewer.now !== now) return; // what follows would be said of another study
  sayRefused(error, verdict);
  if (!error) note(verdict ? `${label(verdict)} recorded.` : "Decision withdrawn.", "decided");
}

/** Records the decision once its reason is chosen, or again with another reason or comment. */
function changed() {
  const verdict = pending ?? readingStore.now()?.decision?.verdict;
  if (!verdict || lock.isLocked()) return;
  if (NEEDS_REASON.includes(verdict) && !valueOf("decision-reason")) return;
  withName(() => inTurn(() => record(verdict)));
}

/** @param {string} sentence */
const say = (sentence) => refuse(() => sentence);

/**
 * Says why a decision or a signature was refused. If it did not fit the mask in view, the sentence
 * goes when it fits the mask: the reader has undone a change, or drawn one.
 *
 * @param {string} error A sentence, or "".
 * @param {Verdict | null} verdict
 */
function sayRefused(error, verdict) {
  if (readingStore.refusedField() !== "verdict") return say(error);
  const fitsChanged = verdict !== "accept";
  let isOver = false;
  refuse(() => {
    isOver ||= lesionList.isMaskChanged() === fitsChanged;
    return isOver ? "" : error;
  });
}

/**
 * Shows why something was refused, in the panel, or over the image where the panel is folded.
 *
 * @param {() => string} why
 */
function refuse(why) {
  refusal = why;
  const sentence = why();
  isRefused = Boolean(sentence);
  show();
  const place = find("decision-status");
  if (sentence && place && !place.checkVisibility()) note(sentence, "refused");
}

/**
 * Signs the study if a decision is recorded; waits for one that was just asked for. After a
 * refused decision, the reader goes on only when they ask again.
 *
 * @returns {Promise<boolean>} Whether the reader may go on to the next study.
 */
export async function signIfReady() {
  await Promise.all([deciding, readingStore.entered()]);
  if (pending) {
    askReason(pending);
    return false;
  }
  if (isRefused) {
    isRefused = false;
    const recorded = isReadyToSign() && readingStore.now()?.decision?.verdict;
    const next = recorded ? `sign “${label(recorded)}”` : "leave this study unsigned";
    note(`The last decision was not recorded. Go on again to ${next}.`, "unsigned");
    return false;
  }
  if (!isReadyToSign()) return true;
  if (reader.now.can_rename && !reader.now.name) {
    withName(() => undefined);
    return false;
  }
  const isAmending = readingStore.isAmending();
  const reason = isAmending ? byId("decision-amendment", HTMLTextAreaElement).value.trim() : "";
  if (isAmending && !reason) {
    byId("decision-amendment").focus();
    say("Give the reason for the amendment.");
    isRefused = false; // no decision was
    return false;
  }
  const { now } = viewer;
  const verdict = readingStore.now()?.decision?.verdict ?? null;
  const error = await readingStore.sign(reason);
  if (viewer.now !== now) return false; // the reader has gone on already
  sayRefused(error, verdict);
  isRefused = false;
  return !error;
}

/** Starts an amendment; a decision that is pressed meanwhile waits for it. */
function amend() {
  const { now } = viewer;
  inTurn(async () => {
    const error = await readingStore.amend();
    if (viewer.now !== now || !find("decision")) return;
    say(error);
    if (error) return;
    fill(readingStore.now()?.decision ?? null);
    byId("decision-amendment").focus();
  });
}

/**
 * The question before an amendment is discarded.
 *
 * @param {readonly string[]} changes
 */
export function discardWords(changes) {
  const rest = changes.slice(0, -1).join(", ");
  const listed = [rest, changes[changes.length - 1]].filter(Boolean).join(" and ");
  return (
    `What this amendment changed returns to what was signed: ${listed}. Versions that were saved` +
    " in it stay in the list of versions."
  );
}

/** Ends the amendment without a signature; asks first if it changed something. */
async function discard() {
  await deciding;
  const { now } = viewer;
  const { error, changes } = await readingStore.amended();
  if (viewer.now !== now || !find("decision")) return;
  if (error) return say(error);
  if (!changes.length) return say(await drop());
  studyEntries.askReader({
    title: "Discard the amendment?",
    words: discardWords(changes),
    fields: [],
    save: "Discard amendment",
    run: drop,
  });
}

/** @returns {Promise<string>} Why the amendment was not discarded, in a sentence, or "". */
async function drop() {
  const { now } = viewer;
  const error = await readingStore.discard();
  if (error || viewer.now !== now || !now) return error;
  studyLoad.forget(); // spacing and reference may be others again
  openStudy({ study_id: now.study.study_id, slice: now.study.indices[now.k] });
  note("Amendment discarded.", "discarded");
  return "";
}

function showNextMarked() {
  const [k] = readingStore.remaining();
  if (k !== undefined) viewer.goTo(k);
}

/** @param {MouseEvent} event */
function onClick(event) {
  const chosen = targetOf(event).closest("[data-verdict]");
  letGoOfClick(event);
  if (chosen instanceof HTMLElement) press(/** @type {Verdict} */ (chosen.dataset.verdict));
}

/** @type {string | null} what is filled in, so that typing is not overwritten */
let filled = null;

function changedReading() {
  const reading = readingStore.now();
  const state = reading && JSON.stringify(reading.decision);
  if (find("decision") && state !== filled) {
    filled = state;
    fill(reading?.decision ?? null);
  }
  show();
}

/**
 * @param {AbortSignal} signal Removes the listeners from the page's elements.
 * @param {studyEntries.OpenStudy} reopen
 */
export function mount(signal, reopen) {
  openStudy = reopen;
  refusal = () => "";
  isRefused = false;
  pending = null;
  filled = null;
  byId("decision-choices").addEventListener("click", onClick, { signal });
  for (const id of ["decision-reason", "decision-difficulty", "decision-comment"])
    byId(id).addEventListener("change", changed, { signal });
  /** @type {[string, () => void][]} */
  const buttons = [
    ["decision-take-over", () => void readingStore.takeOver()],
    ["decision-amend", amend],
    ["decision-discard", () => void discard()],
    ["decision-show", showNextMarked],
    ["decision-withdraw", withdraw],
  ];
  for (const [id, run] of buttons) {
    const click = (/** @type {MouseEvent} */ event) => {
      letGoOfClick(event);
      listenerOf(event).closest("details")?.removeAttribute("open");
      run();
    };
    byId(id).addEventListener("click", click, { signal });
  }
  show();
  /**
   * @param {string} id
   * @param {string} key
   * @param {Verdict} verdict
   */
  const binding = (id, key, verdict) => ({
    id: `decision.${id}`,
    key,
    label: label(verdict),
    run: () => press(verdict),
  });
  return all([
    keys.add("Decision", [
      binding("accept", "a", "accept"),
      binding("changes", "Shift+a", "accept with changes"),
      binding("reject", "Shift+r", "reject"),
      binding("cannot", "Shift+c", "cannot assess"),
    ]),
    readingStore.on(changedReading),
    viewer.on("open", () => {
      refusal = () => "";
      isRefused = false;
      pending = null;
    }),
    viewer.on("result", show),
    lesionList.on("change", show),
    () => showState(null),
  ]);
}
