// What the page must know before it is painted: theme, density and language as chosen in this browser.
(function () {
  var chosen = {};
  try {
    chosen = JSON.parse(localStorage.getItem("taskforge.preferences") || "{}");
  } catch (error) {
    // a broken or forbidden storage means the defaults
  }
  var root = document.documentElement;
  var dark =
    chosen.theme === "dark" ||
    (chosen.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.classList.toggle("dark", dark);
  root.classList.toggle("compact", chosen.density === "compact");
  root.lang = chosen.language || (navigator.language.slice(0, 2) === "id" ? "id" : "en");
})();
