// The list shows what the address says: searching, sorting, paging and the browser's Back and Forward only change that.

const form = document.querySelector(".search-form");
const source = form.closest("search");
let timer = null;

/** Ask for the list of this address. Whatever was asked before is for another one, or older. */
function showList(swap = "outerHTML") {
  clearTimeout(timer);
  const { htmx } = globalThis, address = location.pathname + location.search;
  htmx.trigger(source, "htmx:abort");
  htmx.ajax("GET", address, { source, target: "#songs", swap }).catch(() => {}); // live.js says what went wrong
}

function search() {
  history.replaceState(null, "", `?${new URLSearchParams(new FormData(form))}`);
  showList();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, 250);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest(".pagination a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  showList("outerHTML show:#songs:top");
});

addEventListener("popstate", () => {
  const asked = new URLSearchParams(location.search);
  form.elements.q.value = asked.get("q") ?? "";
  form.elements.sort.value = asked.get("sort") ?? "newest";
  showList();
});

// Songs came or went; those that were deleted just now can be brought back.
document.addEventListener("library-changed", ({ detail }) => {
  if (detail?.deleted) {
    const address = new URL(location.href);
    address.searchParams.delete("deleted");
    for (const song of detail.deleted) address.searchParams.append("deleted", song);
    history.replaceState(null, "", address);
  }
  showList();
});
