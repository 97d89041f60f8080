// Parts of a page that keep asking the server: they outlast a lost connection, and stop when there is nothing to ask for.

import { note } from "./site.js";

let lost = null; // the sentence on the page while the server is away
let stopped = false;

/** Whether the server means it: it answered, and asking again would change nothing. */
export const isFinal = (status) => [401, 403, 404, 410].includes(status);

/** The server is away for a moment: say so, and ask again. */
export function connectionLost() {
  lost ??= note("The server can’t be reached. Trying again…", { stays: true });
}

/** The server answered. */
export function connectionBack() {
  lost?.remove();
  lost = null;
}

/** There is nothing more to ask for: say why, once, however many parts of the page were told so. */
export async function stopAsking() {
  connectionBack();
  if (stopped) return;
  stopped = true;
  note(
    await isLoggedOut()
      ? "You’ve been logged out. Log in again, then reload this page."
      : "This song is no longer available. Reload the page.",
    { stays: true },
  );
}

/** Whether somebody was logged in when the page was made, and nobody is now. */
async function isLoggedOut() {
  const account = document.querySelector("[data-account]");
  if (!account) return false;
  const answer = await fetch(account.href, { redirect: "manual" }).catch(() => null);
  return answer?.type === "opaqueredirect";
}

const isPolling = (element) => element.getAttribute("hx-trigger")?.startsWith("every");

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) connectionBack();
});
document.addEventListener("htmx:sendError", ({ detail }) => {
  if (isPolling(detail.elt)) connectionLost();
  else note("The server can’t be reached. Check your connection and try again.");
});
document.addEventListener("htmx:responseError", ({ detail }) => {
  const { elt, xhr } = detail;
  if (!isPolling(elt)) {
    if (isFinal(xhr.status)) stopAsking();
    else note("That didn’t work. Reload the page and try again.");
  } else if (isFinal(xhr.status)) {
    const still = elt.cloneNode(true);
    still.removeAttribute("hx-trigger");
    elt.replaceWith(still); // htmx asks for as long as the element is on the page
    globalThis.htmx.process(still);
    stopAsking();
  } else {
    connectionLost();
  }
});
