// @ts-check
/**
 * Prior studies of the patient: the list in the rail, the prior beside the image, registered where
 * the server could do that reliably, and what has changed since. The server side is
 * dashboard/api/priors.py.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Comparison } from "./reading_store.js" */

import * as correction from "../correct/correction.js";
import { byId, find, make, query } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import { changeWords, mlWords } from "../frame/volume_words.js";
import { loadPlotly } from "../frame/plotly.js";
import { ask, isFinal, NO_ANSWER, pauseOf } from "../frame/server.js";
import * as shell from "../frame/shell.js";
import { Wheel } from "../viewer/pointer.js";
import * as lock from "../viewer/lock.js";
import { note } from "../viewer/notes.js";
import * as viewer from "../viewer/viewer.js";
import * as readingStore from "./reading_store.js";
import * as studyEntries from "./study_entries.js";

/**
 * A study of the patient.
 *
 * @typedef {object} TimePoint
 * @property {string} study_id
 * @property {string} study_date
 * @property {string} state
 * @property {"signed" | "version" | "ai" | ""} source
 * @property {string} mask
 * @property {number | null} volume_ml
 * @property {number | null} longest
 * @property {number | null} perpendicular
 * @property {"mm" | "px"} unit
 * @property {[string, string, string, string] | null} letters
 * @property {string} withheld Why no figures of its AI mask are given, or "".
 * @property {string} linked_by The reader who says that it is the patient's, or "".
 */

/**
 * A study with the same patient id that is not shown.
 *
 * @typedef {object} Contradicted
 * @property {string} study_id
 * @property {string} study_date
 * @property {string[]} contradictions
 * @property {string} cut_by The reader who says that it is another patient's, or "".
 */

/**
 * @typedef {object} Priors
 * @property {boolean} is_stated
 * @property {TimePoint[]} priors
 * @property {Contradicted[]} contradicted
 * @property {{ data: any[], layout: any } | null} chart
 * @property {string} slice_url
 */

/**
 * @typedef {object} Doc
 * @property {Session} session
 * @property {Priors | null} found Null until it is loaded.
 * @property {TimePoint | null} chosen The prior beside the image.
 * @property {boolean} isAsked Whether the reader asked for it before the list was loaded.
 * @property {string} failure Why the list cannot be loaded, in a sentence, or "".
 * @property {boolean} isOpen
 * @property {boolean} canRegister Whether a reliable registration exists.
 * @property {boolean} isRegistered Whether the prior is shown registered.
 * @property {string} status Why it is not, or how far it is.
 * @property {HTMLElement | null} chart Where the chart over time is drawn.
 * @property {string} shown Address of the picture on screen or on its way.
 * @property {boolean} isLoading
 * @property {number} failures How often a picture has failed to load since one did.
 * @property {number} again Timer of the next try to load it.
 * @property {number} timer Of the next try to load the list.
 * @property {number} poll Timer of the next question about the registration.
 * @property {number} turn Counts how often a prior was opened: answers for an earlier one are late.
 * @property {number} tries
 */

const POLL_MS = 600;
const CHART_PX = 170;
const CHART = { displayModeBar: false, responsive: true };
const SOURCES = { signed: "signed", version: "corrected", ai: "AI", "": "not analysed" };
/** @type {Doc | null} of the study in view */
let doc = null;

/**
 * "61.0 mL · 55 × 41 mm"
 *
 * @param {Pick<TimePoint, "volume_ml" | "longest" | "perpendicular" | "unit">} point
 */
