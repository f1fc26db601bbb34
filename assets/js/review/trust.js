// @ts-check
/**
 * Expected accuracy of the segmentation: its expected Dice, the most similar held-out patients, and
 * all cautions.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { SimilarPatient, Trust } from "../viewer/study.js" */

import { byId, make } from "../frame/dom.js";
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

/** @param {Session} session */
function show({ study: { warnings, result } }) {
  const sentences = [...new Set([...(warnings ?? []), ...(result?.warnings ?? [])])];
  const className = "notice notice--warning";
  byId("findings-warnings").hidden = !sentences.length;
  byId("finding-warnings").replaceChildren(
    ...sentences.map((textContent) => make("p", { className, textContent })),
  );
  byId("finding-learned").textContent = result?.learned ?? "";
  byId("finding-learned").hidden = !result?.learned;
  showExpected(result?.trust);
}

export function mount() {
  return all([viewer.on("open", show), viewer.on("result", show)]);
}
