// What the reader has measured on the study: kept on the server as one document with a revision, saved a moment after
// each change. Where another window has written meanwhile, both are put together: nothing is lost, and it is told.
// The server's side is dashboard/api/measurements.py.
window.overread = window.overread || {};

overread.measureStore = (function () {
  "use strict";

  const SAVE_MS = 500;
  const RETRIES = [1000, 3000, 8000, 20000];
  const KEEPALIVE_BYTES = 60000; // browsers refuse more in a request that outlives its page
  const listeners = new Set();
  let doc = null; // of the study in view

  const copy = (items) => new Map(items.map((item) => [item.id, item]));
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  function on(run) {
    listeners.add(run);
    return () => listeners.delete(run);
  }

  const tell = () => listeners.forEach((run) => run());

  function newId() {
    return [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join("").slice(0, 16).padEnd(8, "0");
  }

  function open(session) {
    doc = { session, url: `/api/studies/${session.study.study_id}/measurements`, items: new Map(), base: new Map(), revision: null, done: [], undone: [], timer: 0, saving: false, tries: 0, state: "" };
    load(doc);
    tell();
  }

  async function load(mine) {
    try {
      const response = await fetch(mine.url, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(`status ${response.status}`);
      merge(mine, await response.json());
      mine.tries = 0;
      state(mine, "");
      if (!same([...mine.items], [...mine.base])) schedule(mine, 0);
    } catch (error) {
      state(mine, "Your measurements could not be loaded; trying again.");
      later(mine, () => load(mine));
    }
    if (doc === mine) tell();
  }

  function later(mine, run) {
    const wait = RETRIES[Math.min(mine.tries++, RETRIES.length - 1)];
    setTimeout(() => doc === mine && run(), wait);
  }

  // Three sides: what both knew, what this window has, what the server has. Where both changed one measurement, the other
  // window's becomes a measurement of its own. Returns how many came or changed.
  function merge(mine, { revision, items }) {
    const theirs = copy(items);
    let news = 0;
    for (const id of new Set([...theirs.keys(), ...mine.base.keys()])) {
      const before = mine.base.get(id), here = mine.items.get(id), there = theirs.get(id);
      if (same(before, there) || same(here, there)) continue;
      if (same(before, here)) put(mine, id, there);
      else if (there && here) put(mine, newId(), there);
      else if (there) put(mine, id, there); // deleted here, changed there: rather one too many
      else continue;
      news++;
    }
    mine.base = theirs;
    mine.revision = revision;
    return news;
  }

  function put(mine, id, item) {
    if (item) mine.items.set(id, { ...item, id });
    else mine.items.delete(id);
  }

  function state(mine, words) {
    if (mine.state === words) return;
    mine.state = words;
    if (doc === mine) tell();
  }

  function schedule(mine, wait = SAVE_MS) {
    clearTimeout(mine.timer);
    mine.timer = setTimeout(() => save(mine), wait);
  }

  const body = (mine) => JSON.stringify({ revision: mine.revision, items: [...mine.items.values()] });

  function send(mine, keepalive) {
    return fetch(mine.url, { method: "PUT", headers: { "Content-Type": "application/json", "X-Overread": "1" }, body: body(mine), keepalive });
  }

  async function save(mine) {
    clearTimeout(mine.timer);
    mine.timer = 0;
    if (mine.saving || mine.revision === null || same([...mine.items], [...mine.base])) return;
    mine.saving = true;
    const sent = new Map(mine.items);
    try {
      const response = await send(mine, body(mine).length < KEEPALIVE_BYTES);
      const answer = await response.json();
      if (response.status === 409) {
        const news = merge(mine, answer);
        state(mine, news ? `Another window has measured here too: ${news} ${news === 1 ? "measurement was" : "measurements were"} added, none is lost.` : "");
      } else if (response.status === 400 || response.status === 413 || response.status === 404) {
        state(mine, `Not kept: ${answer.error}`);
        mine.saving = false;
        return; // the same again would be refused again
      } else if (!response.ok) throw new Error(`status ${response.status}`);
      else {
        mine.base = sent;
        mine.revision = answer.revision;
        if (!mine.state.startsWith("Another")) state(mine, "");
      }
      mine.tries = 0;
      mine.saving = false;
      if (doc === mine) tell();
      if (!same([...mine.items], [...mine.base])) await save(mine);
    } catch (error) {
      mine.saving = false;
      state(mine, "Not saved yet; trying again.");
      later(mine, () => save(mine));
    }
  }

  // Put an item in the place of the one with its id (null: delete it), so that it can be undone.
  function change(id, item) {
    if (!doc) return;
    const before = doc.items.get(id) || null;
    if (same(before, item)) return;
    doc.done.push({ id, before, after: item });
    doc.undone = [];
    apply(id, item);
  }

  function apply(id, item) {
    put(doc, id, item);
    if (doc.state.startsWith("Another")) doc.state = "";
    schedule(doc);
    tell();
  }

  function step(from, to, side) {
    const last = doc?.[from].pop();
    if (!last) return false;
    doc[to].push(last);
    apply(last.id, last[side]);
    return true;
  }

  const undo = () => step("done", "undone", "before");
  const redo = () => step("undone", "done", "after");

  function close() {
    if (doc?.timer) save(doc);
    doc = null;
  }

  const leave = () => doc?.timer && save(doc);

  function mount(signal) {
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave(), { signal });
    window.addEventListener("pagehide", leave, { signal });
    const { on: listen } = overread.viewer;
    const removers = [listen("open", open), listen("close", close)];
    return () => removers.forEach((remove) => remove());
  }

  return {
    on, mount, newId, change, undo, redo, merge,
    get items() { return doc ? [...doc.items.values()] : []; },
    get state() { return doc?.state || ""; },
    get isSaved() { return Boolean(doc) && !doc.saving && doc.revision !== null && same([...doc.items], [...doc.base]); },
    get canUndo() { return Boolean(doc?.done.length); },
    get canRedo() { return Boolean(doc?.undone.length); },
  };
})();