export function sizeText({ volume_ml: ml, longest, perpendicular, unit }) {
  const digits = (/** @type {number} */ value) =>
    value.toFixed(unit === "mm" && value < 10 ? 1 : 0);
  return [
    ml === null ? "" : `${mlWords(ml)} mL`,
    longest === null || perpendicular === null
      ? ""
      : `${digits(longest)} × ${digits(perpendicular)} ${unit}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/**
 * The words of a change; "" where a volume is not known.
 *
 * @param {number | null} now
 * @param {number | null} before
 */
const changeText = (now, before) =>
  now === null || before === null ? "" : changeWords(now, before);

/**
 * What became of lesions that belong together.
 *
 * @param {Comparison["lesions"][number]} change
 */
export function lesionText({
  lesions,
  prior_lesions: before,
  volume_ml: ml,
  prior_volume_ml: was,
}) {
  const names = (/** @type {readonly number[]} */ numbers) =>
    `${numbers.length === 1 ? "Lesion" : "Lesions"} ${numbers.join(", ")}`;
  const size = (/** @type {number | null} */ one) => (one === null ? "" : `, ${mlWords(one)} mL`);
  if (!before.length) return `${names(lesions)}: new${size(ml)}`;
  if (!lesions.length)
    return `${names(before)} of the prior: no longer outlined${size(was)} before`;
  const words = changeText(ml, was);
  const merged = before.length > 1 ? ` (prior lesions ${before.join(", ")})` : "";
  return `${names(lesions)}${merged}: ${words || "also in the prior"}`;
}

const theme = () => (document.documentElement.dataset.theme === "light" ? "light" : "dark");

/** @param {Doc} mine */
async function load(mine) {
  clearTimeout(mine.timer);
  const { study_id: id } = mine.session.study;
  const answer = await ask(`/api/studies/${id}/priors?theme=${theme()}`);
  if (doc !== mine) return;
  if (!answer.ok && !isFinal(answer.status)) {
    mine.timer = setTimeout(() => void load(mine), pauseOf(mine.tries++));
    return;
  }
  if (!answer.ok) {
    mine.failure = `Prior studies cannot be listed. ${answer.body.error || NO_ANSWER}`;
    if (mine.isAsked) note(mine.failure);
    mine.isAsked = false;
    return;
  }
  mine.failure = "";
  mine.tries = 0;
  mine.found = answer.body;
  const known = mine.found?.priors.find((one) => one.study_id === mine.chosen?.study_id);
  if (!known) mine.isOpen = false; // it was cut meanwhile
  mine.chosen = known ?? mine.found?.priors[0] ?? null;
  fillRail(mine);
  void drawChart(mine);
  show(mine);
  if (mine.isAsked) toggle();
}

/** @param {Pick<Contradicted, "study_date">} study */
const named = ({ study_date: date }) => `study${date ? ` of ${date}` : " without a date"}`;

/** @param {Contradicted} study */
export function contradictionText(study) {
  if (study.cut_by) return `Not shown: a ${named(study)}, another patient's (${study.cut_by}).`;
  const what = study.contradictions.join(" and ");
  return `Not shown: a ${named(study)} with this patient ID and another ${what}.`;
}

/**
 * Asks whether a study is the patient's or not, whatever its files state.
 *
 * @param {Doc} mine
 * @param {Pick<Contradicted, "study_id" | "study_date">} study
 * @param {boolean} isSame
 */
function askToLink(mine, study, isSame) {
  const shown = isSame
    ? "It is then shown as a prior, to every reader, and marked with your name."
    : "It is then no longer shown as a prior, to any reader. Signed records stay as they are.";
  studyEntries.askReader({
    title: isSame ? "Same patient?" : "Not this patient?",
    words: `You say that the ${named(study)} is ${isSame ? "this" : "another"} patient's. ${shown}`,
    fields: [],
    save: isSame ? "Same patient" : "Not this patient",
    run: () => link(mine, study.study_id, isSame),
  });
}

/**
 * @param {Doc} mine
 * @param {string} id
 * @param {boolean | null} isSame Null for what the files state.
 * @returns {Promise<string>} Why it is not stored, in a sentence, or "".
 */
async function link(mine, id, isSame) {
  const address = `/api/studies/${mine.session.study.study_id}/priors/${id}/link`;
  const answer = await ask(address, { method: "PUT", body: JSON.stringify({ is_same: isSame }) });
  if (!answer.ok) return answer.body.error || NO_ANSWER;
  if (doc === mine) await load(mine);
  return "";
}

/** @param {Doc} mine */
const unlink = (mine, /** @type {string} */ id) =>
  void link(mine, id, null).then((error) => error && note(error));

/**
 * @param {string} textContent
 * @param {() => void} run
 */
function linkButton(textContent, run) {
  const button = make("button", { type: "button", className: "button button--link", textContent });
  button.addEventListener("click", run);
  return button;
}

/** @param {Doc} mine */
function fillRail(mine) {
  const { priors, contradicted } = /** @type {Priors} */ (mine.found);
  byId("priors-section").hidden = !priors.length && !contradicted.length;
  byId("priors-compare").hidden = !priors.length;
  byId("priors").replaceChildren(...priors.flatMap((one) => [card(mine, one), cut(mine, one)]));
  byId("priors-status").replaceChildren(
    ...contradicted.map((one) =>
      make(
        "span",
        { className: "priors-contradicted", textContent: `${contradictionText(one)} ` },
        one.cut_by
          ? linkButton("Undo", () => unlink(mine, one.study_id))
          : linkButton("Same patient", () => askToLink(mine, one, true)),
      ),
    ),
  );
}

/**
 * @param {Doc} mine
 * @param {TimePoint} point
 */
function card(mine, point) {
  const head = make(
    "span",
    { className: "series-name tabular" },
    point.study_date || "No date",
    " ",
    make("span", { className: "prior-state", textContent: point.state }),
  );
  const source = point.state === "signed" || point.state === "amended" ? "" : SOURCES[point.source];
  const details = [sizeText(point), point.withheld ? "AI result withheld" : source];
  const words = make("span", {
    className: "series-note tabular",
    textContent: details.filter(Boolean).join(" · "),
  });
  const button = make(
    "button",
    { type: "button", className: "series-card prior-card", title: point.withheld },
    head,
    words,
  );
  button.dataset.prior = point.study_id;
  button.addEventListener("click", () => choose(mine, point));
  return button;
}

/**
 * What a reader can say of a prior: that it is another patient's, or no longer that it is theirs.
 *
 * @param {Doc} mine
 * @param {TimePoint} point
 */
const cut = (mine, point) =>
  point.linked_by
    ? make(
        "span",
        { className: "series-note", textContent: `Same patient (${point.linked_by}). ` },
        linkButton("Undo", () => unlink(mine, point.study_id)),
      )
    : linkButton("Not this patient", () => askToLink(mine, point, false));

/** @param {Doc} mine */
async function drawChart(mine) {
  const chart = mine.found?.chart;
  byId("findings-priors").hidden = !chart;
  if (!chart) return;
  try {
    const { react } = await loadPlotly();
    if (doc !== mine || mine.found?.chart !== chart) return;
    const layout = { ...chart.layout, height: CHART_PX, autosize: true };
    mine.chart = byId("prior-chart");
    await react(mine.chart, chart.data, layout, CHART);
  } catch {
    // the list in the rail has the same values
  }
}

/**
 * @param {Doc} mine
 * @param {TimePoint} point
 */
function choose(mine, point) {
  if (doc !== mine) return;
  const isOther = mine.chosen !== point;
  mine.chosen = point;
  if (isOther || !mine.isOpen) open(mine);
}

/** @param {Doc} mine */
function open(mine) {
  mine.isOpen = true;
  mine.canRegister = mine.isRegistered = false;
  mine.status = "Registering the prior";
  hidePicture(mine);
  show(mine);
  void register(mine, ++mine.turn);
}

/** Shows the prior beside the image, or hides it; waits for the list of priors. */
function toggle() {
  if (!doc) return;
  if (!doc.found) {
    doc.isAsked = !doc.failure;
    return void note(doc.failure || "Looking for prior studies of this patient.", "no-priors-yet");
  }
  doc.isAsked = false;
  if (!doc.chosen) return void note("No prior study of this patient is known.", "no-prior");
  if (!doc.isOpen) return open(doc);
  close(doc);
}

/**
 * Hides the prior; the focus goes from its controls to the one that opens it again.
 *
 * @param {Doc} mine
 */
function close(mine) {
  clearTimeout(mine.again);
  const hadFocus = byId("prior-pane").contains(document.activeElement);
  mine.isOpen = false;
  show(mine);
  if (hadFocus) byId("priors-compare").focus();
}

/** @param {Doc} mine */
const addressOf = (mine) =>
  `/api/studies/${mine.session.study.study_id}/priors/${mine.chosen?.study_id}`;

/**
 * @param {Doc} mine
 * @param {number} turn
 */
async function register(mine, turn) {
  clearTimeout(mine.poll);
  const body = JSON.stringify({});
  const answer = await ask(`${addressOf(mine)}/registration`, { method: "POST", body });
  if (doc !== mine || mine.turn !== turn || !mine.isOpen) return;
  const state = answer.ok ? answer.body.state : "";
  const isWaiting = answer.ok ? state === "queued" || state === "running" : !isFinal(answer.status);
  if (isWaiting) {
    mine.poll = setTimeout(() => void register(mine, turn), POLL_MS);
    return;
  }
  mine.canRegister = mine.isRegistered = Boolean(answer.body.usable);
  mine.status = answer.ok ? answer.body.sentence : answer.body.error || NO_ANSWER;
  show(mine);
  await record(mine);
}

/** @param {Doc} mine */
async function record(mine) {
  const reading = readingStore.now();
  const isMine = reading && (!reading.claim || reading.claim.own);
  const isThere = mine.session.study.result || correction.isThere();
  if (!mine.chosen || !isMine || !correction.state || !isThere || lock.isLocked()) return;
  const error = await readingStore.compare(mine.chosen.study_id, mine.isRegistered);
  if (doc === mine && error) {
    mine.status = error;
    show(mine);
  }
}

function switchRegistered() {
  if (!doc?.canRegister) return;
  doc.isRegistered = !doc.isRegistered;
  show(doc);
  void record(doc);
}

const wheel = new Wheel();

/** @param {WheelEvent} event */
function scroll(event) {
  event.preventDefault();
  const steps = wheel.steps(event);
  if (doc && steps) viewer.goTo(doc.session.k + steps);
}

/** @param {Doc} mine */
function statusOf({ failures, status, isRegistered }) {
  if (failures) return "The slice of the prior could not be loaded. Retrying.";
  return status || (isRegistered ? "Interpolated" : "As acquired, nearest slice");
}

/** @param {Doc} mine */
function show(mine) {
  const { chosen, isOpen } = mine;
  const isShown = isOpen && Boolean(chosen);
  query(".viewer").toggleAttribute("data-compare", isShown);
  byId("priors-compare").setAttribute("aria-pressed", String(isShown));
  for (const one of document.querySelectorAll("#priors [data-prior]"))
    if (one instanceof HTMLElement)
      one.setAttribute("aria-pressed", String(isShown && one.dataset.prior === chosen?.study_id));
  showChange();
  if (!isShown || !chosen) return;
  byId("prior-title").textContent = `${chosen.study_date || "No date"}, ${chosen.state}`;
  byId("prior-size").textContent = sizeText(chosen);
  byId("prior-status").textContent = statusOf(mine);
  byId("prior-registered").hidden = !mine.canRegister;
  byId("prior-registered").setAttribute("aria-pressed", String(mine.isRegistered));
  const own = mine.session.study.orientation;
  const letters =
    mine.isRegistered && own
      ? [own.left, own.right, own.top, own.bottom]
      : (chosen.letters ?? ["", "", "", ""]);
  ["left", "right", "top", "bottom"].forEach((side, at) => {
    byId(`prior-edge-${side}`).textContent = letters[at];
  });
  paint(mine);
}

/**
 * The window in view, as shares of the study's own one: grey values of two examinations have
 * different scales.
 *
 * @param {Pick<Session, "study" | "channel" | "windows">} session
 * @returns {[number, number]}
 */
export function windowShares({ study, channel, windows }) {
  const [black, white] = study.windows[channel];
  const { low, high } = windows[channel];
  const share = (/** @type {number} */ value) =>
    Math.min(100, Math.max(-100, (value - black) / (white - black || 1)));
  return [share(low), share(high)];
}

/** Places the prior as the image beside it: the same zoom, around the same point. */
function place() {
  const image = find("prior-image", HTMLImageElement);
  if (!doc?.isOpen || !image?.naturalWidth) return;
  const { study, view } = doc.session;
  const { clientWidth: width, clientHeight: height } = byId("prior-pane");
  const fit = Math.min(width / image.naturalWidth, height / image.naturalHeight) * view.zoom;
  const size = [image.naturalWidth * fit, image.naturalHeight * fit];
  Object.assign(image.style, {
    width: `${size[0]}px`,
    height: `${size[1]}px`,
    left: `${width / 2 - (view.x / study.width) * size[0]}px`,
    top: `${height / 2 - (view.y / study.height) * size[1]}px`,
  });
}

/**
 * Takes the picture away, which shows another prior or another patient's, until the next one is
 * there.
 *
 * @param {Doc} mine
 */
function hidePicture(mine) {
  clearTimeout(mine.again);
  const image = byId("prior-image", HTMLImageElement);
  image.hidden = true;
  image.onload = image.onerror = null;
  image.removeAttribute("src");
  Object.assign(mine, { shown: "", isLoading: false, failures: 0 });
}

/**
 * Shows the prior's slice; while one is on its way, only the last one that was asked for follows.
 *
 * @param {Doc} mine
 */
function paint(mine) {
  const { chosen, found, session } = mine;
  if (!mine.isOpen || !chosen || !found || mine.isLoading) return;
  const address = found.slice_url
    .replace("{prior}", chosen.study_id)
    .replace("{k}", String(session.k));
  const [low, high] = windowShares(session);
  const asked = new URLSearchParams({
    registered: String(mine.isRegistered),
    sequence: session.study.channels[session.channel].sequence,
    mask: chosen.mask,
    low: low.toFixed(2),
    high: high.toFixed(2),
    invert: String(session.invert),
    outline: String(session.show.ai && !session.show.hidden),
  });
  const wanted = `${address}?${asked}`;
  if (wanted === mine.shown) return;
  mine.shown = wanted;
  mine.isLoading = true;
  clearTimeout(mine.again);
  const image = byId("prior-image", HTMLImageElement);
  image.onload = () => {
    if (doc !== mine) return;
    Object.assign(mine, { isLoading: false, failures: 0 });
    image.hidden = false;
    byId("prior-status").textContent = statusOf(mine);
    place();
    paint(mine);
  };
  image.onerror = () => {
    if (doc !== mine) return;
    const pause = pauseOf(mine.failures);
    Object.assign(mine, { isLoading: false, shown: "", failures: mine.failures + 1 });
    image.hidden = true;
    byId("prior-status").textContent = statusOf(mine);
    mine.again = setTimeout(() => doc === mine && paint(mine), pause);
  };
  const how = mine.isRegistered ? ", registered" : "";
  image.alt = `Prior study of ${chosen.study_date || "unknown date"}${how}`;
  image.dataset.registered = String(mine.isRegistered);
  image.dataset.k = String(session.k);
  image.src = wanted;
}

/** What has changed since the prior, as it was recorded. */
function showChange() {
  if (!find("prior-change")) return;
  const recorded = readingStore.now()?.comparison ?? null;
  const words = recorded && changeText(recorded.volume_ml, recorded.prior_volume_ml);
  byId("prior-change").textContent = words ? `Since ${recorded?.study_date}: ${words}` : "";
  byId("prior-lesions").replaceChildren(
    ...(recorded?.lesions ?? []).map((one) => make("li", { textContent: lesionText(one) })),
  );
}

/** @param {Session} session */
function opened(session) {
  doc = {
    session,
    found: null,
    chosen: null,
    isAsked: false,
    failure: "",
    isOpen: false,
    canRegister: false,
    isRegistered: false,
    status: "",
    chart: null,
    shown: "",
    isLoading: false,
    failures: 0,
    again: 0,
    timer: 0,
    poll: 0,
    turn: 0,
    tries: 0,
  };
  byId("priors-section").hidden = true;
  byId("findings-priors").hidden = true;
  query(".viewer").removeAttribute("data-compare");
  const mine = doc;
  viewer.afterFirstSlice(session, () => void load(mine));
}

function closed() {
  clearTimeout(doc?.timer);
  clearTimeout(doc?.poll);
  clearTimeout(doc?.again);
  if (doc?.chart) window.Plotly?.purge(doc.chart);
  doc = null;
}

const again = () => void (doc && load(doc));
const painted = () => void (doc && paint(doc));

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  byId("priors-compare").addEventListener("click", toggle, { signal });
  const resized = new ResizeObserver(place);
  resized.observe(byId("prior-pane"));
  byId("prior-close").addEventListener("click", toggle, { signal });
  byId("prior-registered").addEventListener("click", switchRegistered, { signal });
  byId("prior-pane").addEventListener("wheel", scroll, { signal, passive: false });
  return all([
    keys.add("Prior studies", [
      { id: "priors.compare", key: "b", label: "Compare side by side with a prior", run: toggle },
    ]),
    viewer.on("open", opened),
    viewer.on("close", closed),
    viewer.on("result", again),
    viewer.on(["slice", "channel", "display"], painted),
    viewer.on("view", place),
    shell.on("theme", again),
    readingStore.on(showChange),
    () => resized.disconnect(),
  ]);
}
