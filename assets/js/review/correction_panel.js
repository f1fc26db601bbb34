// The findings panel's section on the reader's mask, and its button in the legend. Written text, never HTML.
window.overread = window.overread || {};

overread.correctionPanel = (function () {
  "use strict";

  const NONE = "–";
  const byId = (id) => document.getElementById(id);
  let scheduled = false;
  let wasEditing = false;

  const text = (id, words) => {
    const node = byId(id);
    if (node.textContent !== words) node.textContent = words;
  };

  const area = (pixels, study) => (pixels === null ? NONE : overread.amounts.areaWords(pixels, study));
  const volume = (voxels, study) => (voxels === null ? NONE : overread.amounts.volumeWords(voxels, overread.amounts.volumeMl(voxels, study)));

  const dice = (value) => (value === null ? NONE : value === "empty" ? "both empty" : value.toFixed(2));

  const at = (threshold) => `the AI's mask at threshold ${threshold.toFixed(2)}`;

  // What it departs from, in words.
  function origin({ threshold, version }) {
    if (version !== null && version !== undefined) return `Goes on from version ${version}${threshold === null ? "" : `, which began from ${at(threshold)}`}.`;
    return threshold === null ? "Began from an empty mask." : `Began from ${at(threshold)}.`;
  }

  const versionName = ({ number, author }) => `Version ${number} by ${author}`;

  // Whose mask is in hand: another reader's version stays theirs until something was changed.
  function mine() {
    const { state } = overread.correction;
    const line = state.touched.size ? null : overread.correctionStore.versions.find(({ number, own }) => !own && number === state.base?.spec.version);
    return line ? versionName(line) : "Your correction";
  }

  // What is drawn, in words.
  function name() {
    const { version } = overread.correctionLayer;
    if (version) return versionName(version);
    return overread.correction.isThere() ? mine() : "Correction";
  }

  function figures(state) {
    const { now } = state;
    const base = overread.correction.baseNow();
    const here = overread.correctionFigures.slice(state, now.k);
    const all = state.base ? overread.correctionFigures.volume(state) : { area: null, ai: null, reference: null };
    byId("correction-ai").hidden = !base.ai;
    byId("correction-reference").hidden = !state.reference;
    text("correction-size-slice", area(here.area, now.study));
    text("correction-size-volume", volume(all.area, now.study));
    for (const name of ["ai", "reference"]) {
      text(`correction-${name}-slice`, dice(here[name]));
      text(`correction-${name}-volume`, dice(all[name]));
    }
  }

  // Of the mask in hand, and so not while a version is shown in its place.
  function diameters(now, shown) {
    const { size, criterion, isLate } = shown === null ? overread.measures.ofCorrection(now) : { size: "", criterion: "", isLate: false };
    byId("correction-diameters").hidden = !size;
    for (const id of ["correction-diameters-all", "correction-measurable"]) byId(id).setAttribute("aria-busy", String(isLate));
    text("correction-diameters-all", size);
    text("correction-measurable", criterion);
  }

  function update() {
    scheduled = false;
    const { state } = overread.correction;
    if (!state) return;
    const there = overread.correction.isThere();
    const editing = overread.tools.group() === "edit";
    const { versions } = overread.correctionStore;
    byId("findings-correction").hidden = !(there || editing || versions.length);
    if (editing && !wasEditing) byId("findings-correction").scrollIntoView({ block: "nearest" });
    wasEditing = editing;
    const button = byId("viewer-show-correction");
    const shown = overread.correctionLayer.versionShown;
    button.hidden = !there && !editing && shown === null;
    button.setAttribute("aria-pressed", String(state.now.show.correction !== false));
    text("viewer-show-correction-words", name());
    text("correction-title", there || editing ? mine() : "Corrections");
    byId("correction-figures").hidden = !there && !editing;
    text("correction-of", shown !== null && there ? `Version ${shown} is in view. These figures are of ${mine() === "Your correction" ? "your draft" : mine()}: the tools and Save go on with it.` : "");
    figures(state);
    diameters(state.now, shown);
    text("correction-base", there ? origin(state.base.spec) : "");
    text("correction-state", there ? overread.editBar.words() : "");
    byId("correction-from-ai").hidden = !there;
    list(versions, shown);
  }

  // Once a frame: a stroke tells of every move.
  function schedule() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(update);
  }

  // ---- versions ----
  function button(words, name, run, pressed) {
    const made = Object.assign(document.createElement("button"), { type: "button", className: "button button--small", textContent: words });
    made.setAttribute("aria-label", name);
    if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
    made.addEventListener("click", run);
    return made;
  }

  function described({ author, saved_at: saved, facts, based_on: base }) {
    const size = overread.amounts.volumeWords(facts.area_px, facts.volume_ml);
    const agreement = facts.dice_ai === null ? "" : ` · Dice with the AI's mask ${facts.dice_ai.toFixed(2)}`;
    return [`${author}, ${overread.editBar.time(saved)}`, `${size}${agreement}`, origin(base)];
  }

  function list(versions, shown) {
    const host = byId("correction-versions");
    byId("correction-versions-title").hidden = !versions.length;
    const key = JSON.stringify([versions.map(({ number }) => number), shown, overread.correction.state.base?.spec.version ?? null]);
    if (host.dataset.key === key) return;
    host.dataset.key = key;
    host.replaceChildren(...versions.map((line) => {
      const item = document.createElement("li");
      const title = Object.assign(document.createElement("p"), { className: "strong", textContent: `Version ${line.number}` });
      const lines = described(line).map((textContent) => Object.assign(document.createElement("p"), { className: "finding-text", textContent }));
      const buttons = Object.assign(document.createElement("div"), { className: "inline" });
      const file = Object.assign(document.createElement("a"), { className: "button button--small", textContent: "NIfTI", href: `/api/studies/${overread.correction.state.now.study.study_id}/versions/${line.number}.nii.gz` });
      file.setAttribute("aria-label", `Version ${line.number} as a NIfTI file`);
      file.setAttribute("download", "");
      buttons.append(
        button("Show", `Show version ${line.number}`, () => void flip(line), shown === line.number),
        button("Go on from here", `Go on from version ${line.number}`, () => void goOn(line)),
        file,
      );
      item.append(title, ...lines, buttons);
      return item;
    }));
  }

  async function fetched(line) {
    try {
      return await overread.correctionStore.version(line.number);
    } catch (error) {
      return overread.editBar.say(`Version ${line.number} could not be loaded: ${error.message}`);
    }
  }

  async function flip(line) {
    if (overread.correctionLayer.versionShown === line.number) return overread.correctionLayer.showVersion(null);
    const found = await fetched(line);
    return found && overread.correctionLayer.showVersion({ ...line, ...found });
  }

  async function goOn(line) {
    const found = await fetched(line);
    if (found) ask(versionName(line), () => overread.correction.replace(`Version ${line.number}`, found.base));
  }

  function fromAi() {
    ask("The AI's mask in view", () => overread.correction.replace("AI's mask", overread.correction.aiBase(overread.viewer.now)));
  }

  // What was drawn since the last version gives way only when the reader says so; Undo brings it back.
  let agreed = null;

  function ask(what, replace) {
    const { state } = overread.correction;
    const slices = state.touched.size;
    if (!slices || overread.correctionStore.isSaved) return replace();
    agreed = () => overread.correction.state === state && replace();
    text("correction-ask-words", `Your draft has changes on ${slices} ${slices === 1 ? "slice" : "slices"} that no version holds. ${what} would take its place; Undo brings it back until you leave this study.`);
    byId("correction-ask").showModal();
    return byId("correction-ask-keep").focus();
  }

  function answer(event) {
    const dialog = byId("correction-ask");
    const agrees = Boolean(event.target.closest("#correction-ask-replace"));
    if (!agrees && event.target !== dialog && !event.target.closest("#correction-ask-keep")) return;
    dialog.close();
    if (agrees) agreed?.();
    agreed = null;
  }

  function mount(signal) {
    byId("correction-from-ai").addEventListener("click", fromAi, { signal });
    byId("correction-ask").addEventListener("click", answer, { signal });
    for (const name of ["overread:correction", "overread:correction-words"]) document.addEventListener(name, schedule, { signal });
    const removers = [
      ...["open", "change", "loaded", "live"].map((name) => overread.correction.on(name, schedule)),
      overread.bidimensional.on(schedule),
      ...["slice", "display", "threshold", "measures", "painted", "areas"].map((name) => overread.viewer.on(name, schedule)),
    ];
    return () => removers.forEach((remove) => remove());
  }

  return { name, mount };
})();
