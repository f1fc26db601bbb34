// The comparisons page: choose or drop one image, send it, show how far its answer is, and the heat map's strength.
window.overread = window.overread || {};
window.dash_clientside = window.dash_clientside || {};

overread.comparisons = (function () {
  "use strict";

  const WORDS = {
    queued: "Waiting for its turn",
    running: "Answering",
    cancelling: "Cancelling",
    cancelled: "Cancelled.",
    lost: "The server does not answer. Trying again.",
  };
  const byId = (id) => document.getElementById(id);
  let channel = null; // the image whose answer is awaited
  let turn = 0; // an upload that another one has replaced says nothing any more
  let strength = 0.6;

  function say(words, { busy = false, error = false } = {}) {
    const status = byId("comparisons-status");
    if (!status) return;
    status.textContent = words;
    status.className = error ? "notice notice--error" : "tabular";
    byId("comparisons-cancel").hidden = !busy;
  }

  function choose() {
    const input = Object.assign(document.createElement("input"), { type: "file" });
    input.onchange = () => input.files.length && void send(input.files[0]);
    input.click();
  }

  async function send(file) {
    const button = byId("comparisons-choose");
    if (!button) return;
    const limit = Number(button.dataset.maxBytes);
    if (file.size > limit) return say(`${file.name} is larger than ${Math.round(limit / 2 ** 20)} MB.`, { error: true });
    const mine = ++turn;
    say(`Sending ${file.name}`);
    const response = await fetch(`/api/comparisons/images?name=${encodeURIComponent(file.name)}`, {
      method: "PUT",
      headers: { "X-Overread": "1", "Content-Type": "application/octet-stream", Accept: "application/json" },
      body: file,
    }).catch(() => null);
    const answer = await response?.json().catch(() => null);
    if (mine !== turn || !byId("comparisons-choose")) return;
    if (!response) return say("The server does not answer. Try again in a moment.", { error: true });
    if (!response.ok || !answer?.image) return say(answer?.error || "The server could not take the image.", { error: true });
    history.replaceState(history.state, "", `/comparisons?task=${button.dataset.task}&image=${answer.image}`);
    awaitAnswer(button.dataset.task, answer.image, true);
  }

  function awaitAnswer(task, image, again) {
    channel?.close();
    channel = overread.jobChannel.open("comparisons-request", { task, image }, ({ state, message }) => {
      if (!byId("comparisons-status")) return channel.close(); // another page is in view
      const busy = state !== "done" && state !== "failed" && state !== "cancelled";
      say((state === "running" && message) || WORDS[state] || "", { busy });
    });
    say("Answering", { busy: true });
    channel.ask(again);
  }

  // Something has come into view: an empty page, whose address may name an image, or an answer, which gets its slider.
  function mount() {
    const image = new URLSearchParams(location.search).get("image");
    if (image && document.querySelector(".comparison-empty")) awaitAnswer(byId("comparisons-choose").dataset.task, image, false);
    const host = byId("comparisons-opacity");
    if (!host || host.firstChild) return;
    const label = Object.assign(document.createElement("label"), { textContent: "Heat map", htmlFor: "heat-strength" });
    const slider = Object.assign(document.createElement("input"), { id: "heat-strength", type: "range", min: 0, max: 100, value: strength * 100, className: "slider" });
    const apply = () => {
      strength = slider.value / 100;
      document.querySelector(".heat")?.style.setProperty("--strength", strength);
    };
    slider.addEventListener("input", apply);
    host.append(label, slider);
    apply();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#comparisons-choose")) choose();
    if (event.target.closest?.("#comparisons-cancel")) channel?.cancel();
  });
  const inside = (event) => byId("comparisons-choose") && event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => inside(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!inside(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files.length) void send(event.dataTransfer.files[0]);
  });

  window.dash_clientside.overread_comparisons = {
    mount: () => void mount() || window.dash_clientside.no_update,
    job: (job) => void channel?.hear(job) || window.dash_clientside.no_update,
  };

  return { send };
})();
