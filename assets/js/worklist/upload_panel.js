// What the page shows of an upload (dashboard/pages/worklist/upload.py): progress, messages, the dialog, dropping.
window.overread = window.overread || {};

overread.uploadPanel = (function () {
  "use strict";

  const KEPT = "overread.upload.messages";
  const SHOWN_INLINE = 2;
  const READ_MS = 5000; // a message that was in view for so long has been read
  const { megabytes, plural } = overread.uploadWords;

  let messages = kept();

  const byId = (id) => document.getElementById(id);

  // ---- what was said ----
  // A reload keeps only what nobody has read yet; without one, errors stay until they are dismissed.
  function kept() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT) || "[]").map((message) => ({ studies: [], ...message, listed: true }));
    } catch (error) {
      return [];
    }
  }

  function say(message) {
    messages = [...messages, { studies: [], ...message, id: `${Date.now()}-${Math.random()}` }].slice(-6);
    keep();
  }

  function keep() {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(messages.filter((message) => !message.read)));
    } catch (error) {
      // shown all the same, but not after a reload
    }
    render();
  }

  function clear() {
    messages = messages.filter((message) => message.kind === "error");
  }

  // Drops what was said of studies that the worklist has listed and lists no more: there is nothing left to open.
  function forgetDeleted(listed) {
    const here = new Set(listed);
    const left = messages.filter((message) => {
      const there = message.studies.some((id) => here.has(id));
      message.listed = message.listed || there;
      return there || !message.listed || !message.studies.length;
    });
    if (left.length === messages.length) return;
    messages = left;
    keep();
  }

  let reading = 0;
  function countAsRead() {
    clearTimeout(reading);
    if (document.hidden || messages.every((message) => message.read)) return;
    const shown = messages;
    reading = setTimeout(() => {
      if (document.hidden || !byId("upload-messages")) return;
      for (const message of shown) message.read = true;
      keep();
    }, READ_MS);
  }

  document.addEventListener("visibilitychange", countAsRead);

  function secondsLeft(seconds) {
    if (!Number.isFinite(seconds)) return "";
    return seconds < 90 ? `${Math.max(Math.ceil(seconds), 1)} s left` : `${Math.ceil(seconds / 60)} min left`;
  }

  // ---- what the page shows ----
  let due = 0;
  function renderSoon() {
    if (!due) due = setTimeout(() => { due = 0; render(); }, 120);
  }

  function progress(job) {
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
    const job = overread.upload.current();
    box.hidden = !job;
    if (job) {
      const { title, detail, share } = progress(job);
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
    countAsRead();
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
    input.addEventListener("change", () => overread.upload.add(overread.uploadFiles.fromInput(input)));
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
    else if (target.closest("#upload-cancel")) overread.upload.cancel();
    else if (target.closest("#upload-retry")) overread.upload.retry();
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
    overread.uploadFiles.fromDrop(event.dataTransfer).then(overread.upload.add);
  });

  return { openDialog, say, clear, forgetDeleted, render, renderSoon };
})();
