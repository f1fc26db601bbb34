// The reader's mask on the server: a draft that follows every step, and the versions that are saved. What cannot be
// sent is sent again until the server has it; what another window wrote is never overwritten unasked.
//
// status: {kind, at, sentence}; kind is none, saving, saved (as a draft), version, failed, refused or conflict.
window.overread = window.overread || {};

overread.correctionStore = (function () {
  "use strict";

  const QUIET_MS = 700; // after the last step
  const RETRY_MS = [2000, 5000, 10000, 30000];
  const PATIENCE_MS = 20000;
  const KEEPALIVE_BYTES = 60000; // browsers send no more when a page goes away
  const NO_ANSWER = "the server does not answer. Trying again.";
  const HEADERS = { "X-Overread": "1", "Content-Type": "application/json", Accept: "application/json" };
  const writer = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  let step = 0; // of this window, over all studies
  let sync = null; // of the study in view
  const going = new Map(); // saves of studies that were left, by the study's id: who comes back waits for them
  const unsettled = new Map(); // {base, touched} of studies that were left in a conflict

  const correction = () => overread.correction;
  const address = (session, rest) => `/api/studies/${session.now.study.study_id}/${rest}`;

  function tell(session, kind, fields = {}) {
    session.status = { kind, ...fields };
    if (sync === session) document.dispatchEvent(new CustomEvent("overread:correction"));
  }

  async function ask(url, options = {}) {
    const response = await fetch(url, { headers: HEADERS, signal: AbortSignal.timeout(PATIENCE_MS), ...options }).catch(() => null);
    const body = await response?.json().catch(() => null);
    return { status: response?.status || 0, ok: Boolean(response?.ok && body), body: body || {} };
  }

  // ---- what is there ----
  async function decodeDraft(now, draft) {
    const decode = (text) => (text ? overread.maskBits.decode(text, now.study) : null);
    const [touched, under, ai] = await Promise.all([decode(draft.mask), decode(draft.base_mask), decode(draft.ai_mask)]);
    return { base: correction().storedBase(now, draft.based_on, { under, ai }), touched };
  }

  async function fetchVersion(session, number) {
    const kept = session.masks.get(number);
    if (kept) return kept;
    const { ok, body } = await ask(address(session, `versions/${number}`));
    if (!ok) throw new Error(body.error || "The server does not answer.");
    const decode = (text) => (text ? overread.maskBits.decode(text, session.now.study) : null);
    const [mask, ai] = await Promise.all([decode(body.mask), decode(body.ai_mask)]);
    const found = { mask, base: correction().storedBase(session.now, { ...body.based_on, version: number }, { under: mask, ai }) };
    session.masks.set(number, found);
    return found;
  }

  async function load(session, tries = 0) {
    await going.get(session.now.study.study_id);
    const { ok, status, body } = await ask(address(session, "corrections"));
    if (sync !== session) return;
    if (!ok) {
      tell(session, "failed", { sentence: status ? body.error : "the server does not answer. Trying again." });
      if (!status || status >= 500) session.timer = setTimeout(() => sync === session && load(session, tries + 1), RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]);
      return;
    }
    session.versions = body.versions;
    session.loaded = true;
    try {
      if (body.draft) await takeDraft(session, body.draft);
      else if (body.versions.some(({ own }) => own)) await takeLast(session, body.versions.find(({ own }) => own)); // others' are shown on demand
      else tell(session, "none");
    } catch (error) {
      tell(session, "refused", { sentence: error.message });
    }
    if (sync === session && correction().state.steps) schedule(); // the reader was faster
  }

  async function takeDraft(session, draft) {
    const { base, touched } = await decodeDraft(session.now, draft);
    if (sync !== session) return;
    session.revision = draft.revision;
    if (correction().state.steps) return conflict(session, draft);
    correction().restore(base, touched);
    tell(session, "saved", { at: draft.changed_at });
    takeUnsettled(session);
  }

  // What was drawn here before the study was left in a conflict comes back; the other window's is one step back.
  function takeUnsettled({ now }) {
    const mine = unsettled.get(now.study.study_id);
    if (!unsettled.delete(now.study.study_id)) return;
    const { spec, under } = mine.base;
    const base = correction().storedBase(now, spec, {});
    correction().replace("Your draft of this window", spec.version === null ? base : { ...base, under }, mine.touched);
  }

  async function takeLast(session, line) {
    const { base } = await fetchVersion(session, line.number);
    if (sync !== session) return;
    session.home = base;
    if (!correction().state.steps) correction().restore(base, new Map());
    tell(session, "version", { at: line.saved_at, line });
  }

  // ---- saving ----
  function schedule(pause = QUIET_MS) {
    const session = sync;
    if (!session) return;
    session.dirty = true;
    if (!session.loaded || session.status.kind === "conflict") return;
    clearTimeout(session.timer);
    session.timer = setTimeout(() => void save(session), pause);
  }

  // One request after the other, so that a later state is never overtaken.
  function save(session, options) {
    clearTimeout(session.timer);
    session.sending = session.sending.then(() => (session.dirty ? send(session, options) : null));
    return session.sending;
  }

  const isHome = (session, { base, touched }) => touched.size === 0 && (base === null || base === session.home);

  async function envelope(session, state) {
    const mask = await overread.maskBits.encode(state.touched, session.now.study);
    return { writer, step: ++step, revision: session.revision, based_on: (state.base || correction().aiBase(session.now)).spec, mask };
  }

  async function send(session, { leaving = false } = {}) {
    const state = session.state;
    const sent = { base: state.base, touched: state.touched };
    session.dirty = false;
    tell(session, "saving");
    const home = isHome(session, sent);
    const body = JSON.stringify(home ? { writer, step: ++step, revision: session.revision } : await envelope(session, sent));
    const keepalive = leaving && body.length < KEEPALIVE_BYTES;
    const answer = await ask(address(session, "draft"), { method: home ? "DELETE" : "PUT", body, keepalive });
    if (answer.status === 409) return conflict(session, answer.body.draft);
    if (!answer.ok) return fail(session, answer);
    session.failures = 0;
    session.revision = home ? 0 : answer.body.revision;
    if (!session.dirty) tell(session, home ? "none" : "saved", { at: answer.body.changed_at });
  }

  function fail(session, { status, body }) {
    session.dirty = true;
    if (status && status < 500 && status !== 408 && status !== 429) return tell(session, "refused", { sentence: body.error || "the server refused it." });
    tell(session, "failed", { sentence: status ? body.error || NO_ANSWER : NO_ANSWER });
    session.timer = setTimeout(() => void save(session), RETRY_MS[Math.min(session.failures++, RETRY_MS.length - 1)]);
  }

  // ---- two windows ----
  function conflict(session, draft) {
    session.other = draft;
    session.dirty = true;
    tell(session, "conflict", { at: draft.changed_at });
  }

  async function keepMine() {
    const session = sync;
    session.revision = session.other.revision;
    session.other = null;
    tell(session, "saving");
    await save(session);
  }

  // Theirs comes into view; mine is one step back.
  async function takeTheirs() {
    const session = sync;
    const { base, touched } = await decodeDraft(session.now, session.other);
    session.revision = session.other.revision;
    session.other = null;
    tell(session, "saving");
    correction().replace("Draft of the other window", base, touched);
  }

  // ---- versions ----
  // Returns the new version's line, or null where the status says why not.
  async function saveVersion() {
    const session = sync;
    clearTimeout(session.timer);
    await session.sending; // a draft on its way
    const { state } = session;
    const sent = { base: state.base, touched: state.touched };
    tell(session, "saving");
    const answer = await ask(address(session, "versions"), { method: "POST", body: JSON.stringify(await envelope(session, sent)) });
    if (!answer.ok) {
      session.dirty = true;
      const sentence = answer.status ? answer.body.error : "the server does not answer. Press Save again in a moment.";
      tell(session, answer.status ? "refused" : "failed", { sentence });
      return null;
    }
    session.versions = [answer.body, ...session.versions.filter((line) => line.number !== answer.body.number)];
    await goOn(session, answer.body, sent);
    return answer.body;
  }

  // After a version was saved it is what the mask stands on, unless the reader went on drawing meanwhile.
  async function goOn(session, line, sent) {
    Object.assign(session, { revision: 0, dirty: false, failures: 0 });
    try {
      session.home = (await fetchVersion(session, line.number)).base;
    } catch (error) {
      session.home = null; // it is saved; the list shows it
    }
    if (sync !== session) return;
    const { state } = session;
    if (state.base !== sent.base || state.touched !== sent.touched) return schedule();
    if (session.home) overread.correction.settle(session.home);
    tell(session, "version", { at: line.saved_at, line });
  }

  // ---- with the study ----
  function open(state) {
    sync = { now: state.now, state, versions: [], masks: new Map(), revision: 0, home: null, dirty: false, loaded: false, failures: 0, other: null, status: { kind: "none" }, timer: 0, sending: Promise.resolve() };
    void load(sync);
  }

  function close() {
    const session = sync;
    sync = null;
    if (!session?.dirty) return;
    const { study_id: id } = session.now.study;
    const { base, touched } = session.state;
    if (session.status.kind !== "conflict") going.set(id, save(session).then(() => going.delete(id)));
    else if (base) unsettled.set(id, { base, touched });
  }

  function leave() {
    if (sync?.dirty && sync.status.kind !== "conflict") void save(sync, { leaving: true });
  }

  function warn(event) {
    if (sync && (sync.dirty || sync.status.kind === "saving")) event.preventDefault(); // the browser asks before the page goes
  }

  function mount(signal) {
    const removers = [
      correction().on("open", open),
      correction().on("close", close),
      correction().on("change", (state) => state.steps && sync?.state === state && schedule()),
    ];
    document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave(), { signal });
    window.addEventListener("pagehide", leave, { signal });
    window.addEventListener("beforeunload", warn, { signal });
    return () => removers.forEach((remove) => remove());
  }

  return { mount, keepMine, takeTheirs, saveVersion, version: (number) => fetchVersion(sync, number), get status() { return sync?.status || { kind: "none" }; }, get versions() { return sync?.versions || []; }, get isDirty() { return Boolean(sync?.dirty); }, get isSaved() { return Boolean(sync) && isHome(sync, sync.state); }, get isLoading() { return Boolean(sync) && !sync.loaded && sync.status.kind === "none"; } };
})();
