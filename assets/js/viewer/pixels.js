// Raw slices from the server: fetched once, in the order of wishes, kept within a budget, retried when they fail.
// Addresses are immutable (they name a digest), so that the browser's own cache answers after a reload.
window.overread = window.overread || {};

overread.pixels = (function () {
  "use strict";

  const PARALLEL = 6;
  const RETRY_MS = [1000, 2000, 4000, 8000, 15000]; // the last one again and again: a server comes back

  // onChange(url) is called when a slice has arrived or failed.
  function createLoader({ budgetBytes, onChange }) {
    const ready = new Map(); // url -> typed array, least recently used first
    const running = new Map(); // url -> AbortController
    const failed = new Map(); // url -> number of failures
    let wishes = [];
    let bytes = 0;
    let disposed = false;

    function get(url) {
      const data = ready.get(url);
      if (data) {
        ready.delete(url);
        ready.set(url, data);
      }
      return data;
    }

    function keep(url, data) {
      ready.set(url, data);
      bytes += data.byteLength;
      if (bytes <= budgetBytes) return;
      const wanted = new Set(wishes.map((wish) => wish.url));
      for (const [old, dropped] of ready) {
        if (bytes <= budgetBytes) break;
        if (old === url || (wanted.has(old) && bytes <= 2 * budgetBytes)) continue;
        ready.delete(old);
        bytes -= dropped.byteLength;
      }
    }

    async function load({ url, type, length }) {
      const abort = new AbortController();
      running.set(url, abort);
      try {
        const response = await fetch(url, { signal: abort.signal });
        if (!response.ok) throw Object.assign(new Error(`status ${response.status}`), { isFinal: response.status < 500 });
        const data = new (type === "uint16" ? Uint16Array : Uint8Array)(await response.arrayBuffer());
        if (data.length !== length) throw new Error("not the length of a slice");
        failed.delete(url);
        keep(url, data);
      } catch (error) {
        if (disposed) return;
        const times = (failed.get(url) || 0) + 1;
        failed.set(url, times);
        failedAt.set(url, error.isFinal ? Infinity : performance.now());
        if (!error.isFinal) setTimeout(pump, pause(times) + 20);
      } finally {
        running.delete(url);
        if (!disposed) {
          onChange(url);
          pump();
        }
      }
    }

    const failedAt = new Map();
    const pause = (times) => RETRY_MS[Math.min(times, RETRY_MS.length) - 1];

    function resting(url) {
      const times = failed.get(url);
      return Boolean(times) && performance.now() - failedAt.get(url) < pause(times);
    }

    // Nothing waits any longer once the browser has a network again.
    function again() {
      for (const [url, at] of failedAt) if (at !== Infinity) failedAt.set(url, -Infinity);
      pump();
    }

    window.addEventListener("online", again);

    function pump() {
      if (disposed) return;
      for (const wish of wishes) {
        if (running.size >= PARALLEL) return;
        if (!ready.has(wish.url) && !running.has(wish.url) && !resting(wish.url)) load(wish);
      }
    }

    return {
      get,
      // [{url, type, length}], most urgent first; replaces the earlier wishes.
      want(list) {
        wishes = list;
        pump();
      },
      hasFailed: (url) => failed.has(url) && !running.has(url),
      retry(url) {
        failed.delete(url);
        pump();
      },
      dispose() {
        disposed = true;
        window.removeEventListener("online", again);
        for (const abort of running.values()) abort.abort();
        ready.clear();
      },
    };
  }

  return { createLoader };
})();
