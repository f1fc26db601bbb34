// Runs in <head>, before anything is drawn, so that a remembered light theme never flashes dark.
// shell.js changes the theme afterwards.
(function () {
  "use strict";
  let theme = "dark";
  try {
    if (localStorage.getItem("overread.theme") === "light") theme = "light";
  } catch {
    // storage may be forbidden: the default stays
  }
  document.documentElement.dataset.theme = theme;
  document.documentElement.dataset.bsTheme = theme;
})();
