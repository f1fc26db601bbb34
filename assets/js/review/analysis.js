// @ts-check
/**
 * The state of the analysis of the study in view: queued, running, cancelled or failed; once it is
 * done the result is fetched. Blank images have none; the page says so.
 */

/** @import { JobNews, JobState } from "../frame/job_channel.js" */
/** @import { Session } from "../viewer/session.js" */
/** @import { Study } from "../viewer/study.js" */

import { byId, find } from "../frame/dom.js";
import { all } from "../frame/events.js";
import { JobChannel } from "../frame/job_channel.js";
import { RETRYING } from "../frame/server.js";
import * as viewer from "../viewer/viewer.js";
import * as studyLoad from "./study_load.js";

/** @type {Readonly<Record<string, string>>} */
const TEXTS = {
  queued: "Queued",
  running: "Analysing",
  cancelling: "Cancelling",
  cancelled: "Analysis cancelled.",
  failed: "Analysis failed.",
  lost: RETRYING,
};
const PENDING = new Set(["queued", "running", "cancelling", "lost"]);
/** The state of an analysis that is done without a result. */
const NOTHING = "none";
/** @type {Readonly<Record<string, string>>} */
const CLASSES = { failed: "notice notice--error", [NOTHING]: "notice notice--warning" };
const NOT_STORED = "The result could not be read. Run the analysis again.";
/** @type {{ studyId: string, channel: JobChannel } | null} */
let watched = null;

/** @param {JobState} job */
function show({ state, done = 0, total = 0, message = "" }) {
  const box = find("analysis");
  if (!box) return;
  box.hidden = state === "done";
  box.dataset.state = state;
  const isPending = PENDING.has(state);
  const percent = total ? Math.floor((100 * done) / total) : 0;
  const text = byId("analysis-text");
  text.textContent = TEXTS[state] ?? "";
  if ((state === "failed" || state === NOTHING) && message) text.textContent = message;
  if (state === "running")
    text.textContent = percent ? `Analysing, ${percent}%` : message || "Analysing";
  text.className = CLASSES[state] ?? "tabular";
  byId("analysis-meter").hidden = !isPending;
  byId("analysis-meter").setAttribute("aria-valuenow", String(percent));
  byId("analysis-fill").style.width = `${percent}%`;
  const cancel = byId("analysis-cancel", HTMLButtonElement);
  cancel.hidden = !isPending;
  cancel.disabled = state === "cancelling";
  byId("analysis-again").hidden = state !== "cancelled" && state !== "failed";
}

async function fetchResult() {
  const mine = watched;
  if (!mine) return;
  const isWanted = () => watched === mine;
  try {
    const study = await studyLoad.get(mine.studyId, isWanted);
    if (!study || !isWanted()) return;
    if (study.result || study.no_result) {
      showDone(study);
      viewer.setResult(study.result, study.no_result);
    } else {
      show({ state: "failed", message: NOT_STORED });
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    if (isWanted()) show({ state: "failed", message });
  }
}

/** @param {Study} study Its analysis is done. */
function showDone({ no_result: message }) {
  show(message ? { state: NOTHING, message } : { state: "done" });
}

/** @param {Session} session */
function begin({ study }) {
  stop();
  const { study_id: studyId, result, no_result: noResult, job } = study;
  const channel = new JobChannel("analysis-request", { study_id: studyId }, (news) => {
    if (news.state === "done") void fetchResult();
    else show(news);
  });
  watched = { studyId, channel };
  if (result || noResult) return showDone(study);
  const known = job?.state ?? "queued";
  // a job that is done without a result has lost it: the server computes it again
  const state = known === "done" ? "queued" : known;
  show({ ...job, state });
  if (state !== "failed" && state !== "cancelled") channel.ask(false);
}

function stop() {
  watched?.channel.close();
  watched = null;
}

/** @param {(JobNews & { study_id: string }) | null} job The callback's progress or outcome. */
export function update(job) {
  if (job && job.study_id === watched?.studyId) watched.channel.hear(job);
}

/** @param {AbortSignal} signal Removes the listeners from the page's elements. */
export function mount(signal) {
  const again = () => {
    if (!watched) return;
    show({ state: "queued" });
    watched.channel.ask(true);
  };
  const cancel = () => watched?.channel.cancel();
  byId("analysis-again").addEventListener("click", again, { signal });
  byId("analysis-cancel").addEventListener("click", cancel, { signal });
  return all([viewer.on("open", begin), viewer.on("close", stop)]);
}
