// Choosing several songs; what a person is doing in the list outlasts the list: chosen songs, a form that is open.

const boxes = () => [...document.querySelectorAll(".song-select input")];

let chosen = new Set(), open = [], focused = null;

/** Say how many songs are chosen. */
function showCount() {
  const count = boxes().filter((box) => box.checked).length;
  const words = document.querySelector(".selection-count");
  if (words) words.textContent = `${count} song${count === 1 ? "" : "s"} selected`;
}

document.addEventListener("change", ({ target }) => {
  if (target.closest(".song-select")) showCount();
});
document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-choose-files]")) document.querySelector("#files").click();
  if (!target.closest("[data-select-all]")) return;
  for (const box of boxes()) box.checked = true;
  showCount();
});

document.addEventListener("htmx:beforeSwap", ({ detail: { shouldSwap, target } }) => {
  if (!shouldSwap) return;
  chosen = new Set(boxes().filter((box) => box.checked).map((box) => box.value));
  open = target.id === "songs" ? [...target.querySelectorAll("li:has(.rename)")] : [];
  focused = open.some((line) => line.contains(document.activeElement)) ? document.activeElement : null;
  for (const line of open) line.remove(); // htmx unwires what it replaces
});
document.addEventListener("htmx:afterSwap", () => {
  for (const line of open) document.getElementById(line.id)?.replaceWith(line);
  focused?.focus();
  for (const box of boxes()) box.checked = chosen.has(box.value);
  [open, focused] = [[], null];
  showCount();
});
