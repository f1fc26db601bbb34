// Modes of the viewer: one view, two linked ones, a swipe between two; what the second shows; the swipe's edge.
window.overread = window.overread || {};

overread.linked = (function () {
  "use strict";

  const MODES = ["one", "linked", "swipe", "planes", "space"];
  const CYCLE = ["one", "linked", "swipe"];
  const STEP = 0.02;
  const byId = (id) => document.getElementById(id);
  const state = () => overread.viewer.now;
  let edge = 0.5; // share of the image left of the swipe's edge

  const isTwo = (mode) => mode === "linked" || mode === "swipe";

  function choose(mode) {
    if (!state() || byId(`mode-${mode}`).disabled) return;
    overread.viewer.setMode(state().mode === mode ? "one" : mode);
  }

  const cycle = () => overread.viewer.setMode(CYCLE[(CYCLE.indexOf(state().mode) + 1) % CYCLE.length]);

  // The next thing that can stand beside the main view.
  function nextSecond() {
    if (!isTwo(state().mode)) return overread.viewer.setMode("linked");
    const options = overread.panes.choices(state()).map(([value]) => value);
    overread.viewer.setMode(state().mode, options[(options.indexOf(state().second) + 1) % options.length]);
  }

  function moveEdge(share) {
    edge = Math.min(0.98, Math.max(0.02, share));
    byId("viewer-stage").style.setProperty("--edge", `${100 * edge}%`);
    byId("swipe-edge").setAttribute("aria-valuenow", String(Math.round(100 * edge)));
  }

  function names(now) {
    const label = overread.panes.choices(now).find(([value]) => value === now.second)?.[1] || "";
    const left = now.study.channels[now.channel].label;
    if (now.second === "reference") return [`FLAIR abnormality (AI)${overread.correctionLayer.isShown(now) ? " and correction" : ""}`, label];
    return [now.second === "bare" ? "With overlay" : left, label];
  }

  function show(now) {
    for (const mode of MODES) byId(`mode-${mode}`).setAttribute("aria-pressed", String(now.mode === mode));
    const two = isTwo(now.mode);
    byId("second-choice").hidden = !two;
    const options = overread.panes.choices(now).map(([value, textContent]) => Object.assign(document.createElement("option"), { value: String(value), textContent }));
    byId("second-content").replaceChildren(...options);
    byId("second-content").value = String(now.second);
    byId("swipe-edge").hidden = now.mode !== "swipe";
    showNames(now);
  }

  function showNames(now) {
    const [left, right] = names(now);
    for (const [id, words] of [["pane-name-left", left], ["pane-name-right", right]]) {
      byId(id).hidden = !isTwo(now.mode);
      byId(id).textContent = words;
    }
  }

  // The series beside the main one may have become the main one.
  function keepDifferent(now) {
    if (overread.panes.choices(now).some(([value]) => value === now.second)) show(now);
    else overread.viewer.setMode(now.mode, overread.panes.firstSecond(now.study, now.channel));
  }

  function dragEdge(event) {
    event.preventDefault();
    const handle = event.currentTarget;
    const box = byId("viewer-stage").getBoundingClientRect();
    handle.setPointerCapture(event.pointerId);
    handle.focus();
    const move = (moved) => moveEdge((moved.clientX - box.left) / box.width);
    const end = () => handle.removeEventListener("pointermove", move);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", end, { once: true });
  }

  function edgeKey(event) {
    const step = { ArrowLeft: -STEP, ArrowRight: STEP, Home: -1, End: 1 }[event.key];
    if (!step) return;
    event.preventDefault(); // the arrows move the edge while it has the focus, not the slice
    moveEdge(edge + step);
  }

  const KEYS = [
    { id: "mode.cycle", key: "v", label: "One view, linked views, swipe", run: () => state() && cycle() },
    { id: "mode.second", key: "x", label: "What stands beside the main view", run: () => state() && nextSecond() },
  ];

  function mount(signal) {
    for (const mode of MODES) byId(`mode-${mode}`).addEventListener("click", () => choose(mode), { signal });
    byId("second-content").addEventListener("change", ({ target }) => {
      overread.viewer.setMode(state().mode, /^[0-9]+$/.test(target.value) ? Number(target.value) : target.value);
      target.blur();
    }, { signal });
    byId("swipe-edge").addEventListener("pointerdown", dragEdge, { signal });
    byId("swipe-edge").addEventListener("keydown", edgeKey, { signal });
    moveEdge(0.5);
    const { on } = overread.viewer;
    document.addEventListener("overread:correction-words", () => state() && showNames(state()), { signal });
    const removers = [on("open", show), on("mode", show), on("result", show), on("display", showNames), on("channel", keepDifferent), overread.keys.add("Views", KEYS)];
    return () => removers.forEach((remove) => remove());
  }

  return { choose, mount };
})();
