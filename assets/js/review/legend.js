// @ts-check
/**
 * The legend over the image, shown while a map is shown. It includes a note where the slice has no
 * values.
 */

/** @import { Session } from "../viewer/session.js" */

import { byId, query } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as operatingPoint from "../viewer/operating_point.js";
import * as maps from "../viewer/maps.js";
import * as viewer from "../viewer/viewer.js";

/** @param {Session} now */
function note(now) {
  const { study, show, k } = now;
  const isSegmented = study.result?.slices[k].outline_evidence !== null;
  if (show.map !== "difference")
    return isSegmented ? "" : "No map on this slice: classifier score too low.";
  const isEmpty = study.reference_url && !operatingPoint.isAbove(now, k);
  return isEmpty ? "No AI mask on this slice: below the operating point." : "";
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
  const why = study.reference_url ? "" : "No reference outline in this study.";
  byId("viewer-map-difference").title = why;
  byId("map-legend-note").textContent = isSeen ? note(now) : "";
}

export function mount() {
  for (const name of maps.RAMPED)
    query(`.map-scale--${name}`).style.background = maps.gradient(name);
  return all([viewer.on(["open", "result", "display", "slice", "threshold"], update)]);
}
