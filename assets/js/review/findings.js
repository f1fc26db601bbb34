// The findings panel: words and numbers of the study and of the slice in view. Written text, never HTML.
window.overread = window.overread || {};

overread.findings = (function () {
  "use strict";

  const NONE = "–";
  const ENGINES = { openvino: "OpenVINO", onnxruntime: "ONNX Runtime", keras: "Keras" };
  const PRECISIONS = { f32: "float32", bf16: "bfloat16" };

  function text(id, words) {
    const node = document.getElementById(id);
    if (node && node.textContent !== words) node.textContent = words;
    return node;
  }

  function hide(id, hidden) {
    const node = document.getElementById(id);
    if (node) node.hidden = hidden;
  }

  function volume(now) {
    const { study } = now, { volumeMl, volumeParts } = overread.amounts;
    const isUnchanged = overread.threshold.isUnchanged(now);
    const voxels = isUnchanged ? study.result.slices.reduce((sum, { mask_area_px: area }) => sum + area, 0) : overread.threshold.voxels(now);
    const [number, unit] = volumeParts(voxels, isUnchanged ? study.result.volume_ml : volumeMl(voxels, study));
    return [number, ` ${unit}`, unit === "mL" ? "" : "The input has no pixel spacing, so there are no millilitres."];
  }

  function called(now) {
    const { n, result } = now.study;
    const k = result.slices.filter((_, j) => overread.calls.isCalled(now, j)).length;
    const point = overread.calls.isShipped(now) ? "the operating point" : `${overread.calls.value(now).toFixed(2)}, which is not the shipped operating point`;
    if (k === 0) return `No slice above ${point}. This does not mean normal.`;
    return `${k} of ${n} slices ${k === 1 ? "is" : "are"} above ${point}. Edema counts as abnormality.`;
  }

  // Another study is read from its volume on.
  const toTop = () => { document.querySelector(".findings-scroll").scrollTop = 0; };

  function study(now) {
    const { study: s } = now;
    const { result } = s;
    hide("finding-volume-line", !result);
    hide("finding-called", !result);
    hide("finding-why", true);
    if (result) {
      const [amount, unit, why] = volume(now);
      text("finding-volume", amount);
      text("finding-volume-unit", unit);
      text("finding-called", called(now));
      text("finding-why", why);
      hide("finding-why", !why);
    }
    text("finding-network", result ? network(result.network) : "Shown with the result.");
    text("finding-engine", result ? engine(result.network) : "");
    text("finding-series", result ? `Answered from ${result.series.map((i) => s.channels[i].label).join(", ")}.` : "");
    conflicts(s);
  }

  const network = ({ name, version, digest }) => `${name} ${version} · ${digest.slice(0, 8)}`;

  function conflicts({ result }) {
    const k = result ? result.slices.filter(overread.viewer.isConflict).length : 0;
    hide("finding-conflicts", k === 0);
    text("finding-conflicts-text", `On ${k} ${k === 1 ? "slice" : "slices"} classifier and outline contradict each other.`);
  }

  function engine({ engine: name, precision }) {
    return [ENGINES[name] || name, PRECISIONS[precision] || precision].filter(Boolean).join(", ");
  }

  function area(now) {
    if (!now.study.result) return NONE;
    return overread.amounts.areaWords(overread.threshold.area(now, now.k), now.study);
  }

  function agreement(now) {
    const { reference_url: reference, result } = now.study;
    if (!reference) return "no reference";
    if (!result) return NONE;
    const dice = overread.threshold.dice(now, now.k);
    return dice === null ? "both empty" : `Dice ${dice.toFixed(2)}`;
  }

  // A share in [0, 1] as number and bar; words where there is none.
  function share(name, value, none) {
    text(`finding-${name}`, value === null || value === undefined ? none : value.toFixed(2));
    document.getElementById(`finding-${name}-fill`).style.width = `${(value || 0) * 100}%`;
  }

  function slice(now) {
    const { study: s, k } = now;
    const answer = s.result?.slices[k];
    share("score", answer ? answer.tumor_probability : null, NONE);
    share("classifier", answer ? answer.classifier_score : null, NONE);
    share("evidence", answer ? answer.outline_evidence : null, answer ? "none" : NONE);
    const tick = document.getElementById("finding-score-tick");
    tick.hidden = !answer;
    if (answer) tick.style.left = `${overread.calls.value(now) * 100}%`;
    text("finding-point", answer ? overread.calls.value(now).toFixed(2) : NONE);
    decided(now, answer);
    text("finding-area", area(now));
    text("finding-dice", agreement(now));
  }

  function decided(now, answer) {
    const conflict = Boolean(answer) && overread.viewer.isConflict(answer);
    const node = text("finding-decided", answer ? decision(now, answer) : "");
    node.classList.toggle("notice", conflict);
    node.classList.toggle("notice--warning", conflict);
    text("finding-note", answer ? note(now, now.k) : "");
  }

  // On which side of the operating point in view the slice lies, where the rest does not tell.
  function note(now, k) {
    const { calls, threshold } = overread;
    const point = calls.isShipped(now) ? "the operating point" : `your operating point of ${calls.value(now).toFixed(2)}`;
    const isCalled = calls.isCalled(now, k), change = calls.change(now, k);
    if (isCalled && !threshold.area(now, k)) return `Above ${point}; ${overread.leftOut.pixels(now) ? "all that was outlined here was left out" : "nothing outlined"}.`;
    if (change > 0) return `Above ${point}: its outline is shown.`;
    if (change < 0) return `Below ${point}${threshold.covered(now, k) ? ": its outline is not shown" : ""}.`;
    return "";
  }

  // What decided at the shipped operating point, in a sentence that never hides a contradiction.
  function decision(now, { decided_by: by, tumor }) {
    const point = overread.calls.isShipped(now) ? "operating point" : "shipped operating point";
    const side = `${tumor ? "above" : "below"} the ${point}`;
    if (by === "gate") return "The classifier's score is too low to outline anything.";
    if (by === "both") return `Classifier and outline agree${overread.calls.change(now, now.k) ? `: ${side}` : ""}.`;
    if (by !== "classifier" && by !== "outline") return "";
    const seen = (by === "classifier") === tumor;
    const contradiction = seen ? "the classifier speaks for tumor, the outline against it" : "the outline speaks for tumor, the classifier against it";
    return `Conflict: ${contradiction}. The ${by} decided: ${side}.`;
  }

  function mount() {
    const { on } = overread.viewer;
    const removers = [on("open", toTop), on("open", study), on("result", study), on("slice", slice), on("threshold", study), on("threshold", slice)];
    return () => removers.forEach((remove) => remove());
  }

  return { mount };
})();
