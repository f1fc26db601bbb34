// The cells of the worklist's grid (dashboard/pages/worklist/grid.py), from the server's rows.
window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {};

(function () {
  "use strict";

  const h = (...parts) => React.createElement(...parts);

  function meter(share, kind) {
    const width = `${Math.round(100 * Math.min(Math.max(share, 0), 1))}%`;
    return h("span", { className: `meter ${kind}`, "aria-hidden": "true" }, h("span", { className: "meter-fill", style: { width } }));
  }

  // The row opens the study; the grid tells of a click only after the browser has followed the link.
  function leaveToRow(event) {
    if (!(event.ctrlKey || event.metaKey || event.shiftKey)) event.preventDefault();
  }

  const cells = {
    OverreadPatient: ({ data }) =>
      h("a", { href: data.href, className: "study-link", tabIndex: -1, title: data.patient, onClick: leaveToRow }, data.patient),

    OverreadState: ({ data }) =>
      h(
        "span",
        { className: `study-state study-state--${data.state || "none"}`, title: data.error || undefined },
        data.state_words,
        data.state === "running" ? meter(data.progress, "meter--accent") : null
      ),

    OverreadScore: ({ data }) =>
      data.score === null ? null : h("span", { className: "study-score" }, data.score.toFixed(2), meter(data.score, "meter--ai")),

    OverreadVolume: ({ data }) => {
      if (data.no_spacing) return h("span", { className: "quiet", title: "The files do not say how large a pixel is." }, "no spacing");
      return data.volume_ml === null ? null : data.volume_ml === 0 ? "0" : data.volume_ml.toFixed(1);
    },

    OverreadNotes: ({ data }) => {
      const parts = [];
      if (data.synthetic) parts.push(h("span", { key: "synthetic", className: "chip study-chip" }, "Synthetic"));
      if (data.error) parts.push(h("span", { key: "error", className: "study-error" }, data.error));
      const first = data.sequence_note || data.warnings[0];
      if (first) {
        const more = data.warnings.length > 1 ? ` (${data.warnings.length - 1} more)` : "";
        parts.push(h("span", { key: "warning", className: "study-warning" }, first + more));
      }
      const remove = { key: "delete", type: "button", className: "button button--small study-delete", tabIndex: -1, "aria-label": `Delete ${data.patient}` };
      return h(
        "span",
        { className: "study-notes" },
        h("span", { className: "study-notes-text", title: data.notes || undefined }, parts),
        data.deletable ? h("button", remove, "Delete") : null
      );
    },
  };
  Object.assign(window.dashAgGridComponentFunctions, cells);
})();
