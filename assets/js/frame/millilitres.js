// @ts-check
/** Volumes as readers see them, on every page by one rule. */

/** @param {number} ml */
export const mlWords = (ml) => (ml === 0 ? "0" : ml < 0.1 ? "<0.1" : ml.toFixed(1));
