// Adding studies (dashboard/pages/worklist/upload.py): each file is streamed in a PUT of its own, three at a time; then
// the server reads them all. The upload lives here, not in the page: it goes on while the reader looks at other pages.
window.overread = window.overread || {};

overread.upload = (function () {
  "use strict";

  const PARALLEL = 3;
  const WAITS_MS = [1000, 3000, 8000]; // before a file is tried again

  let job = null; // {batch, items, failures, state, running, startedAt, current}; state: sending, reading, lost, cancelled
  let waiting = []; // chosen while the server was still reading

  const { megabytes, plural } = overread.uploadWords;
  const panel = () => overread.uploadPanel;

  // ---- beginning ----
  function limits() {
    const root = document.getElementById("upload");
    return { bytes: Number(root?.dataset.maxBytes) || Infinity, files: Number(root?.dataset.maxFiles) || Infinity };
  }

  function add(items) {
    if (!items.length) return panel().say({ kind: "error", title: "Nothing to add.", items: ["There is no file in what was chosen."] });
    const open = job && job.state !== "reading" ? job.items : [];
    const bytes = [...open, ...items].reduce((sum, item) => sum + item.file.size, 0);
    const limit = limits();
    if (open.length + items.length > limit.files || bytes > limit.bytes) {
      return panel().say({
        kind: "error",
        title: "Nothing was sent.",
        items: [
          `${plural(open.length + items.length, "file")} with ${megabytes(bytes)} are more than one upload may hold ` +
            `(${plural(limit.files, "file")}, ${megabytes(limit.bytes)}). Add them in parts.`,
        ],
      });
    }
    if (!job) begin(items);
    else if (job.state === "reading") waiting.push(...items);
    else {
      const names = new Set(job.items.map((item) => item.name));
      job.items.push(...items.filter((item) => !names.has(item.name)).map(pending));
      pump();
    }
  }

  const pending = ({ file, name }) => ({ file, name, sent: 0, state: "waiting", tries: 0 });

  function begin(items) {
    panel().clear();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    job = {
      batch: [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
      items: items.map(pending),
      failures: [],
      state: "sending",
      running: new Set(),
      startedAt: performance.now(),
    };
    pump();
  }

  // ---- sending ----
  function pump() {
    if (!job || job.state !== "sending") return;
    for (const item of job.items) {
      if (job.running.size >= PARALLEL) break;
      if (item.state === "waiting") send(job, item);
    }
    if (!job.running.size && job.items.every((item) => item.state === "done" || item.state === "left out")) void finish(job);
    panel().render();
  }

  function send(mine, item) {
    item.state = "sending";
    const request = new XMLHttpRequest();
    mine.running.add(request);
    request.open("PUT", `/api/uploads/${mine.batch}/files?name=${encodeURIComponent(item.name)}`);
    request.setRequestHeader("X-Overread", "1");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => {
      item.sent = Math.min(event.loaded, item.file.size);
      mine.current = item.name;
      panel().renderSoon();
    };
    request.onloadend = () => {
      mine.running.delete(request);
      if (mine !== job || mine.state === "cancelled") return;
      void settle(mine, item, request);
    };
    request.send(item.file);
  }

  async function settle(mine, item, request) {
    if (request.status >= 200 && request.status < 300) {
      item.state = "done";
      item.sent = item.file.size;
    } else if (request.status >= 400 && request.status < 500) {
      leaveOut(mine, item, sentence(request.responseText) || `${item.name} was refused by the server.`);
    } else if (!(await readable(item.file))) {
      leaveOut(mine, item, `${item.name} can no longer be read on this computer; it may have been moved or changed.`);
    } else if (item.tries < WAITS_MS.length) {
      item.sent = 0;
      item.state = "pausing";
      setTimeout(() => {
        if (item.state === "pausing") item.state = "waiting";
        pump();
      }, WAITS_MS[item.tries++]);
    } else {
      item.sent = 0;
      item.state = "failed";
      mine.state = "lost";
    }
    pump();
    panel().render();
  }

  function leaveOut(mine, item, message) {
    item.state = "left out";
    item.sent = item.file.size;
    mine.failures.push(message);
  }

  function sentence(text) {
    try {
      const said = JSON.parse(text).error;
      return typeof said === "string" ? said : "";
    } catch (error) {
      return "";
    }
  }

  function readable(file) {
    return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
  }

  async function finish(mine) {
    mine.state = "reading";
    panel().render();
    const headers = { "X-Overread": "1", Accept: "application/json" };
    const response = await fetch(`/api/uploads/${mine.batch}/finish`, { method: "POST", headers }).catch(() => null);
    const answer = await response?.json().catch(() => null);
    if (mine !== job) return;
    if (!response || response.status >= 500) {
      mine.state = "lost";
      return panel().render();
    }
    job = null;
    report(mine, response.ok ? answer || {} : { errors: [{ message: answer?.error || "The server could not read the upload." }] });
    if (waiting.length) begin(waiting.splice(0));
    panel().render();
  }

  function report(mine, answer) {
    const studies = answer.studies || [];
    const left = [...mine.failures, ...(answer.errors || []).map((error) => String(error.message || error.source))];
    const files = mine.items.length;
    if (left.length) {
      const title = !studies.length && left.length >= files
        ? files === 1 ? "The file was left out." : `All ${plural(files, "file")} were left out.`
        : `${left.length.toLocaleString("en")} of ${plural(Math.max(files, left.length), "file")} ${left.length === 1 ? "was" : "were"} left out.`;
      panel().say({ kind: "error", title, items: left.slice(0, 500) });
    } else if (!studies.length) {
      panel().say({ kind: "error", title: "No study was found in what was added.", items: [] });
    }
    if (!studies.length) return;
    const only = studies.length === 1 ? studies[0] : null;
    const added = studies.filter((study) => study.new).length;
    panel().say({
      kind: "info",
      title: outcome(only ? only.case_id || "The study" : "", added, studies.length - added),
      items: [],
      studies: studies.map((study) => study.study_id),
      link: only ? { href: `/review?study=${encodeURIComponent(only.study_id)}`, words: "Open it" } : null,
    });
    if (document.getElementById("upload")) {
      overread.worklist.mark(studies.map((study) => study.study_id));
      window.dash_clientside.set_props("worklist-refresh", { data: Date.now() });
    }
  }

  // "X was added.", "X is here already.", "3 studies were added, 1 study is here already."
  function outcome(name, added, known) {
    const count = (number) => name || plural(number, "study").replace("studys", "studies");
    const parts = [];
    if (added) parts.push(`${count(added)} ${added === 1 ? "was" : "were"} added`);
    if (known) parts.push(`${count(known)} ${known === 1 ? "is" : "are"} here already`);
    return `${parts.join(", ")}.`;
  }

  function retry() {
    if (job?.state !== "lost") return;
    job.state = "sending";
    for (const item of job.items) {
      if (item.state === "failed" || item.state === "pausing") Object.assign(item, { state: "waiting", tries: 0 });
    }
    pump();
  }

  function cancel() {
    if (!job || job.state === "reading") return;
    const mine = job;
    mine.state = "cancelled";
    job = null;
    for (const request of mine.running) request.abort();
    fetch(`/api/uploads/${mine.batch}`, { method: "DELETE", headers: { "X-Overread": "1" } }).catch(() => {});
    panel().say({ kind: "info", title: "The upload was cancelled.", items: ["Nothing of it was kept."] });
  }

  window.addEventListener("beforeunload", (event) => {
    if (job) event.preventDefault();
  });

  return { add, cancel, retry, current: () => job };
})();
