// What pixels amount to: areas, volumes and Dice, as numbers and in words. Numbers as in Python (tests/cases/amounts.json):
// dice_from_counts of pipeline/metrics, volume_ml of pipeline/data/case.py.
window.overread = window.overread || {};

overread.amounts = (function () {
  "use strict";

  // Dice of two masks by their pixels and those that both hold; null where both are empty.
  const dice = (both, one, other) => (one + other ? (2 * both) / (one + other) : null);

  // Of so many pixels of a slice, and of voxels; null without spacing.
  const areaMm2 = (pixels, { spacing_mm: mm }) => (mm ? pixels * mm[1] * mm[2] : null);
  const volumeMl = (voxels, { spacing_mm: mm }) => (mm ? (voxels * mm[0] * mm[1] * mm[2]) / 1000 : null);

  const counted = (number) => number.toLocaleString("en-US");
  const mlWords = (ml) => (ml === 0 ? "0" : ml < 0.1 ? "<0.1" : ml.toFixed(1));

  // "2.56 cm²", or pixels.
  function areaWords(pixels, study) {
    const mm2 = areaMm2(pixels, study);
    return mm2 === null ? `${counted(pixels)} px` : `${(mm2 / 100).toFixed(2)} cm²`;
  }

  // A volume that is known in mL, or null, as [number, unit].
  const volumeParts = (voxels, ml) => (ml === null || ml === undefined ? [counted(voxels), "voxels"] : [mlWords(ml), "mL"]);
  const volumeWords = (voxels, ml) => volumeParts(voxels, ml).join(" ");

  return { dice, areaMm2, volumeMl, areaWords, volumeParts, volumeWords };
})();
