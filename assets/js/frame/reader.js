// Who is reading: name, own keys, whether the tour was taken. Kept by the server (/api/reader); what cannot be sent is
// in effect on this page at once and is sent again until the server has it.
window.overread = window.overread || {};

overread.reader = (function () {
  "use strict";

  const RETRY_MS = [1000, 2000, 5000, 10000, 30000];
  const HEADERS = { "X-Overread": "1", "Content-Type": "application/json", Accept: "application/json" };
  const NOT_SAVED = "The server does not answer; it will be saved as soon as it does.";
  const now = { name: "", shown: "Reader", can_rename: true, keys: {}, tour_done: true, loaded: false };
  let pending = null; // what the server does not have yet
  let sending = Promise.resolve("");
  let failures = 0;
  let timer = 0;

  const byId = (id) => document.getElementById(id);

  function take(answer) {
    Object.assign(now, answer, pending || {}, { loaded: true });
    overread.keys.use(now.keys);
    show();
    document.dispatchEvent(new CustomEvent("overread:reader"));
  }

  function show() {
    const open = byId("reader-open");
    if (!open) return;
    open.textContent = now.shown;
    open.setAttribute("aria-label", `Reader: ${now.shown}`);
  }

  async function load(tries = 0) {
    const response = await fetch("/api/reader", { headers: { Accept: "application/json" } }).catch(() => null);
    const answer = await response?.json().catch(() => null);
    if (response?.ok && answer) return take(answer);
    setTimeout(load, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)], tries + 1);
  }

  // Sends what is pending, one request after the other. Returns why it is not saved, in a sentence, or "".
  async function send() {
    clearTimeout(timer);
    const sent = pending;
    if (!sent) return "";
    const response = await fetch("/api/reader", { method: "PUT", headers: HEADERS, body: JSON.stringify(sent) }).catch(() => null);
    const answer = await response?.json().catch(() => null);
    if (pending === sent && response && response.status < 500) pending = null; // else more was changed meanwhile: it is sent next
    if (response?.ok && answer) {
      failures = 0;
      take(answer);
      return "";
    }
    if (response && response.status < 500) {
      void load();
      return answer?.error || "The server refused it.";
    }
    timer = setTimeout(() => void change({}), RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    return NOT_SAVED;
  }

  // fields: {name, keys, tour_done}, any of them.
  function change(fields) {
    pending = { ...(pending || {}), ...fields };
    Object.assign(now, fields);
    if (fields.keys) overread.keys.use(now.keys);
    sending = sending.then(send);
    return sending;
  }

  // ---- the menu at the right of the top bar ----
  function openMenu() {
    const dialog = byId("reader-dialog");
    if (!dialog || dialog.open) return;
    const host = byId("reader-name-host");
    if (!host.firstChild) {
      const field = Object.assign(document.createElement("input"), { id: "reader-name", type: "text", className: "field", maxLength: 60, autocomplete: "name" });
      field.setAttribute("aria-describedby", "reader-words");
      host.append(field);
    }
    byId("reader-name").value = now.name;
    byId("reader-name").readOnly = !now.can_rename;
    byId("reader-save").hidden = !now.can_rename;
    byId("reader-words").textContent = now.can_rename
      ? `Written beside what you save, such as a corrected mask. Until you type one it is “${now.shown}”. The server knows you by this browser.`
      : "Your name comes from the sign-in in front of Overread. It is written beside what you save.";
    byId("reader-status").textContent = "";
    dialog.showModal();
    if (now.can_rename && !now.name) byId("reader-name").focus();
  }

  async function save() {
    byId("reader-status").textContent = "Saving";
    const error = await change({ name: byId("reader-name").value });
    byId("reader-status").textContent = error;
    if (!error) byId("reader-dialog").close();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("#reader-open")) return openMenu();
    const dialog = byId("reader-dialog");
    if (!dialog?.open) return;
    if (event.target === dialog || event.target.closest("#reader-close")) dialog.close();
    else if (event.target.closest("#reader-save")) void save();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.id === "reader-name" && now.can_rename) void save();
  });
  document.addEventListener("overread:page", show);

  void load();

  return { change, get now() { return now; } };
})();
