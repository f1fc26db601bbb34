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

  function volume(study) {
    const { result } = study;
    if (result.volume_ml !== null && result.volume_ml !== undefined) {
      const ml = result.volume_ml;
      return [ml === 0 ? "0" : ml < 0.1 ? "<0.1" : ml.toFixed(1), " mL", ""];
    }
    const pixels = result.slices.reduce((sum, slice) => sum + slice.mask_area_px, 0);
    return [pixels.toLocaleString("en-US"), " pixels", "The input has no pixel spacing, so there are no millilitres."];
  }

  function called({ n, result }) {
    const k = result.slices.filter((slice) => slice.tumor).length;
    if (k === 0) return "No slice above the operating point. This does not mean normal.";
    return `${k} of ${n} slices ${k === 1 ? "is" : "are"} above the operating point. Edema counts as abnormality.`;
  }

  function study({ study: s }) {
    const { result } = s;
    hide("finding-volume-line", !result);
    hide("finding-called", !result);
    hide("finding-why", true);
    if (result) {
      const [amount, unit, why] = volume(s);
      text("finding-volume", amount);
      text("finding-volume-unit", unit);
      text("finding-called", called(s));
      text("finding-why", why);
      hide("finding-why", !why);
    }
    text("finding-segmenter", result ? model("Outline", result.segmenter) : "Shown with the result.");
    text("finding-classifier", result ? model("Slice score", result.classifier) : "");
    text("finding-engine", result ? engine(result.segmenter) : "");
    warnings(s);
  }

  const model = (words, { name, version, digest }) => `${words}: ${name} ${version} · ${digest.slice(0, 8)}`;

  function engine({ engine: name, precision }) {
    return [ENGINES[name] || name, PRECISIONS[precision] || precision].filter(Boolean).join(", ");
  }

  function warnings({ warnings: own, result }) {
    const all = [...new Set([...(own || []), ...(result?.warnings || [])])];
    hide("findings-warnings", all.length === 0);
    document.getElementById("finding-warnings").replaceChildren(
      ...all.map((sentence) => Object.assign(document.createElement("p"), { className: "notice notice--warning", textContent: sentence })),
    );
  }

  function area({ spacing_mm: mm, result }, k) {
    if (!result) return NONE;
    const pixels = result.slices[k].mask_area_px;
    return mm ? `${((pixels * mm[1] * mm[2]) / 100).toFixed(2)} cm²` : `${pixels.toLocaleString("en-US")} px`;
  }

  function agreement({ reference_url: reference, result }, k) {
    if (!reference) return "no reference";
    if (!result) return NONE;
    const { dice } = result.slices[k];
    return dice === null || dice === undefined ? "both empty" : `Dice ${dice.toFixed(2)}`;
  }

  function slice({ study: s, k }) {
    const score = s.result ? s.result.slices[k].tumor_probability : null;
    text("finding-score", score === null ? NONE : score.toFixed(2));
    document.getElementById("finding-score-fill").style.width = `${(score || 0) * 100}%`;
    const tick = document.getElementById("finding-score-tick");
    tick.hidden = score === null;
    if (s.result) {
      tick.style.left = `${s.result.classifier_threshold * 100}%`;
      tick.title = `Operating point ${s.result.classifier_threshold.toFixed(2)}`;
    }
    const { tumor, mask_area_px: px } = s.result?.slices[k] || {};
    text("finding-note", tumor && !px ? "Above the operating point; nothing outlined." : "");
    text("finding-area", area(s, k));
    text("finding-dice", agreement(s, k));
  }

  function mount() {
    const { on } = overread.viewer;
    const removers = [on("open", study), on("result", study), on("slice", slice)];
    return () => removers.forEach((remove) => remove());
  }

  return { mount };
})();
