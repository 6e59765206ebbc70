// Runs before the first paint: light or dark as chosen here, else as the device has it.
(function () {
  "use strict";
  const page = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  function show() {
    let chosen = null;
    try { chosen = localStorage.getItem("light"); } catch { /* a browser without storage follows the device */ }
    page.dataset.bsTheme = chosen || (dark.matches ? "dark" : "light");
  }
  page.classList.add("js");
  show();
  dark.addEventListener("change", show);
})();
