// Adding studies (dashboard/components/upload.py): each file is streamed in a PUT of its own, three at a time; then
// the server reads them all. The upload lives here, not in the page: it goes on while the reader looks at other pages.
window.overread = window.overread || {};

overread.upload = (function () {
  "use strict";

  const PARALLEL = 3;
  const WAITS_MS = [1000, 3000, 8000]; // before a file is tried again
  const KEPT = "overread.upload.messages";
  const SHOWN_INLINE = 2;

  let job = null; // {batch, items, next, done, failures, state, running, startedAt}
  let waiting = []; // chosen while the server was still reading
  let messages = kept();

  const byId = (id) => document.getElementById(id);
  const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

  function megabytes(bytes) {
    const size = bytes / 2 ** 20;
    if (size >= 1024) return `${(size / 1024).toFixed(1)} GB`;
    return size >= 10 ? `${Math.round(size)} MB` : `${size.toFixed(1)} MB`;
  }

  function secondsLeft(seconds) {
    if (!Number.isFinite(seconds)) return "";
    return seconds < 90 ? `${Math.max(Math.ceil(seconds), 1)} s left` : `${Math.ceil(seconds / 60)} min left`;
  }

  // ---- what was said, kept over a reload ----
  function kept() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT) || "[]");
    } catch (error) {
      return [];
    }
  }

  function say(message) {
    messages = [...messages, { ...message, id: `${Date.now()}-${Math.random()}` }].slice(-6);
    keep();
  }

  function keep() {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(messages));
    } catch (error) {
      // shown all the same, but not after a reload
    }
    render();
  }

  // ---- beginning ----
  function limits() {
    const root = byId("upload");
    return { bytes: Number(root?.dataset.maxBytes) || Infinity, files: Number(root?.dataset.maxFiles) || Infinity };
  }

  function add(items) {
    if (!items.length) return say({ kind: "error", title: "Nothing to add.", items: ["There is no file in what was chosen."] });
    const open = job && job.state !== "reading" ? job.items : [];
    const bytes = [...open, ...items].reduce((sum, item) => sum + item.file.size, 0);
    const limit = limits();
    if (open.length + items.length > limit.files || bytes > limit.bytes) {
      return say({
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
    render();
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
      renderSoon();
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
    render();
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
    render();
    const headers = { "X-Overread": "1", Accept: "application/json" };
    const response = await fetch(`/api/uploads/${mine.batch}/finish`, { method: "POST", headers }).catch(() => null);
    const answer = await response?.json().catch(() => null);
    if (mine !== job) return;
    if (!response || response.status >= 500) {
      mine.state = "lost";
      return render();
    }
    job = null;
    report(mine, response.ok ? answer || {} : { errors: [{ message: answer?.error || "The server could not read the upload." }] });
    if (waiting.length) begin(waiting.splice(0));
    render();
  }

  function report(mine, answer) {
    const studies = answer.studies || [];
    const left = [...mine.failures, ...(answer.errors || []).map((error) => String(error.message || error.source))];
    const files = mine.items.length;
    if (left.length) {
      const title = !studies.length && left.length >= files
        ? files === 1 ? "The file was left out." : `All ${plural(files, "file")} were left out.`
        : `${left.length.toLocaleString("en")} of ${plural(Math.max(files, left.length), "file")} ${left.length === 1 ? "was" : "were"} left out.`;
      say({ kind: "error", title, items: left.slice(0, 500) });
    } else if (!studies.length) {
      say({ kind: "error", title: "No study was found in what was added.", items: [] });
    }
    if (!studies.length) return;
    const only = studies.length === 1 ? studies[0] : null;
    say({
      kind: "info",
      title: only ? `${only.case_id || "The study"} was added.` : `${plural(studies.length, "study").replace("studys", "studies")} were added.`,
      items: [],
      link: only ? { href: `/review?study=${encodeURIComponent(only.study_id)}`, words: "Open it" } : null,
    });
    if (byId("upload")) {
      overread.worklist.mark(studies.map((study) => study.study_id));
      window.dash_clientside.set_props("worklist-refresh", { data: Date.now() });
    }
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
    say({ kind: "info", title: "The upload was cancelled.", items: ["Nothing of it was kept."] });
  }

  // ---- what the page shows ----
  let due = 0;
  function renderSoon() {
    if (!due) due = setTimeout(() => { due = 0; render(); }, 120);
  }

  function progress() {
    const done = job.items.filter((item) => item.state === "done" || item.state === "left out").length;
    const total = job.items.reduce((sum, item) => sum + item.file.size, 0);
    const sent = job.items.reduce((sum, item) => sum + item.sent, 0);
    const share = total ? sent / total : 1;
    if (job.state === "reading") return { title: `Reading ${plural(job.items.length, "file")}`, detail: "The analysis begins on its own.", share: 1 };
    if (job.state === "lost") {
      return { title: "The server does not answer.", detail: `${done} of ${plural(job.items.length, "file")} have arrived; nothing is lost.`, share };
    }
    const seconds = (performance.now() - job.startedAt) / 1000;
    const left = seconds > 2 && sent > 0 ? secondsLeft(((total - sent) * seconds) / sent) : "";
    const name = (job.current || job.items[0].name).split("/").pop();
    const pausing = job.items.some((item) => item.state === "pausing");
    const words = [name, `${megabytes(sent)} of ${megabytes(total)}`, pausing ? "connection lost, trying again" : left];
    return { title: `Uploading ${Math.min(done + 1, job.items.length)} of ${plural(job.items.length, "file")}`, detail: words.filter(Boolean).join(" · "), share };
  }

  function render() {
    const box = byId("upload-progress");
    if (!box) return;
    box.hidden = !job;
    if (job) {
      const { title, detail, share } = progress();
      byId("upload-title").textContent = title;
      byId("upload-detail").textContent = detail;
      byId("upload-fill").style.width = `${Math.round(share * 1000) / 10}%`;
      byId("upload-meter").setAttribute("aria-valuenow", String(Math.round(share * 100)));
      byId("upload-retry").hidden = job.state !== "lost";
      byId("upload-cancel").hidden = job.state === "reading";
    }
    renderMessages(byId("upload-messages"));
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  function renderMessages(box) {
    const shown = messages.map((message) => message.id).join();
    if (box.dataset.shown === shown) return;
    box.dataset.shown = shown;
    box.replaceChildren(...messages.map(messageBox));
  }

  function messageBox(message) {
    const box = element("div", `notice notice--${message.kind} upload-message`);
    const words = element("div");
    words.append(element("span", "notice-title", message.title));
    if (message.items.length <= SHOWN_INLINE) words.append(element("span", "muted", message.items.join(" · ")));
    else {
      const list = element("ul");
      list.append(...message.items.map((item) => element("li", "", item)));
      words.append(list);
    }
    if (message.link) {
      const link = element("a", "", message.link.words);
      link.href = message.link.href;
      words.append(link);
    }
    const close = element("button", "button button--small", "Dismiss");
    close.type = "button";
    close.dataset.dismiss = message.id;
    box.append(words, close);
    return box;
  }

  // ---- dialog, buttons, dropping ----
  function openDialog() {
    const dialog = byId("upload-dialog");
    if (!dialog || dialog.open) return;
    dialog.showModal();
    byId("upload-files").focus();
  }

  function choose(folder) {
    const input = element("input");
    input.type = "file";
    input.multiple = true;
    input.webkitdirectory = folder;
    input.addEventListener("change", () => add(overread.uploadFiles.fromInput(input)));
    byId("upload-dialog")?.close();
    input.click();
  }

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target || !byId("upload")) return;
    if (target.closest("[data-upload='open']")) openDialog();
    else if (target.id === "upload-dialog" || target.closest("#upload-close")) byId("upload-dialog").close();
    else if (target.closest("#upload-files")) choose(false);
    else if (target.closest("#upload-folder")) choose(true);
    else if (target.closest("#upload-cancel")) cancel();
    else if (target.closest("#upload-retry")) retry();
    const dismissed = target.closest("[data-dismiss]");
    if (dismissed) {
      messages = messages.filter((message) => message.id !== dismissed.dataset.dismiss);
      keep();
    }
    const link = target.closest(".upload-message a");
    if (link && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      overread.worklist.go(link.getAttribute("href"));
    }
  });

  const carriesFiles = (event) => byId("upload") && [...(event.dataTransfer?.types || [])].includes("Files");
  const showDrop = (shown) => byId("upload-drop")?.toggleAttribute("hidden", !shown);

  for (const kind of ["dragenter", "dragover"]) {
    window.addEventListener(kind, (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      showDrop(true);
    });
  }
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) showDrop(false);
  });
  window.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    showDrop(false);
    byId("upload-dialog")?.close();
    overread.uploadFiles.fromDrop(event.dataTransfer).then(add);
  });
  window.addEventListener("beforeunload", (event) => {
    if (job) event.preventDefault();
  });

  return { openDialog, add, render };
})();
