// Choosing several songs; what a person is doing in the list outlasts the list: chosen songs, a form that is open.

const boxes = () => [...document.querySelectorAll(".song-select input")];

const chosen = new Set(); // ids, also of songs on other pages
let open = [], focused = null;

/** Check the boxes of the chosen songs, take those on other pages into the form, and say how many there are. */
function show() {
  const form = document.querySelector("#selection");
  if (!form) return;
  for (const line of document.querySelectorAll(".song.deleted")) chosen.delete(line.id.replace("song-", ""));
  const elsewhere = new Set(chosen);
  for (const box of boxes()) {
    box.checked = chosen.has(box.value);
    elsewhere.delete(box.value);
  }
  for (const input of form.querySelectorAll("input[name=song]")) input.remove();
  for (const value of elsewhere) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "song", value }));
  }
  form.querySelector(".selection-count").textContent = `${chosen.size} song${chosen.size === 1 ? "" : "s"} selected`;
}

/** Choose a box's song, or leave it out. */
function take(box) {
  if (box.checked) chosen.add(box.value);
  else chosen.delete(box.value);
}

document.addEventListener("change", ({ target }) => {
  if (!target.closest(".song-select")) return;
  take(target);
  show();
});
document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-choose-files]")) document.querySelector("#files").click();
  if (target.closest("[data-clear]")) chosen.clear();
  else if (target.closest("[data-select-all]")) { for (const box of boxes()) chosen.add(box.value); }
  else return;
  show();
});
document.addEventListener("library-changed", ({ detail }) => {
  for (const id of detail?.deleted ?? []) chosen.delete(id);
});

document.addEventListener("htmx:beforeSwap", ({ detail: { shouldSwap, target } }) => {
  if (!shouldSwap) return;
  const list = target.id === "songs";
  open = list ? [...target.querySelectorAll("li:has(.rename)")] : [];
  focused = list && target.contains(document.activeElement) ? document.activeElement : null;
  for (const line of open) line.remove(); // htmx unwires what it replaces
});
document.addEventListener("htmx:afterSwap", () => {
  for (const line of open) document.getElementById(line.id)?.replaceWith(line);
  if (focused) (focused.isConnected ? focused : document.querySelector("#count")).focus(); // else it starts at the top
  [open, focused] = [[], null];
});
document.addEventListener("htmx:afterSettle", show); // until then htmx gives new elements the classes of old ones

for (const box of boxes()) take(box); // browsers remember them
show();
