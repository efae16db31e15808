// What does not wait for the program to come: theme, density and language as chosen in this browser, so that no other
// ones are painted first; the words of the language; and the question who is logged in, whose answer `api/early.ts` hands to the program.
(function () {
  var chosen = {};
  var key = new URLSearchParams(location.hash.slice(1)).get("key");
  try {
    key = key || sessionStorage.getItem("taskforge.key");
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

  var words = document.querySelector('meta[name="taskforge-words-' + root.lang + '"]');
  if (words) {
    var link = document.createElement("link");
    link.rel = "modulepreload";
    link.href = words.content;
    document.head.append(link);
  }

  var answer = fetch(document.querySelector('meta[name="taskforge-root"]').content + "/api/v1/auth/me", {
    credentials: "same-origin",
    headers: key ? { Authorization: "Bearer " + key } : {},
  });
  answer.catch(function () {
    // the program asks again, and says what is wrong
  });
  window.taskforgeCaller = { key: key, answer: answer };
})();
