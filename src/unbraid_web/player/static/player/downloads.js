// Asks the server to render downloads, follows them, and hands them over when they are done.

import { connectionBack, connectionLost, isFinal, stopAsking } from "../unbraid/live.js";
import { csrfToken } from "../unbraid/site.js";

const pause = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

/** Render what the form asks for; `mix` tells how the mixer stands. */
async function fetchExport(form, manifest, mix) {
  const output = form.querySelector("output"), button = form.querySelector("button");
  const kind = form.dataset.kind, format = form.elements.format.value;
  const recipe = { kind, format };
  if (kind === "mix") Object.assign(recipe, mix());
  if (kind === "stem") recipe.stems = { [form.elements.stem.value]: {} };
  button.disabled = true;
  const bar = document.createElement("progress");
  bar.className = "progress-bar";
  bar.setAttribute("aria-label", "Rendering");
  output.replaceChildren(bar);
  try {
    let answer = await fetchJson(manifest().exports, {
      method: "POST",
      body: JSON.stringify(recipe),
      headers: { "X-CSRFToken": csrfToken() },
    });
    while (answer.state === "queued" || answer.state === "running") {
      if (answer.state === "running") bar.value = answer.fraction;
      await pause(500);
      answer = await followUp(answer.status);
    }
    if (answer.state !== "done") throw new Error(answer.error || "That didn’t work. Try again.");
    const link = document.createElement("a");
    link.href = answer.file;
    link.textContent = answer.filename;
    output.replaceChildren("Ready: ", link);
    save(answer.file);
  } catch (error) {
    output.textContent = error.message;
  } finally {
    button.disabled = false;
  }
}

async function fetchJson(url, options) {
  const answer = await fetch(url, options).catch(() => {
    throw new Error("The server can’t be reached. Check your connection and try again.");
  });
  return factsOf(answer);
}

/** Ask how far the download is; while the server is away, ask again and again. */
async function followUp(url) {
  for (;;) {
    const answer = await fetch(url).catch(() => null);
    if (answer && answer.status < 500) {
      connectionBack();
      return factsOf(answer);
    }
    connectionLost();
    await pause(1000);
  }
}

async function factsOf(answer) {
  const facts = await answer.json().catch(() => ({}));
  if (answer.ok) return facts;
  if (facts.error || !isFinal(answer.status)) {
    throw new Error(facts.error ?? "That didn’t work. Reload the page and try again.");
  }
  stopAsking(); // which says why at the top of the page
  throw new Error("");
}

function save(url) {
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  link.click();
}

/** Wire the forms of the downloads card. */
export function wireDownloads(card, manifest, mix) {
  for (const form of card.querySelectorAll("form[data-kind]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      fetchExport(form, manifest, mix);
    });
  }
}
