// Which planes a study has besides the one that was acquired, and how they lie on the screen. Pure functions.
//
// A view cuts every slice along one row or column: `fixed` is "row" or "column". Its picture has the slices on one
// side and the other in-plane axis on the other; `across` and `down` say which lies where and whether it is turned
// round, so that a plane looks the same whatever was acquired: the patient's right, or anterior, to the left, and
// anterior, or superior, at the top.
window.overread = window.overread || {};

overread.planeViews = (function () {
  "use strict";

  const OPPOSITE = { R: "L", L: "R", A: "P", P: "A", I: "S", S: "I" };
  const PLANES = { axial: ["R", "A"], coronal: ["R", "S"], sagittal: ["A", "S"] }; // letters at the left and at the top
  const NORMAL = { axial: "IS", coronal: "PA", sagittal: "RL" }; // where slices of that plane begin and lead to

  const planeAcross = (letter) => Object.keys(NORMAL).find((name) => NORMAL[name].includes(letter));

  // Name of the plane that was acquired, with the letters where its slices begin and lead to; null where the letters at
  // the edges name none.
  function acquired(o) {
    const inPlane = o ? [planeAcross(o.top), planeAcross(o.left)] : [];
    const left = Object.keys(NORMAL).filter((name) => !inPlane.includes(name));
    return left.length === 1 ? { name: left[0], letters: [...NORMAL[left[0]]] } : null;
  }

  // Length, distance in mm and letters at both ends of the slices, rows and columns; null where the letters name no plane.
  function axesOf({ orientation: o, spacing_mm: mm, n, height, width }) {
    const plane = acquired(o);
    if (!plane || OPPOSITE[o.left] !== o.right || OPPOSITE[o.top] !== o.bottom) return null;
    return {
      slice: { length: n, mm: mm[0], letters: plane.letters },
      row: { length: height, mm: mm[1], letters: [o.top, o.bottom] },
      column: { length: width, mm: mm[2], letters: [o.left, o.right] },
    };
  }

  function viewAcross(axes, fixed) {
    const name = planeAcross(axes[fixed].letters[0]);
    const [left, top] = PLANES[name];
    const free = Object.keys(axes).filter((axis) => axis !== fixed);
    const side = (letter) => {
      const axis = free.find((candidate) => axes[candidate].letters.includes(letter));
      return { axis, flip: axes[axis].letters[0] !== letter };
    };
    return { name, fixed, across: side(left), down: side(top), letters: { left, right: OPPOSITE[left], top, bottom: OPPOSITE[top] } };
  }

  // {axes, views: two of them, reason: ""}, or only a reason why there are none.
  function of(study) {
    if (study.n < 2) return { reason: "A single slice has no other planes." };
    if (!study.spacing_mm) return { reason: "The files state no spacing: other planes would be out of proportion." };
    if (!study.orientation) return { reason: "The files do not say how the slices lie in the patient." };
    const axes = axesOf(study);
    if (!axes) return { reason: "The slices' orientation does not fit any plane." };
    return { axes, views: ["row", "column"].map((fixed) => viewAcross(axes, fixed)), reason: "" };
  }

  return { of, acquired };
})();
