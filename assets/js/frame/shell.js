// Clientside callbacks of dashboard/components/shell.py: theme and current page.
window.dash_clientside = window.dash_clientside || {};

window.dash_clientside.overread_shell = (function () {
  "use strict";

  const root = document.documentElement;

  // First call (n_clicks undefined) only reports the theme that boot/theme.js has set.
  function theme(clicks) {
    let now = root.dataset.theme;
    if (clicks) {
      now = now === "light" ? "dark" : "light";
      root.dataset.theme = now;
      root.dataset.bsTheme = now;
      try {
        localStorage.setItem("overread.theme", now);
      } catch (error) {
        // not remembered where storage is forbidden
      }
      document.dispatchEvent(new CustomEvent("overread:theme", { detail: now }));
    }
    return [now, now === "light" ? "Dark theme" : "Light theme"];
  }

  const PATHS = ["/", "/review", "/performance", "/comparisons", "/about"]; // the order of shell.PAGES

  function current(pathname) {
    document.dispatchEvent(new CustomEvent("overread:page", { detail: pathname || "/" }));
    const classes = PATHS.map((path) => {
      const here = path === "/" ? pathname === "/" : (pathname || "").startsWith(path);
      const link = document.getElementById(`nav-${path.slice(1) || "worklist"}`);
      if (here) link?.setAttribute("aria-current", "page");
      else link?.removeAttribute("aria-current");
      return here ? "nav-item nav-item--current" : "nav-item";
    });
    return [...classes, `/review${lastStudy()}`];
  }

  // The study that was in view last, as the query of the review page's address.
  function lastStudy() {
    try {
      return sessionStorage.getItem("overread.last") || "";
    } catch (error) {
      return "";
    }
  }

  return { theme, current };
})();
