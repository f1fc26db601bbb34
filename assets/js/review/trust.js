// @ts-check
/**
 * Expected accuracy of the segmentation: its expected Dice, the most similar held-out patients, and
 * all cautions, which one line counts. Of images unlike the training data no volume, diameters or
 * expected Dice are shown unless the reader asks for them.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { SimilarPatient, Trust } from "../viewer/study.js" */

import { counted } from "../frame/number_words.js";
import { byId, make, query } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as viewer from "../viewer/viewer.js";

/** @param {SimilarPatient} patient */
function row({ case_id: name, dice, href, here }) {
  const title = here ? "Open this case" : "Not in this workspace: open its results";
  const link = make("a", { href, textContent: name, title });
  const figure = make("span", { className: "muted", textContent: `Dice ${dice.toFixed(2)}` });
  return make("li", {}, link, figure);
}

/** @param {Trust | null | undefined} trust */
function showExpected(trust) {
  byId("finding-trust").hidden = !trust;
  if (!trust) return;
  const { sentence, similar } = trust;
  byId("finding-expected-words").textContent = sentence;
  const isAway = similar.some(({ here }) => !here);
  byId("finding-similar-words").textContent = isAway
    ? "Patients not in this workspace link to their results on the performance page."
    : "";
  byId("finding-similar").replaceChildren(...similar.map(row));
}

/** @param {readonly string[]} sentences */
function showCautions(sentences) {
  const className = "notice notice--warning";
  byId("findings-warnings").hidden = !sentences.length;
  byId("findings-warnings").dataset.count = String(sentences.length);
  byId("finding-warnings-count").textContent = counted(sentences.length, "caution");
  byId("finding-warnings-first").textContent = sentences[0] ?? "";
  byId("finding-warnings").replaceChildren(
    ...sentences.map((textContent) => make("p", { className, textContent })),
  );
}

/** @param {boolean} isAsked Whether the reader wants figures of images unlike the training data. */
function reveal(isAsked) {
  const page = query(".review");
  if (page.dataset.unfit) page.dataset.unfit = isAsked ? "shown" : "withheld";
  const button = byId("finding-unfit-show");
  button.setAttribute("aria-pressed", String(isAsked));
  button.textContent = isAsked ? "Hide the result" : "Show the result";
}

/** @param {string | null | undefined} reason */
function showUnfit(reason) {
  const page = query(".review");
  byId("finding-unfit").hidden = !reason;
  if (!reason) delete page.dataset.unfit;
  else page.dataset.unfit ||= "withheld";
  byId("finding-unfit-words").textContent = reason
    ? `No volume, diameters or expected Dice are given. ${reason}`
    : "";
}

/** @param {Session} session */
function show({ study: { warnings, result } }) {
  const cautions = result?.warnings ?? warnings ?? [];
  showCautions(cautions.filter((sentence) => sentence !== result?.unfit)); // shown above them
  showUnfit(result?.unfit);
  byId("finding-learned").textContent = result?.learned ?? "";
  byId("finding-learned").hidden = !result?.learned;
  showExpected(result?.trust);
}

/** Closes the cautions, and withholds again, when another study opens. */
function startOver() {
  byId("finding-warnings-fold", HTMLDetailsElement).open = false;
  delete query(".review").dataset.unfit;
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  const toggle = () => reveal(query(".review").dataset.unfit === "withheld");
  byId("finding-unfit-show").addEventListener("click", toggle, { signal });
  return all([
    viewer.on("open", startOver),
    viewer.on(["open", "result"], show),
    viewer.on("open", () => reveal(false)),
  ]);
}
