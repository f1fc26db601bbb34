// The edit row of the tool bar: buttons, keys, size of the brush, and in words what becomes of the correction.
window.overread = window.overread || {};

overread.editBar = (function () {
  "use strict";

  const SAID_MS = 5000;
  const ACTIONS = ["grow", "shrink", "copy-next", "copy-previous", "interpolate", "clear", "again"];
  const byId = (id) => document.getElementById(`edit-${id}`);
  const state = () => overread.viewer.now;
  const isEditing = () => Boolean(state()) && overread.tools.group() === "edit";

  let said = 0; // timer of the sentence over the image
  let waitsForName = false;

  // A sentence about what was just tried, for a moment over the image: the bar has no room for it, and nothing may
  // move. Returns null, so that what cannot be done can end with it.
  function say(words) {
    clearTimeout(said);
    byId("said").textContent = words;
    said = setTimeout(() => { byId("said").textContent = ""; }, SAID_MS);
    return null;
  }

  function time(iso) {
    const at = new Date(iso);
    const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
    return at.toDateString() === new Date().toDateString() ? clock : `${at.toLocaleDateString()} ${clock}`;
  }

  // What has become of the correction, in one sentence.
  function words() {
    const { kind, at, sentence, line } = overread.correctionStore.status;
    const isAhead = overread.correctionStore.isDirty && ["none", "saved", "version"].includes(kind); // of what is sent in a moment
    if (kind === "saving" || isAhead) return "Saving the draft";
    if (kind === "saved") return `Draft saved ${time(at)}`;
    if (kind === "version") return `Saved as version ${line.number} by ${line.author}, ${time(at)}`;
    if (kind === "failed" || kind === "refused") return `Not saved: ${sentence}`;
    if (kind === "conflict") return `Not saved: another window changed this draft at ${time(at)}. Nothing is lost: choose which of the two goes on.`;
    return overread.correction.isThere() ? "Nothing to save" : "Draw on the image: the AI's mask stays as it is.";
  }

  function show() {
    const { kind } = overread.correctionStore.status;
    const { state: own } = overread.correction;
    if (!own || !byId("words")) return;
    byId("words").textContent = kind === "conflict" ? "Not saved: changed in another window" : words();
    byId("words").title = words();
    byId("conflict-words").textContent = kind === "conflict" ? words() : "";
    byId("words").classList.toggle("edit-words--failed", ["failed", "refused", "conflict"].includes(kind));
    byId("conflict").hidden = kind !== "conflict";
    byId("undo").disabled = !own.done.some((step) => !step.silent);
    byId("redo").disabled = !own.undone.length;
    byId("save").disabled = !own.base || overread.correctionStore.isSaved;
    document.dispatchEvent(new CustomEvent("overread:correction-words"));
  }

  async function save() {
    const { now: reader } = overread.reader;
    if (!isEditing() || byId("save").disabled) return say("Nothing has been changed since the last version.");
    if (!reader.name && reader.can_rename) {
      waitsForName = true;
      document.getElementById("reader-open").click();
      return say("Type your name: it is kept with the version.");
    }
    const line = await overread.correctionStore.saveVersion();
    return line && say(`Saved as version ${line.number}.`);
  }

  function nameCame() {
    if (!waitsForName || !overread.reader.now.name) return;
    waitsForName = false;
    void save();
  }

  function showSize(size) {
    const mm = state()?.study.spacing_mm;
    const slider = document.getElementById("edit-size");
    slider.value = size;
    const spoken = mm ? `${size} px, ${(size * Math.min(mm[1], mm[2])).toFixed(1)} mm` : `${size} px`;
    slider.setAttribute("aria-valuetext", spoken);
    byId("size-words").textContent = spoken;
  }

  function makeSlider() {
    const { SMALLEST, LARGEST, brushSize } = overread.editTools;
    const slider = document.createElement("input");
    const attributes = { type: "range", id: "edit-size", class: "slider edit-size-slider", min: SMALLEST, max: LARGEST, step: 1, value: brushSize, "aria-label": "Diameter of brush and eraser" };
    for (const [name, value] of Object.entries(attributes)) slider.setAttribute(name, value);
    slider.addEventListener("input", () => overread.editTools.setSize(Number(slider.value)));
    byId("size-host").replaceChildren(slider);
    showSize(brushSize);
  }

  const editing = (run) => () => isEditing() && run();
  const tool = (name) => () => state() && overread.tools.choose(name);
  const action = (name) => editing(() => overread.editActions[name]());
  const flip = () => overread.viewer.display({ show: { correction: state().show.correction === false } });

  const KEYS = [
    { id: "edit.open", key: "e", label: "Correct the mask, or leave off", run: () => state() && overread.tools.toggleGroup("edit") },
    { id: "edit.brush", key: "4", label: "Brush (Alt takes away)", run: tool("brush") },
    { id: "edit.eraser", key: "5", label: "Eraser (Alt adds)", run: tool("eraser") },
    { id: "edit.polygon", key: "6", label: "Polygon that adds", run: tool("polygon") },
    { id: "edit.cut", key: "7", label: "Polygon that cuts out", run: tool("cut") },
    { id: "edit.fill", key: "8", label: "Fill a hole (Alt takes a piece away)", run: tool("fill") },
    { id: "edit.smaller", key: "<", label: "Smaller brush", repeat: true, run: editing(() => overread.editTools.resize(-1)) },
    { id: "edit.larger", key: ">", label: "Larger brush", repeat: true, run: editing(() => overread.editTools.resize(1)) },
    { id: "edit.grow", key: "Shift+g", label: "Grow by one pixel", repeat: true, run: action("grow") },
    { id: "edit.shrink", key: "Shift+s", label: "Shrink by one pixel", repeat: true, run: action("shrink") },
    { id: "edit.copy-next", key: "Shift+PageDown", label: "Copy to the next slice", repeat: true, run: action("copy-next") },
    { id: "edit.copy-previous", key: "Shift+PageUp", label: "Copy to the slice before", repeat: true, run: action("copy-previous") },
    { id: "edit.interpolate", key: "Shift+i", label: "Interpolate between corrected slices", run: action("interpolate") },
    { id: "edit.clear", key: "Shift+x", label: "Clear the slice", run: action("clear") },
    { id: "edit.again", key: "Shift+a", label: "Take the AI's mask on this slice again", run: action("again") },
    { id: "show.correction", key: "Shift+m", label: "Correction on or off", run: () => state() && flip() },
  ];

  // Keys that other tools have too: ours while ours is the row in view.
  const STEPS = [
    { id: "edit.undo", key: "Ctrl+z", label: "Undo", repeat: true, run: action("undo") },
    { id: "edit.redo", key: "Ctrl+Shift+z", label: "Redo", repeat: true, run: action("redo") },
    { id: "edit.redo-too", key: "Ctrl+y", repeat: true, run: action("redo") },
    { id: "edit.save", key: "Ctrl+s", label: "Save as a new version", run: editing(() => void save()) },
  ];
  let takeSteps = null;

  function keepSteps() {
    if (isEditing() && !takeSteps) takeSteps = overread.keys.add("Correcting: undo and save", STEPS);
    else if (!isEditing() && takeSteps) takeSteps = void takeSteps();
  }

  function mount(signal) {
    makeSlider();
    const sentence = Object.assign(document.createElement("div"), { id: "edit-said", className: "edit-said" });
    sentence.setAttribute("role", "status");
    document.getElementById("viewer-stage").append(sentence);
    const press = (id, run) => byId(id).addEventListener("click", (event) => {
      if (event.detail) event.currentTarget.blur(); // keys belong to the image again
      if (state()) void run();
    }, { signal });
    for (const name of [...ACTIONS, "undo", "redo"]) press(name, () => overread.editActions[name]());
    press("save", save);
    press("keep-mine", () => overread.correctionStore.keepMine());
    press("take-theirs", () => overread.correctionStore.takeTheirs());
    document.getElementById("viewer-show-correction").addEventListener("click", () => state() && flip(), { signal });
    document.addEventListener("overread:correction", show, { signal });
    document.addEventListener("overread:reader", nameCame, { signal });
    const { on } = overread.correction;
    const removers = [
      ...["open", "change", "loaded"].map((name) => on(name, show)),
      overread.viewer.on("open", () => showSize(overread.editTools.brushSize)),
      overread.viewer.on("display", keepSteps),
      overread.keys.add("Correcting", KEYS),
    ];
    return () => {
      clearTimeout(said);
      sentence.remove();
      takeSteps = void takeSteps?.();
      waitsForName = false;
      removers.forEach((remove) => remove());
    };
  }

  return { say, showSize, time, words, mount };
})();
