// Swagger UI has a dark scheme of its own, by a class: it follows the site's.

const system = matchMedia("(prefers-color-scheme: dark)");

function follow() {
  const root = document.documentElement;
  root.classList.toggle("dark-mode", root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
}

document.addEventListener("theme-changed", follow);
system.addEventListener("change", follow);
follow();
