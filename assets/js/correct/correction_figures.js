// What is measured on the reader's mask: area, volume, Dice with the AI's mask and with the reference outline. Counted
// on packed masks, slice by slice, and kept until the slice changes.
window.overread = window.overread || {};

overread.correctionFigures = (function () {
  "use strict";

  const areas = new WeakMap(); // of packed masks, which are never altered
  const same = new WeakMap(); // packed mask -> {ai, k, is}: whether it is the AI's of that slice
  const waiting = new Set(); // slices whose maps are being fetched, as "name k"

  // Pixels of one slice in the mask, in another one and in both; null while the other is on its way.
  function overlap(bits, source, k) {
    const other = source?.bits(k);
    return other ? { other: overread.maskBits.count(other), both: overread.maskBits.both(bits, other) } : null;
  }

  function fetchFor(state, name, source, k) {
    const key = `${name} ${k}`;
    if (waiting.has(key)) return;
    waiting.add(key);
    const done = () => {
      waiting.delete(key);
      if (overread.correction.state === state) overread.correction.refresh();
    };
    source.load(k).then(done, () => setTimeout(done, 3000)); // and asked for again
  }

  // {area, ai: {other, both} or null, reference: likewise} of a touched slice.
  function touchedFacts(state, k) {
    const { facts } = state;
    const found = facts.get(k) || { area: overread.maskBits.count(state.touched.get(k)), ai: null, reference: null };
    facts.set(k, found);
    for (const [name, source] of [["ai", state.base.ai], ["reference", state.reference]]) {
      if (!source || found[name]) continue;
      found[name] = overlap(state.touched.get(k), source, k);
      if (!found[name]) fetchFor(state, name, source, k);
    }
    return found;
  }

  // The slice in view, a stroke in progress included: {area, ai, reference}, each Dice null where it is not known and
  // "empty" where both masks are.
  function slice(state, k) {
    const base = overread.correction.baseNow();
    const bits = state.live?.k === k ? overread.maskBits.pack(state.live.mask) : overread.correction.bits(k);
    if (!bits) return { area: null, ai: null, reference: null };
    const area = overread.maskBits.count(bits);
    const dice = (source) => {
      const found = overlap(bits, source, k);
      return found && (overread.amounts.dice(found.both, area, found.other) ?? "empty");
    };
    return { area, ai: dice(base.ai), reference: dice(state.reference) };
  }

  // Sums over the study, without the stroke in progress; a number is null while one of its parts is not known.
  function volume(state) {
    const { touched, base, now } = state;
    const { n } = now.study;
    const sums = { area: 0, ai: 0, aiBoth: 0, reference: 0, referenceBoth: 0 };
    const add = (name, number) => { sums[name] = sums[name] === null || number === null || number === undefined ? null : sums[name] + number; };
    for (let k = 0; k < n; k++) {
      const own = touched.has(k) ? touchedFacts(state, k) : null;
      const under = own ? own.area : base.under.area(k);
      add("area", under);
      if (base.ai) {
        add("ai", own ? own.ai?.other : base.ai.area(k));
        add("aiBoth", own ? own.ai?.both : untouchedOverlap(state, "ai", base.ai, k, under));
      }
      if (state.reference) {
        add("reference", own ? own.reference?.other : state.reference.area(k));
        add("referenceBoth", own ? own.reference?.both : untouchedOverlap(state, "reference", state.reference, k, under));
      }
    }
    const dice = (both, other) => (sums[both] === null || sums[other] === null || sums.area === null ? null : (overread.amounts.dice(sums[both], sums.area, sums[other]) ?? "empty"));
    return { area: sums.area, ai: base.ai ? dice("aiBoth", "ai") : null, reference: state.reference ? dice("referenceBoth", "reference") : null };
  }

  // Pixels that the base has in common with another mask on a slice that was not touched.
  function untouchedOverlap(state, name, source, k, area) {
    const { base, now } = state;
    if (area === 0 || source.area(k) === 0) return 0;
    if (base.under === source) return area;
    if (base.under === base.ai && name === "reference") {
      const level = overread.threshold.toLevel(base.spec.threshold);
      return now.measures?.overlap?.[k]?.[level] ?? null;
    }
    const kept = state.under || (state.under = new Map());
    const key = `${name} ${k}`;
    if (kept.base !== base) Object.assign(kept, { base }).clear();
    if (!kept.has(key)) {
      const bits = base.under.bits(k);
      const found = bits && overlap(bits, source, k);
      if (!found) {
        fetchFor(state, name, source, k);
        return null;
      }
      kept.set(key, found.both);
    }
    return kept.get(key);
  }

  function areaOf(bits) {
    if (!areas.has(bits)) areas.set(bits, overread.maskBits.count(bits));
    return areas.get(bits);
  }

  // Whether a packed mask of some pixels is the AI's; null while its map is on its way.
  function isAi(state, bits, ai, k) {
    const known = same.get(bits);
    if (known?.ai === ai && known.k === k) return known.is;
    const other = ai.bits(k);
    if (!other) {
      fetchFor(state, "ai", ai, k);
      return null;
    }
    same.set(bits, { ai, k, is: overread.maskBits.equal(bits, other) });
    return same.get(bits).is;
  }

  // Pixels of a slice in the mask in view (a version that is shown, or the mask in hand) where that is not the AI's mask
  // that it began from; null where it is, or is not known to differ.
  function changedArea(k) {
    const { state } = overread.correction;
    const { version } = overread.correctionLayer;
    const base = version ? version.base : state?.base;
    const bits = version ? null : state?.touched.get(k);
    if (!base || (!bits && base.under === base.ai)) return null;
    const area = bits ? areaOf(bits) : base.under.area(k);
    const other = base.ai ? base.ai.area(k) : 0;
    if (area === null || other === null) return bits ? area : null;
    if (area !== other) return area;
    if (area === 0 || isAi(state, bits || base.under.bits(k), base.ai, k) !== false) return null;
    return area;
  }

  return { slice, volume, changedArea };
})();
