// Small things that every page has: light or dark, copying a link, a sentence when the server could not be reached.

const theme = document.querySelector("#theme");
theme?.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
  document.dispatchEvent(new CustomEvent("theme-changed"));
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.querySelector(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Press Ctrl+C";
  }
});

// Escape leaves a form that was opened on the page.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") event.target.closest("form")?.querySelector("[data-cancel]")?.click();
});

/** Show a sentence at the top of the page. */
export function note(sentence, kind = "error") {
  const paragraph = document.createElement("p");
  paragraph.className = `message ${kind}`;
  paragraph.textContent = sentence;
  const notes = document.querySelector(".messages");
  notes.append(paragraph);
  setTimeout(() => paragraph.remove(), 8000);
}

document.addEventListener(
  "htmx:responseError",
  () => note("The server did not accept this. Load the page anew and try once more."),
);
document.addEventListener("htmx:sendError", (event) => {
  const element = event.detail.elt;
  const asks = element.getAttribute("hx-trigger")?.startsWith("load"); // live lines: keep asking until the server is back
  if (asks) setTimeout(() => globalThis.htmx.trigger(element, "load"), 3000);
  else note("The server cannot be reached. Check your connection and try once more.");
});

/** The token that Django wants with every change. */
export function csrfToken() {
  return JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
}
