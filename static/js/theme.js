// Loaded before anything is drawn, so that the page never flashes in the other theme.
(function () {
  var root = document.documentElement;
  var kept = null;
  try { kept = localStorage.getItem("theme"); } catch (refused) { /* private mode: follow the system */ }
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function show() { root.dataset.theme = kept || (dark.matches ? "dark" : "light"); }
  dark.addEventListener("change", function () { if (!kept) { show(); document.dispatchEvent(new Event("themechange")); } });
  root.classList.add("scripted");
  show();
  window.switchTheme = function () {
    kept = root.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("theme", kept); } catch (refused) { /* for this page only, then */ }
    show();
    document.dispatchEvent(new Event("themechange"));
  };
})();
