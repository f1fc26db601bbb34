// A job as a page follows it, through one channel: the progress and the outcome of a background callback. When the
// channel is silent for some seconds (its web process or the network is gone) the page asks again: whichever web process
// answers follows the same row of the jobs table, and asking twice does no harm.
window.overread = window.overread || {};

overread.jobChannel = (function () {
  "use strict";

  const SILENCE_MS = 5000;
  const CANCEL_MS = 3000; // after which a click on Cancel that was lost can be repeated
  const ENDED = new Set(["done", "failed", "cancelled"]);

  // store: id of the request's dcc.Store; what: names the job in it; show: called with each {state, done, total, message}.
  function open(store, what, show) {
    let asked = 0; // mark of the request that is answered
    let again = false; // whether a job that failed or was cancelled begins anew
    let cancelled = -Infinity;
    let timer = 0;

    function send() {
      asked = Date.now();
      window.dash_clientside.set_props(store, { data: { ...what, asked, again } });
      listen();
    }

    function listen() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        show({ state: "lost" });
        if (asked) send();
      }, SILENCE_MS);
    }

    function ask(restart) {
      again = restart;
      cancelled = -Infinity;
      send();
    }

    // job: what the server says: {asked, state, done, total, message, cancelling}.
    function hear(job) {
      if (!job || job.asked !== asked) return; // an earlier request's last words
      again = false;
      if (ENDED.has(job.state)) {
        close();
        return show(job);
      }
      listen();
      const stops = job.cancelling || performance.now() - cancelled < CANCEL_MS;
      show(stops ? { ...job, state: "cancelling" } : job);
    }

    function cancel() {
      cancelled = performance.now();
      show({ state: "cancelling" });
    }

    function close() {
      clearTimeout(timer);
      asked = 0;
    }

    return { ask, hear, cancel, close };
  }

  return { open };
})();
