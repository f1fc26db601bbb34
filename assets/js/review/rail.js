// The left rail: one card per series with a thumbnail. A channel that only repeats another one is said to be missing.
window.overread = window.overread || {};

overread.rail = (function () {
  "use strict";

  const node = (tag, className, text) => {
    const made = document.createElement(tag);
    made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  const thumbnail = (study, channel) =>
    (study.thumbnail_url || study.pixels_url.replace(/\/pixels\/\{channel\}\/\{slice\}$/, "/thumbnail/{channel}.png")).replace("{channel}", channel);

  function card(study, channel, index) {
    if (channel.same_as !== null) {
      const missing = node("div", "series-card series-card--missing");
      const shown = study.channels[channel.same_as].label;
      missing.append(node("span", "series-name", channel.label), node("span", "series-note", `sequence missing, ${shown} shown`));
      return missing;
    }
    const button = node("button", "series-card");
    button.type = "button";
    button.dataset.channel = index;
    const image = node("img", "series-thumbnail");
    image.alt = "";
    image.loading = "lazy";
    image.src = thumbnail(study, index);
    const between = study.spacing_mm ? ` · ${study.spacing_mm[0].toFixed(1)} mm` : "";
    const slices = `${study.n} ${study.n === 1 ? "slice" : "slices"}${between}`;
    button.append(image, node("span", "series-name", channel.label), node("span", "series-note tabular", slices));
    button.addEventListener("click", () => overread.viewer.chooseChannel(index));
    return button;
  }

  function mark(now) {
    for (const button of document.querySelectorAll("#rail-cards button")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.channel) === now.channel));
    }
  }

  function fill(now) {
    const { study } = now;
    const order = study.channels.map((channel, i) => i).sort((a, b) => study.channels[b].start - study.channels[a].start);
    document.getElementById("rail-cards").replaceChildren(...order.map((i) => card(study, study.channels[i], i)));
    mark(now);
  }

  // The n-th card that can be chosen, for the keys 1 to 3.
  function choose(n) {
    document.querySelectorAll("#rail-cards button")[n]?.click();
  }

  function mount() {
    const removers = [overread.viewer.on("open", fill), overread.viewer.on("channel", mark)];
    return () => removers.forEach((remove) => remove());
  }

  return { mount, choose };
})();
