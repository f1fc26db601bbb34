// @ts-check
/** The cells of the worklist's grid (dashboard/pages/worklist/grid.py). */

import { dateAndTime } from "../frame/times.js";
import { mlWords, percentWords } from "../frame/volume_words.js";
import { lastStudy } from "./list_view.js";

/**
 * The fields of a row that the cells show.
 *
 * @typedef {object} Row
 * @property {string} study_id
 * @property {string} href
 * @property {string} patient
 * @property {string} names All that the study is called.
 * @property {string} state
 * @property {string} state_words
 * @property {number} progress
 * @property {number | null} expected_dice
 * @property {number | null} volume_ml
 * @property {string} no_volume Why an analysed study has none.
 * @property {number | null} before_ml The volume of that study; null without one.
 * @property {string} since Its date.
 * @property {boolean} synthetic
 * @property {readonly string[]} warnings
 * @property {string} sequence_note
 * @property {string} error
 * @property {string} notes
 * @property {boolean} deletable
 * @property {boolean} stat Whether it is urgent.
 * @property {readonly string[]} tags
 * @property {string | null} added_at When it arrived, ISO 8601.
 * @property {boolean} cancellable Whether its analysis is queued or running.
 */

/** @typedef {{ data: Row | undefined }} Params Without data while the row is on its way. */

const h = (/** @type {unknown[]} */ ...parts) => React.createElement(...parts);

/**
 * @param {number} share
 * @param {string} kind
 */
function meter(share, kind) {
  const width = `${Math.round(100 * Math.min(Math.max(share, 0), 1))}%`;
  const fill = h("span", { className: "meter-fill", style: { width } });
  return h("span", { className: `meter ${kind}`, "aria-hidden": "true" }, fill);
}

/**
 * A click on the row opens the study. The grid reports it only after the browser would have
 * followed the link, so that the link itself must not.
 *
 * @param {MouseEvent} event
 */
function leaveToRow(event) {
  if (!(event.ctrlKey || event.metaKey || event.shiftKey)) event.preventDefault();
}

/** @param {Params} params */
function OverreadPatient({ data }) {
  if (!data) return null;
  const { study_id: id, href, patient, names } = data;
  const link = { href, className: "study-link", tabIndex: -1, title: names };
  const last = h("span", { className: "study-last", title: "Last opened" }, "Last opened");
  return h(
    "span",
    { className: "study-patient" },
    h("a", { ...link, onClick: leaveToRow }, patient),
    data.stat ? h("span", { className: "chip study-chip study-stat" }, "STAT") : null,
    id === lastStudy() ? last : null,
  );
}

/**
 * How long ago a study arrived, in the largest unit that is whole.
 *
 * @param {number} seconds
 */
function ageText(seconds) {
  const minutes = Math.max(Math.floor(seconds / 60), 0);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h`;
  const days = Math.floor(minutes / (24 * 60));
  return days < 60 ? `${days} d` : `${Math.floor(days / 30)} mo`;
}

/** @param {Params} params */
function OverreadAge({ data }) {
  if (!data?.added_at) return null;
  const title = `Arrived ${dateAndTime(data.added_at)}`;
  const seconds = (Date.now() - Date.parse(data.added_at)) / 1000;
  return h("span", { className: "quiet", title }, ageText(seconds));
}

/** @param {Params} params */
const OverreadState = ({ data }) =>
  data &&
  h(
    "span",
    {
      className: `study-state study-state--${data.state || "none"}`,
      title: data.error || undefined,
    },
    data.state_words,
    data.state === "running" ? meter(data.progress, "meter--accent") : null,
  );

/** @param {{ value: string | undefined }} params */
const OverreadWhy = ({ value }) =>
  value && h("span", { className: "study-why", title: value }, value);

/** @param {{ value: number | null }} params */
const OverreadShare = ({ value }) => value?.toFixed(2) ?? null;

/** @param {Params} params */
function OverreadVolume({ data }) {
  if (!data) return null;
  const { volume_ml: ml, no_volume: title } = data;
  if (title) return h("span", { className: "quiet", "data-no-volume": "", title }, "not available");
  return ml === null ? null : mlWords(ml);
}

/** @param {Params} params */
function OverreadChange({ data }) {
  if (!data || data.before_ml === null || data.volume_ml === null) return null;
  const title = `${mlWords(data.before_ml)} mL on ${data.since}`;
  return h("span", { title }, percentWords(data.volume_ml, data.before_ml));
}

/** @param {Params} params */
function OverreadNotes({ data }) {
  if (!data) return null;
  const parts = [];
  if (data.synthetic)
    parts.push(h("span", { key: "synthetic", className: "chip study-chip" }, "Synthetic"));
  for (const tag of data.tags)
    parts.push(h("span", { key: `tag ${tag}`, className: "chip study-chip study-tag" }, tag));
  if (data.error) parts.push(h("span", { key: "error", className: "study-error" }, data.error));
  const first = data.sequence_note || data.warnings[0];
  if (first) {
    const more = data.warnings.length > 1 ? ` (${data.warnings.length - 1} more)` : "";
    parts.push(h("span", { key: "warning", className: "study-warning" }, first + more));
  }
  const small = { type: "button", tabIndex: -1 };
  const cancel = {
    ...small,
    key: "cancel",
    className: "button button--small study-cancel",
    "aria-label": `Cancel the analysis of ${data.patient}`,
  };
  const remove = {
    ...small,
    key: "delete",
    className: "button button--small study-delete",
    "aria-label": `Delete ${data.patient}`,
  };
  const text = { className: "study-notes-text", title: data.notes || undefined };
  return h(
    "span",
    { className: "study-notes" },
    h("span", text, parts),
    data.cancellable ? h("button", cancel, "Cancel") : null,
    data.deletable ? h("button", remove, "Delete") : null,
  );
}

export function start() {
  window.dashAgGridComponentFunctions = {
    ...window.dashAgGridComponentFunctions,
    OverreadPatient,
    OverreadAge,
    OverreadState,
    OverreadWhy,
    OverreadShare,
    OverreadVolume,
    OverreadChange,
    OverreadNotes,
  };
}
