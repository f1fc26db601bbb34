// On to the next study of the list and back, without a page in between: Enter, Shift+Enter, the foot of the findings.
// The next study is fetched while the reader looks at this one.
window.overread = window.overread || {};

overread.next = (function () {
  "use strict";

  const IDLE_MS = 400; // after the last slice that came into view
  let list = null; // {ids, filtered, at} around the study in view
  let shown = null; // its id
  let timer = 0;

  const byId = (id) => document.getElementById(id);
  const neighbour = (by) => (list && list.at >= 0 ? list.ids[list.at + by] : undefined);

  function show(name = "") {
    if (!byId("next-position")) return;
    byId("next-previous").disabled = !neighbour(-1);
    byId("next-study").disabled = !neighbour(1);
    let words = "";
    if (list && list.at >= 0) {
      words = `${list.at + 1} of ${list.ids.length}${list.filtered ? " found" : ""}`;
      if (!neighbour(1)) words += list.ids.length > 1 ? ", the last one" : ", the only one";
      else if (name) words += ` · next ${name}`;
    }
    byId("next-position").textContent = words;
    byId("next-position").title = words;
  }

  async function begin({ study }) {
    const id = study.study_id;
    if (id !== shown) list = null;
    shown = id;
    const found = await overread.readingList.around(id).catch(() => null);
    if (shown !== id) return;
    list = found;
    show();
    if (list) soon(); // else the next slice that comes into view asks again
  }

  // Once nothing has moved for a moment: the slices of this study come first.
  function soon() {
    clearTimeout(timer);
    timer = setTimeout(() => (window.requestIdleCallback || setTimeout)(ahead), IDLE_MS);
  }

  async function ahead() {
    const id = neighbour(1);
    const from = shown;
    if (!list && from) return void begin({ study: { study_id: from } }); // the server was away
    if (!id) return;
    try {
      const study = await overread.studyLoad.prepare(id);
      if (shown === from) show(study.patient || study.case_id);
    } catch (error) {
      if (error.gone && shown === from) {
        overread.readingList.drop(id);
        void begin({ study: { study_id: from } });
      } // else the server is away: it is asked when the study is opened
    }
  }

  function open(id) {
    history.pushState({}, "", `/review?study=${id}`);
    void overread.review.open({ study_id: id, slice: null });
  }

  function go(by) {
    if (!overread.viewer.now) return;
    const id = neighbour(by);
    if (id) return open(id);
    if (!list || !byId("next-position")) return;
    const end = by > 0 ? "the last" : "the first";
    byId("next-position").textContent = `This is ${end} of ${list.ids.length} studies.`;
  }

  // While the mask is being corrected Enter belongs to that: it closes polygons.
  function press(by) {
    if (overread.tools.group() !== "edit") return go(by);
    return overread.editBar.say("Leave off correcting to go to another study with Enter.");
  }

  // Dash does not know of studies that were opened here, and so does not go back to them.
  window.addEventListener("popstate", () => {
    const id = new URLSearchParams(location.search).get("study");
    if (location.pathname.endsWith("/review") && shown && /^[0-9a-f]{16}$/.test(id || "") && id !== shown && document.querySelector(".review")) {
      const slice = Number(new URLSearchParams(location.search).get("slice")) || null;
      void overread.review.open({ study_id: id, slice });
    }
  });

  const KEYS = [
    { id: "study.next", key: "Enter", label: "Next study of the worklist", run: () => press(1) },
    { id: "study.previous", key: "Shift+Enter", label: "Previous study of the worklist", run: () => press(-1) },
  ];

  function mount(signal) {
    show();
    for (const [id, by] of [["next-study", 1], ["next-previous", -1]]) {
      byId(id).addEventListener("click", (event) => {
        if (event.detail) event.currentTarget.blur(); // keys belong to the image again
        go(by);
      }, { signal });
    }
    const removers = [overread.keys.add("Studies", KEYS), overread.viewer.on("open", begin), overread.viewer.on("painted", soon)];
    return () => {
      clearTimeout(timer);
      removers.forEach((remove) => remove());
    };
  }

  return { mount };
})();
