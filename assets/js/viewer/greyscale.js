// Stored values -> 8-bit grey picture with an address. A picture is an uncompressed 8-bit BMP: nothing to
// encode, and for 8-bit slices the window is its palette, so that windowing rewrites 1 kB. A canvas with
// toBlob() would compress a PNG for every step of the mouse.
window.overread = window.overread || {};

overread.greyscale = (function () {
  "use strict";

  const HEADER = 54;
  const PALETTE = 1024;

  // Grey level of every stored value. window: {low, high} in values = stored * slope + intercept.
  function lookup(size, slope, intercept, window, invert) {
    const table = new Uint8Array(size);
    const width = Math.max(window.high - window.low, 1e-9);
    for (let stored = 0; stored < size; stored++) {
      const grey = ((stored * slope + intercept - window.low) * 255) / width;
      const clipped = grey < 0 ? 0 : grey > 255 ? 255 : grey;
      table[stored] = invert ? 255 - clipped : clipped;
    }
    return table;
  }

  function header(width, height, stride, palette) {
    const bytes = new Uint8Array(HEADER + PALETTE);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, 0x424d); // "BM"
    view.setUint32(2, HEADER + PALETTE + stride * height, true);
    view.setUint32(10, HEADER + PALETTE, true);
    view.setUint32(14, 40, true);
    view.setInt32(18, width, true);
    view.setInt32(22, -height, true); // negative: rows from the top
    view.setUint16(26, 1, true);
    view.setUint16(28, 8, true);
    view.setUint32(34, stride * height, true);
    view.setUint32(46, 256, true);
    for (let i = 0; i < 256; i++) bytes.fill(palette ? palette[i] : i, HEADER + 4 * i, HEADER + 4 * i + 3);
    return bytes;
  }

  // A Blob of the slice. table: from lookup().
  function picture(stored, width, height, table) {
    const stride = (width + 3) & ~3;
    const eightBit = stored instanceof Uint8Array;
    if (eightBit && stride === width) return new Blob([header(width, height, stride, table), stored], { type: "image/bmp" });
    const rows = new Uint8Array(stride * height);
    for (let y = 0; y < height; y++) {
      const from = y * width, to = y * stride;
      for (let x = 0; x < width; x++) rows[to + x] = table[stored[from + x]];
    }
    return new Blob([header(width, height, stride, null), rows], { type: "image/bmp" });
  }

  // Pictures by key, decoded and held; the oldest are let go.
  function createPictures(limit) {
    const held = new Map(); // key -> {url, done: Promise<url>, isReady}

    function get(key, make) {
      let entry = held.get(key);
      if (entry) {
        held.delete(key);
        held.set(key, entry);
        return entry;
      }
      const image = new Image();
      entry = { url: URL.createObjectURL(make()), image, isReady: false };
      image.src = entry.url;
      entry.done = image.decode().then(() => {
        entry.isReady = true;
        return entry.url;
      });
      entry.done.catch(() => {});
      held.set(key, entry);
      for (const [old, dropped] of held) {
        if (held.size <= limit) break;
        held.delete(old);
        // later, not now: the figure may show it until its next redraw
        setTimeout(() => URL.revokeObjectURL(dropped.url), 2000);
      }
      return entry;
    }

    return {
      get,
      has: (key) => held.has(key),
      dispose() {
        for (const entry of held.values()) URL.revokeObjectURL(entry.url);
        held.clear();
      },
    };
  }

  // Window from the brain in the slice, by the rule that `find_window` in dashboard/studies/display.py states.
  function autoWindow(stored, width, slope, intercept) {
    const size = stored instanceof Uint16Array ? 65536 : 256;
    const histogram = (holds) => {
      const counts = new Uint32Array(size);
      for (let i = 0; i < stored.length; i++) if (holds(i % width, Math.floor(i / width))) counts[stored[i]]++;
      return counts;
    };
    const quantile = (counts, from, share) => {
      let total = 0;
      for (let v = from; v < size; v++) total += counts[v];
      let left = total * share;
      for (let v = from; v < size; v++) if (counts[v] && (left -= counts[v]) <= 0) return v;
      return from;
    };
    const value = (v) => v * slope + intercept;
    const all = histogram(() => true);
    const least = quantile(all, 0, 0), most = quantile(all, 0, 1);
    if (least === most) return { low: value(least), high: value(least) + 1 };
    const darkest = quantile(all, 0, 0.001), brightest = quantile(all, 0, 0.999);
    const floor = darkest + 0.06 * (brightest - darkest), above = Math.floor(floor) + 1;
    let left = width, right = -1, top = stored.length / width, bottom = -1;
    for (let i = 0; i < stored.length; i++) {
      if (stored[i] <= floor) continue;
      const x = i % width, y = (i - x) / width;
      left = Math.min(left, x), right = Math.max(right, x);
      top = Math.min(top, y), bottom = y;
    }
    const region = histogram((x, y) => {
      const across = (2 * x - left - right) / (right - left + 1), down = (2 * y - top - bottom) / (bottom - top + 1);
      return across * across + down * down <= 0.25;
    });
    if (right < 0 || !region.subarray(above).some(Boolean)) return { low: value(least), high: value(most) };
    const third = darkest + (quantile(region, 0, 0.5) - darkest) / 3;
    const low = value(Math.max(darkest, Math.min(quantile(region, 0, 0.01), third)));
    const high = low + Math.max(1.2 * (value(quantile(region, above, 0.995)) - low), 1e-6);
    return { low, high };
  }

  return { lookup, picture, createPictures, autoWindow };
})();
