// @ts-check
/**
 * Pieces that were outlined and left out of the mask, since they are small beside the lesion: a
 * dotted outline on the slice (overlays.js), and here its words. Without them a conflict would
 * point at nothing.
 */

/** @import { Session } from "../viewer/session.js" */

import { byId } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as amounts from "../viewer/amounts.js";
import { leftOutPx } from "../viewer/overlays.js";
import * as viewer from "../viewer/viewer.js";

/** @param {Session} session */
function show({ study, k }) {
  const px = leftOutPx(study, k);
  const area = amounts.areaWords(px, study);
  const why = "that was outlined here and left out of the mask, as it is small beside the lesion.";
  byId("finding-left-out").hidden = px === 0;
  byId("finding-left-out").textContent = px ? `Dotted: ${area} ${why}` : "";
}

export function mount() {
  return all([viewer.on("open", show), viewer.on("result", show), viewer.on("slice", show)]);
}
