// @ts-check
/** Sizes and measurements of the study as text on the clipboard, for a report. */

/** @import { Session } from "../viewer/session.js" */
/** @import { Study } from "../viewer/study.js" */
/** @import { Item } from "./measure_shapes.js" */

import { toClipboard } from "../frame/outgoing.js";
import { counted } from "../frame/number_words.js";
import { byId, letGoOfClick } from "../frame/dom.js";
import { all } from "../frame/events.js";
import * as keys from "../frame/keys.js";
import { note } from "../viewer/notes.js";
import { numberOf } from "../viewer/slices.js";
import * as viewer from "../viewer/viewer.js";
import * as measureShapes from "./measure_shapes.js";
import * as measureStore from "./measure_store.js";

/**
 * The text of measurements, one a line in the order of their slices.
 *
 * @param {Pick<Study, "patient" | "case_id" | "study_date" | "description" | "indices">} study
 * @param {readonly string[]} masks Lines about the masks.
 * @param {readonly { item: Pick<Item, "kind" | "k">, words: readonly string[] }[]} measurements
 */
export function asText(study, masks, measurements) {
  const name = [study.patient || study.case_id, study.description, study.study_date];
  const lines = [...measurements]
    .sort((a, b) => a.item.k - b.item.k)
    .map(({ item, words }) => {
      const values = words.map((one) => one.replace(/ {2,}/g, ", ")).join(", ");
      return `Slice ${numberOf(study, item.k)}: ${measureShapes.NAMES[item.kind]} ${values}`;
    });
  const parts = [name.filter(Boolean).join(", "), ...masks, ...lines, "Research use only"];
  return `${parts.join("\n")}\n`;
}

/**
 * The text of elements of the findings that are shown, in one line; "" if none is.
 *
 * @param {...string} ids
 */
function shown(...ids) {
  const parts = ids.map((id) => byId(id)).filter((one) => one.textContent && one.checkVisibility());
  return parts.map(({ textContent }) => textContent).join(", ");
}

/** Volume and diameters as the findings show them, of the reader's mask and of the AI mask. */
function sizes() {
  const of = (/** @type {string} */ prefix) =>
    shown(
      `finding-${prefix}volume-line`,
      `finding-${prefix}diameters-line`,
      `finding-${prefix}diameters-caption`,
    );
  const own = of("own-");
  const ai = of("");
  return [own && `${shown("finding-own-name")}: ${own}`, ai && `FLAIR abnormality (AI): ${ai}`];
}

/** @param {Session} now */
async function copy(now) {
  const items = measureStore.items();
  const measurements = items.map((item) => ({ item, words: measureShapes.words(item, now) }));
  try {
    await toClipboard(asText(now.study, sizes().filter(Boolean), measurements));
  } catch {
    return note("The browser did not allow copying.", "copy-refused");
  }
  return note(`Copied with ${counted(items.length, "measurement")}.`, "copied");
}

const run = () => viewer.now && void copy(viewer.now);

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  const press = (/** @type {MouseEvent} */ event) => {
    letGoOfClick(event);
    run();
  };
  byId("measure-copy").addEventListener("click", press, { signal });
  /** @type {keys.Binding[]} */
  const bindings = [
    { id: "measure.copy", key: "Shift+y", label: "Copy sizes and measurements as text", run },
  ];
  return all([keys.add("Measurements: copy", bindings)]);
}
