// Where the analysis of the study in view stands: queued, running, cancelled, failed, or its result.
//
// Three sources tell it, and any one is enough: the background callback's progress (every half second), its outcome,
// and the jobs table through /api/studies (every few seconds), which still answers when a callback was killed.
window.overread = window.overread || {};

overread.analysis = (function () {
  "use strict";

  const POLL_MS = 3000;
  const CANCEL_POLL_MS = 700;
  const WORDS = {
    queued: "Waiting for its turn",
    running: "Analysing",
    cancelling: "Cancelling",
    cancelled: "The analysis was cancelled.",
    failed: "The analysis failed.",
    lost: "The server does not answer. Trying again.",
  };
  let watched = null; // {studyId, state, timer, asked}

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

  // job: {study_id, state, done, total, message} from whatever source.
  function update(job) {
    if (!watched || !job || job.study_id !== watched.studyId || watched.state === "done") return;
    if (job.asked && job.asked !== watched.asked) return; // an earlier request's last words
    if (watched.state === "cancelling" && pending(job.state)) return;
    if (job.state === "done") return void check();
    watched.state = job.state;
    show(job.state, job);
    if (!pending(job.state)) clearTimeout(watched.timer);
  }

  async function check() {
    const mine = watched;
    clearTimeout(mine.timer);
    let study = null;
    try {
      const response = await fetch(`/api/studies/${mine.studyId}`, { headers: { Accept: "application/json" } });
      if (response.ok) study = await response.json();
    } catch (error) {
      // told below
    }
    if (watched !== mine || mine.state === "done") return;
    if (study?.result) {
      mine.state = "done";
      show("done");
      overread.viewer.setResult(study.result);
      return;
    }
    if (study?.job && study.job.state !== "done") update({ ...study.job, study_id: mine.studyId });
    else if (!study) show("lost");
    if (pending(mine.state) && watched === mine) mine.timer = setTimeout(check, mine.state === "cancelling" ? CANCEL_POLL_MS : POLL_MS);
  }

  function request() {
    watched.asked = Date.now();
    watched.state = "queued";
    show("queued");
    window.dash_clientside.set_props("analysis-request", { data: { study_id: watched.studyId, asked: watched.asked } });
    clearTimeout(watched.timer);
    watched.timer = setTimeout(check, POLL_MS);
  }

  function begin({ study }) {
    stop();
    watched = { studyId: study.study_id, state: "queued", timer: 0, asked: 0 };
    const state = study.result ? "done" : study.job?.state;
    if (state === "done" || state === "failed" || state === "cancelled") {
      watched.state = study.result ? "done" : state;
      show(watched.state, study.job || {});
      if (state !== "done" || study.result) return;
    }
    request();
    if (study.job) update({ ...study.job, study_id: study.study_id });
  }

  function stop() {
    if (watched) clearTimeout(watched.timer);
    watched = null;
  }

  function mount(signal) {
    byId("analysis-again").addEventListener("click", () => watched && request(), { signal });
    byId("analysis-cancel").addEventListener("click", () => {
      if (!watched) return;
      watched.state = "cancelling";
      show("cancelling");
      clearTimeout(watched.timer);
      watched.timer = setTimeout(check, CANCEL_POLL_MS); // a running job stops at its next step
    }, { signal });
    const removers = [overread.viewer.on("open", begin), overread.viewer.on("close", stop)];
    return () => removers.forEach((remove) => remove());
  }

  return { mount, update };
})();
