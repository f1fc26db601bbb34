// The short tour of the review page: five or six cards beside the controls that they speak of. It stands in nobody's
// way: keys and mouse work on while it is shown. "Not again" is kept for the reader; Escape leaves it for this time.
window.overread = window.overread || {};

overread.tour = (function () {
  "use strict";

  const GAP = 12;
  const EDGE = 8;
  // {binding.id} becomes the reader's own key. A step whose control is not in view is left out.
  const STEPS = [
    { at: "#viewer-screen", title: "The image", text: "Turn the wheel or press {slice.previous} {slice.next} to go through the slices. Drag for window and level; {view.reset} puts it all back." },
    { at: ".legend", title: "What lies over it", text: "Amber, solid: the AI. Teal, dashed: the reference, where there is one. {show.ai} and {show.reference} switch them; {show.none} hides all while you hold it." },
    { at: "#viewer-strip", title: "All slices at once", text: "Slice scores above, areas below. Click to go there; {lesion.next} leads to the next lesion slice." },
    { at: "#findings", title: "What was found", text: "Sizes, how far to trust them, and a threshold that moves the outline. Edema counts as abnormality, and a low score does not mean normal." },
    { at: "#viewer-tools-edit", title: "Measure and correct", text: "Measure on the image, or correct the mask: your correction is saved as a version, the AI's own stays." },
    { at: "#next-study", title: "On to the next", text: "{study.next} opens the next study of your worklist. {help} lists all keys; you can change them there." },
  ];
  let shown = null; // {step, card, ring, before}
  let offered = false; // once for each time the page is loaded

  const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };
  const inView = (selector) => {
    const box = document.querySelector(selector)?.getBoundingClientRect();
    return Boolean(box && box.width > 1 && box.height > 1);
  };
  const steps = () => STEPS.filter((step) => inView(step.at));

  function sentence(text) {
    const bindings = overread.keys.all().map(({ binding }) => binding);
    return text.split(/(\{[^}]+\})/).map((part) => {
      const id = /^\{(.+)\}$/.exec(part)?.[1];
      const binding = bindings.find((one) => one.id === id);
      const key = binding && overread.keys.keyOf(binding);
      return id ? make("kbd", { className: "key", textContent: key ? overread.keys.names(key).join("+") : "no key" }) : part;
    });
  }

  function build() {
    const card = make("div", { className: "tour-card", id: "tour" });
    card.setAttribute("role", "dialog");
    card.setAttribute("aria-labelledby", "tour-title");
    card.setAttribute("aria-describedby", "tour-text");
    const button = (id, words, run, kind = "") => {
      const made = make("button", { type: "button", id, className: `button button--small ${kind}`, textContent: words });
      made.addEventListener("click", run);
      return made;
    };
    card.append(
      make("div", { className: "tour-head" }, make("h2", { id: "tour-title" }), make("span", { id: "tour-count", className: "muted secondary tabular" })),
      make("p", { id: "tour-text" }),
      make("div", { className: "tour-foot" }, button("tour-never", "Not again", () => end(true)), button("tour-back", "Back", () => go(-1)), button("tour-next", "Next", () => go(1), "button--primary")),
    );
    const ring = make("div", { className: "tour-ring" });
    ring.setAttribute("aria-hidden", "true");
    return { card, ring };
  }

  function start() {
    if (shown || !document.querySelector(".review") || !steps().length) return;
    shown = { step: 0, before: document.activeElement, ...build() };
    document.body.append(shown.ring, shown.card);
    draw();
  }

  function go(by) {
    if (shown.step + by >= steps().length) return end(true);
    shown.step = Math.max(0, shown.step + by);
    draw();
  }

  function draw() {
    const all = steps();
    const step = all[Math.min(shown.step, all.length - 1)];
    const find = (id) => shown.card.querySelector(id);
    find("#tour-title").textContent = step.title;
    find("#tour-count").textContent = `${shown.step + 1} of ${all.length}`;
    find("#tour-text").replaceChildren(...sentence(step.text));
    find("#tour-back").hidden = shown.step === 0;
    find("#tour-next").textContent = shown.step === all.length - 1 ? "Done" : "Next";
    place();
    find("#tour-next").focus({ preventScroll: true });
  }

  // Beside the control: below, above, left or right of it, wherever there is room; inside what fills the window.
  function place() {
    const all = steps();
    if (!shown || !all.length) return;
    const target = document.querySelector(all[Math.min(shown.step, all.length - 1)].at).getBoundingClientRect();
    const { offsetWidth: w, offsetHeight: h } = shown.card;
    const { innerWidth: width, innerHeight: height } = window;
    const clampX = (x) => Math.max(EDGE, Math.min(width - w - EDGE, x));
    const clampY = (y) => Math.max(EDGE, Math.min(height - h - EDGE, y));
    let [x, y] = [clampX(target.left + GAP), clampY(target.bottom - h - GAP - 48)];
    if (target.bottom + GAP + h < height) [x, y] = [clampX(target.left), target.bottom + GAP];
    else if (target.top - GAP - h > 0) [x, y] = [clampX(target.left), target.top - GAP - h];
    else if (target.left - GAP - w > 0) [x, y] = [target.left - GAP - w, clampY(target.top + GAP)];
    else if (target.right + GAP + w < width) [x, y] = [target.right + GAP, clampY(target.top + GAP)];
    Object.assign(shown.card.style, { left: `${x}px`, top: `${y}px` });
    Object.assign(shown.ring.style, { left: `${target.left}px`, top: `${target.top}px`, width: `${target.width}px`, height: `${target.height}px` });
  }

  // isDone: for good.
  function end(isDone) {
    if (!shown) return;
    const { card, ring, before } = shown;
    shown = null;
    const hadFocus = card.contains(document.activeElement);
    card.remove();
    ring.remove();
    if (hadFocus && before?.isConnected && before !== document.body) before.focus();
    if (isDone && !overread.reader.now.tour_done) void overread.reader.change({ tour_done: true });
  }

  // By itself for who has not seen it, once there is an image to look at.
  function offer() {
    const { loaded, tour_done: done } = overread.reader.now;
    if (offered || !loaded || done || !overread.viewer?.now?.painted || document.querySelector("dialog[open]")) return;
    offered = true;
    start();
  }

  function mount() {
    return overread.viewer.on("painted", offer);
  }

  document.addEventListener("overread:reader", offer);
  document.addEventListener("overread:page", () => end(false));
  document.addEventListener("overread:keys", () => shown && draw());
  document.addEventListener("keydown", (event) => {
    if (!shown || event.key !== "Escape" || document.querySelector("dialog[open]")) return;
    event.stopPropagation();
    event.preventDefault();
    end(false);
  }, true);
  window.addEventListener("resize", () => shown && place());

  return { start, mount };
})();
