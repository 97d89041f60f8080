// Small things that every page has: light or dark, copying a link, sentences at the top.

document.addEventListener("click", (event) => {
  if (!event.target.closest("#theme")) return;
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  const { pathname } = document.querySelector(".brand"); // the site may share its host with others
  document.cookie = `unbraid_theme=${root.dataset.theme}; path=${pathname}; max-age=31536000; samesite=lax`;
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
    button.textContent = "Copy the selected link";
  }
  setTimeout(() => (button.textContent = "Copy"), 4000);
});

// Escape leaves a form that was opened on the page.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") event.target.closest("form")?.querySelector("[data-cancel]")?.click();
});

/** Show a sentence at the top of the page, for a while or until it is taken away. */
export function note(sentence, { kind = "error", stays = false } = {}) {
  const paragraph = document.createElement("p");
  paragraph.className = `message ${kind}`;
  paragraph.textContent = sentence;
  document.querySelector(".messages").append(paragraph);
  if (!stays) setTimeout(() => paragraph.remove(), 8000);
  return paragraph;
}

/** The token that Django wants with every change: the cookie's, for a login in another tab makes the page's worthless. */
export function csrfToken() {
  const cookies = new Map(document.cookie.split("; ").map((cookie) => cookie.split("=")));
  return cookies.get("unbraid_csrf") ?? cookies.get("csrftoken"); // the first where the site has a path of its own
}

document.addEventListener("htmx:configRequest", ({ detail: { headers, parameters } }) => {
  headers["X-CSRFToken"] = csrfToken();
  if (parameters.csrfmiddlewaretoken) parameters.csrfmiddlewaretoken = csrfToken();
});
