// How far to trust the outline: its expected Dice, the held-out patients like it, and every caution.
window.overread = window.overread || {};

overread.trust = (function () {
  "use strict";

  const byId = (id) => document.getElementById(id);
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

  function similar({ case_id: name, dice, href, here }) {
    const item = document.createElement("li");
    const link = make("a", { href, textContent: name });
    link.title = here ? "Open the case" : "Not in this workspace: see its figures";
    item.append(link, make("span", { className: "muted", textContent: `Dice ${dice.toFixed(2)}` }));
    return item;
  }

  function expected(trust) {
    byId("finding-trust").hidden = !trust;
    if (!trust) return;
    byId("finding-expected").textContent = trust.expected.toFixed(2);
    byId("finding-interval").textContent = `${trust.low.toFixed(2)} to ${trust.high.toFixed(2)}`;
    byId("finding-expected-words").textContent = trust.sentence;
    const away = trust.similar.some(({ here }) => !here);
    byId("finding-similar-words").textContent = away ? "Where a patient is not in this workspace, the link leads to the figures." : "";
    byId("finding-similar").replaceChildren(...trust.similar.map(similar));
  }

  function show({ study: { warnings, result } }) {
    const all = [...new Set([...(warnings || []), ...(result?.warnings || [])])];
    byId("findings-warnings").hidden = all.length === 0;
    byId("finding-warnings").replaceChildren(...all.map((sentence) => make("p", { className: "notice notice--warning", textContent: sentence })));
    byId("finding-learned").textContent = result?.learned || "";
    byId("finding-learned").hidden = !result?.learned;
    expected(result?.trust);
  }

  function mount() {
    const removers = ["open", "result"].map((name) => overread.viewer.on(name, show));
    return () => removers.forEach((remove) => remove());
  }

  return { mount };
})();
