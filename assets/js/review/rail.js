// @ts-check
/**
 * The left rail: one card per series with a thumbnail. A channel that duplicates another one is
 * shown as missing.
 */

/** @import { Session } from "../viewer/session.js" */
/** @import { Channel, Study } from "../viewer/study.js" */

import { counted } from "../frame/number_words.js";
import { byId, make } from "../frame/dom.js";
import { all } from "../frame/events.js";
import { note } from "../viewer/notes.js";
import * as viewer from "../viewer/viewer.js";

/**
 * @param {string} className
 * @param {string} textContent
 */
const span = (className, textContent) => make("span", { className, textContent });

/**
 * @param {Study} study
 * @param {Channel} channel
 * @param {number} index
 */
function card(study, channel, index) {
  const name = span("series-name", channel.label);
  if (channel.same_as !== null) {
    const shown = study.channels[channel.same_as].label;
    const missing = span("series-note", `Missing: ${shown} used instead`);
    return make("div", { className: "series-card" }, name, missing);
  }
  const button = make("button", { type: "button", className: "series-card" });
  button.dataset.channel = String(index);
  const src = study.thumbnail_url.replace("{channel}", String(index));
  const image = make("img", { className: "series-thumbnail", alt: "", loading: "lazy", src });
  const between = study.spacing_mm ? ` · ${study.spacing_mm[0].toFixed(1)} mm` : "";
  const slices = `${counted(study.n, "slice")}${between}`;
  button.append(image, name, span("series-note tabular", slices));
  button.addEventListener("click", () => viewer.chooseChannel(index));
  return button;
}

/** @returns {NodeListOf<HTMLButtonElement>} */
const buttons = () => document.querySelectorAll("#rail-cards button");

/** @param {Session} session */
function mark({ channel }) {
  for (const button of buttons())
    button.setAttribute("aria-pressed", String(Number(button.dataset.channel) === channel));
}

/** @param {Session} now */
function fill(now) {
  const { study } = now;
  const order = study.channels
    .map((channel, index) => ({ channel, index }))
    .sort((a, b) => Number(b.channel.start) - Number(a.channel.start));
  byId("rail-cards").replaceChildren(
    ...order.map(({ channel, index }) => card(study, channel, index)),
  );
  mark(now);
}

/**
 * Chooses the n-th available series, for the keys 1 to 3.
 *
 * @param {number} n From 0.
 */
export function choose(n) {
  const cards = buttons();
  if (cards[n]) return cards[n].click();
  if (!viewer.now) return;
  const count = cards.length === 1 ? "one series" : `${cards.length} series`;
  note(`This study has ${count}.`, "no-series");
}

export function mount() {
  return all([viewer.on("open", fill), viewer.on("channel", mark)]);
}
