// @ts-check
/**
 * The legend over the image: shown while a map is, in words, and saying so where the slice has
 * nothing to show.
 */

/** @import { Session } from "../viewer/session.js" */

import { byId, query } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as calls from "../viewer/calls.js";
import * as maps from "../viewer/maps.js";
import * as viewer from "../viewer/viewer.js";

/** @param {Session} now */
function note(now) {
  const { study, show, k } = now;
  const isOutlined = study.result?.slices[k].outline_evidence !== null;
  if (show.map === "saliency" && !isOutlined) return "The classifier's score is too low here.";
  if (show.map !== "difference") return isOutlined ? "" : "Nothing was outlined on this slice.";
  const isEmpty = study.reference_url && !calls.isCalled(now, k);
  return isEmpty ? "This slice is not called: the AI's mask is empty." : "";
}

/** @param {Session} now */
function update(now) {
  const { show, study } = now;
  const isSeen = Boolean(study.result) && show.map !== "none" && !show.hidden;
  byId("map-legend").hidden = !isSeen;
  for (const name of maps.NAMES) {
    byId(`map-legend-${name}`).hidden = show.map !== name;
    const button = byId(`viewer-map-${name}`, HTMLButtonElement);
    button.setAttribute("aria-pressed", String(show.map === name));
    button.disabled = !study.result || (name === "difference" && !study.reference_url);
  }
  const why = study.reference_url ? "" : "This study has no reference outline";
  byId("viewer-map-difference").title = why;
  byId("map-legend-note").textContent = isSeen ? note(now) : "";
}

export function mount() {
  for (const name of maps.RAMPED)
    query(`.map-scale--${name}`).style.background = maps.gradient(name);
  return all([viewer.on(["open", "result", "display", "slice", "threshold"], update)]);
}
