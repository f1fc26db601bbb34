// Where the analysis of the study in view stands: queued, running, cancelled, failed, or its result, which is fetched once
// the job is done.
window.overread = window.overread || {};

overread.analysis = (function () {
  "use strict";

  const WORDS = {
    queued: "Waiting for its turn",
    running: "Analysing",
    cancelling: "Cancelling",
    cancelled: "The analysis was cancelled.",
    failed: "The analysis failed.",
    lost: "The server does not answer. Trying again.",
  };
  const NOT_STORED = "The result could not be read. Start the analysis again.";
  let watched = null; // {studyId, channel, fetched}

  const byId = (id) => document.getElementById(id);
  const pending = (state) => state === "queued" || state === "running" || state === "cancelling" || state === "lost";

  function show(state, { done = 0, total = 0, message = "" } = {}) {
    if (!byId("analysis")) return;
    byId("analysis").hidden = state === "done";
    let words = WORDS[state] || "";
    if (state === "running" && total) words = `Analysing ${Math.min(done, total)} of ${total}`;
    if ((state === "running" || state === "failed") && message) words = message;
    byId("analysis-text").textContent = words;
    byId("analysis-text").className = state === "failed" ? "notice notice--error" : "tabular";
    const percent = total ? Math.round((100 * done) / total) : 0;
    byId("analysis-meter").hidden = !pending(state);
    byId("analysis-meter").setAttribute("aria-valuenow", String(percent));
    byId("analysis-fill").style.width = `${percent}%`;
    byId("analysis-cancel").hidden = !pending(state);
    byId("analysis-cancel").disabled = state === "cancelling";
    byId("analysis-again").hidden = state !== "cancelled" && state !== "failed";
  }

  async function fetchResult() {
    const mine = watched;
    let study = null;
    try {
      study = await overread.studyLoad.get(mine.studyId, () => watched === mine);
    } catch (error) {
      if (watched === mine) show("failed", error);
      return;
    }
    if (!study || watched !== mine) return;
    if (study.result) {
      show("done");
      overread.viewer.setResult(study.result);
    } else if (mine.fetched) {
      show("failed", { message: NOT_STORED });
    } else {
      mine.fetched = true;
      mine.channel.ask(false); // the cache has lost it: it is computed again
    }
  }

  function begin({ study }) {
    stop();
    const channel = overread.jobChannel.open("analysis-request", { study_id: study.study_id }, (job) => {
      if (job.state === "done") void fetchResult();
      else show(job.state, job);
    });
    watched = { studyId: study.study_id, channel, fetched: false };
    const state = study.result ? "done" : study.job?.state || "queued";
    show(state === "done" && !study.result ? "queued" : state, study.job || {});
    if (!study.result && state !== "failed" && state !== "cancelled") channel.ask(false);
  }

  function stop() {
    watched?.channel.close();
    watched = null;
  }

  function mount(signal) {
    byId("analysis-again").addEventListener("click", () => {
      if (!watched) return;
      show("queued");
      watched.channel.ask(true);
    }, { signal });
    byId("analysis-cancel").addEventListener("click", () => watched?.channel.cancel(), { signal });
    const removers = [overread.viewer.on("open", begin), overread.viewer.on("close", stop)];
    return () => removers.forEach((remove) => remove());
  }

  // job: the background callback's progress or outcome.
  function update(job) {
    if (job?.study_id === watched?.studyId) watched?.channel.hear(job);
  }

  return { mount, update };
})();
