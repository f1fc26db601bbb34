// Steps through all slices once a frame and counts the frames in which the screen holds the right
// slice with its outlines. What is right was recorded slice by slice before, at leisure.
// `modules` are the page's (page_modules.py).
async () => {
  const viewer = modules.viewer;
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const picture = document.querySelector("#viewer-screen .screen-picture");
  const line = (name) =>
    document.querySelector(`#viewer-screen .outline-${name}`).getAttribute("d") || "";

  // A pixel of the picture, and both outlines.
  function seen() {
    pen.clearRect(0, 0, 1, 1);
    // the phantom's corner says which slice it is; empty while no slice is shown
    if (!picture.hidden) pen.drawImage(picture, 4, 4, 1, 1, 0, 0, 1, 1);
    const [grey, , , alpha] = pen.getImageData(0, 0, 1, 1).data;
    return { grey, alpha, ai: line("ai"), reference: line("reference") };
  }

  const { n } = viewer.now.study;
  const right = [];
  for (let k = 0; k < n; k++) {
    viewer.goTo(k);
    const number = String(viewer.now.study.indices[k]);
    const screen = document.getElementById("viewer-screen");
    for (let tries = 0; tries < 2000; tries++) {
      await frame();
      const has = seen();
      if (screen.dataset.slice === number && has.alpha === 255 && has.ai && has.reference) break;
    }
    await frame();
    await frame();
    right.push(seen());
  }

  async function walk() {
    viewer.goTo(0);
    for (let i = 0; i < 30; i++) await frame();
    let good = 0;
    const begun = performance.now();
    for (let k = 1; k < n; k++) {
      viewer.goTo(k);
      await frame();
      const has = seen();
      if (Object.keys(has).every((name) => has[name] === right[k][name])) good++;
    }
    return { good, seconds: (performance.now() - begun) / 1000 };
  }

  const walks = [];
  for (let i = 0; i < 5; i++) walks.push(await walk());
  return {
    walks,
    greys: right.map(({ grey }) => grey),
    outlined: right.filter(({ ai, reference }) => ai && reference).length,
  };
};
