// @ts-check
/**
 * Explains the dotted outlines (overlays.js): regions that were segmented but excluded from the
 * mask because they are small. Without them some conflicts would point at nothing.
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
  const why = "smaller than the main lesion, excluded from the AI volume."; // a reader may add it
  byId("finding-left-out").hidden = px === 0;
  byId("finding-left-out").textContent = px ? `Dotted outline: ${area}, ${why}` : "";
}

export function mount() {
  return all([viewer.on("open", show), viewer.on("result", show), viewer.on("slice", show)]);
}
