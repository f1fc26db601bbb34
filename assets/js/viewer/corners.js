// Text in the corners of the image, orientation letters, and the line in the top bar.
window.overread = window.overread || {};

overread.corners = (function () {
  "use strict";

  const write = (id, ...lines) => {
    const corner = document.getElementById(id);
    if (corner) corner.replaceChildren(...lines.filter(Boolean).map((line) => Object.assign(document.createElement("div"), { textContent: line })));
  };

  function plane(orientation) {
    const found = overread.planeViews.acquired(orientation);
    return found ? `, ${found.name}` : "";
  }

  // Along the slice normal, to the side of the scanner's zero point on which the slice lies: "S 50.0 mm".
  function place({ positions_mm: positions, orientation }, k) {
    const found = overread.planeViews.acquired(orientation);
    if (!positions || !found) return "";
    return `${found.letters[positions[k] < 0 ? 0 : 1]} ${Math.abs(positions[k]).toFixed(1)} mm`;
  }

  function study({ study: s }) {
    write("corner-patient", s.patient || s.case_id, s.synthetic ? "Synthetic demo study" : s.description, s.study_date);
    for (const side of ["left", "right", "top", "bottom"]) {
      for (const edge of document.querySelectorAll(`.screen .edge--${side}`)) edge.textContent = s.orientation?.[side] || "";
    }
    const parts = [s.patient || s.case_id, s.description || "Brain MRI", s.study_date, `${s.n} ${s.n === 1 ? "slice" : "slices"}`];
    const top = document.getElementById("top-context");
    if (top) top.textContent = parts.filter(Boolean).join("  ·  ");
    series(overread.viewer.now);
  }

  function series({ study: s, channel }) {
    const mm = s.spacing_mm;
    write("corner-series", s.channels[channel].label + plane(s.orientation),
      mm ? `${mm[2].toFixed(2)} × ${mm[1].toFixed(2)} × ${mm[0].toFixed(1)} mm` : "no spacing: areas in pixels",
      s.orientation_note || "");
  }

  function slice({ study: s, k }) {
    write("corner-slice", `Slice ${k + 1} / ${s.n}`,
      s.indices[k] === k + 1 ? "" : `no. ${s.indices[k]}`, // the file's own number
      place(s, k));
  }

  function windowOf({ study: s, windows, invert }, channel) {
    const { low, high } = windows[channel];
    const digits = Math.abs(s.windows[channel][1] - s.windows[channel][0]) < 20 ? 2 : 0;
    return `W ${(high - low).toFixed(digits)}  L ${((low + high) / 2).toFixed(digits)}${invert ? "  inverted" : ""}`;
  }

  function display(now) {
    const { channel, scale, panes, study: s } = now;
    write("corner-window", windowOf(now, channel), scale ? `Zoom ${scale.toFixed(1)}×` : "");
    const second = panes[1] ? overread.panes.channelOf(now, panes[1]) : null;
    write("corner-series-second", second === null ? "" : s.channels[second].label);
    write("corner-window-second", second === null ? "" : windowOf(now, second));
  }

  function clear() {
    const top = document.getElementById("top-context");
    if (top) top.textContent = "";
    for (const corner of document.querySelectorAll(".corner, .edge")) corner.replaceChildren();
  }

  function mount() {
    const { on } = overread.viewer;
    const removers = [on("open", study), on("open", display), on("channel", series), on("slice", slice), on("display", display), on("view", display), on("mode", display), on("close", clear)];
    return () => removers.forEach((remove) => remove());
  }

  return { mount };
})();
