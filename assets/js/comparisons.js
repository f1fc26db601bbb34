// The comparisons page: choose or drop one image, send it, show how far its answer is, and the heat map's strength.
window.overread = window.overread || {};
window.dash_clientside = window.dash_clientside || {};

overread.comparisons = (function () {
  "use strict";

  const byId = (id) => document.getElementById(id);
  let asked = 0; // the request whose words are shown
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
    asked = Date.now();
    say("Answering", { busy: true });
    history.replaceState(history.state, "", `/comparisons?task=${button.dataset.task}&image=${answer.image}`);
    window.dash_clientside.set_props("comparisons-request", { data: { task: button.dataset.task, image: answer.image, asked } });
  }

  function tell(progress) {
    if (progress?.words && (!progress.asked || progress.asked === asked)) say(progress.words, { busy: true });
  }

  // The answer has come into view: its words take the place of the progress, and the heat map gets its slider.
  function mount() {
    say("");
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
    if (event.target.closest?.("#comparisons-cancel")) {
      turn++;
      asked = -1; // nothing more of it is told
      say("Cancelled.");
    }
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
    tell: (progress) => void tell(progress) || window.dash_clientside.no_update,
  };

  return { send };
})();
