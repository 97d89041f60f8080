// Uploads files in pieces, several at once; a dropped connection goes on where it was, even after the page was closed.

import { csrfToken } from "../unbraid/site.js";

const form = document.querySelector("#upload");
const list = document.querySelector("#uploads");
const template = document.querySelector("#upload-line");
const RETRY_SECONDS = [1, 2, 4, 8, 15, 30, 30, 30, 60, 60, 60]; // seconds between attempts
const SMALLEST = 2 ** 18; // bytes in a piece, the least that the server takes
const total = document.querySelector("#upload-total");
const waiting = [];
let running = 0, begun = 0, ended = 0; // begun and ended: since the page was last idle

const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
const pause = (seconds) => new Promise((wake) => setTimeout(wake, seconds * 1000));

/** Tells files of one name and size apart, by when they were made and by their first and last 64 kB. */
async function fingerprintOf(file) {
  const edge = 2 ** 16;
  const ends = new Blob([file.slice(0, edge), file.slice(Math.max(edge, file.size - edge))]);
  let a = 0x811c9dc5, b = 0x1000193; // FNV-1a, twice: crypto.subtle is not there on plain http
  for (const byte of new Uint8Array(await ends.arrayBuffer())) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x85ebca6b);
  }
  return `${file.lastModified}-${(a >>> 0).toString(16)}-${(b >>> 0).toString(16)}`;
}

class RefusedError extends Error {}

/** One file on its way, with its line on the page. */
class Upload {
  constructor(file) {
    this.file = file;
    this.stopped = new AbortController();
    this.element = template.content.firstElementChild.cloneNode(true);
    this.element.querySelector(".upload-name").textContent = file.name;
    this.element.querySelector("button").addEventListener("click", () => this.stop());
    this.bar = this.element.querySelector("progress");
    this.setStatus("Waiting");
    list.append(this.element);
  }

  setStatus(words) {
    this.element.querySelector(".upload-state").textContent = words;
  }

  async run() {
    try {
      if (this.file.size > Number(form.dataset.max)) {
        throw new RefusedError(
          `This file is ${megabytes(this.file.size)} MB; the limit is ${megabytes(form.dataset.max)} MB.`,
        );
      }
      const { name: filename, size } = this.file;
      const facts = JSON.stringify({ filename, size, fingerprint: await this.read() });
      const begun = await this.withRetries(() => this.ask(form.dataset.begin, "POST", facts));
      this.url = begun.url;
      document.getElementById(`upload-${begun.url.split("/").at(-2)}`)?.remove(); // it is not interrupted any more
      let received = begun.received, length = SMALLEST;
      for (;;) {
        this.bar.value = received / this.file.size;
        this.setStatus(`${megabytes(received)} of ${megabytes(this.file.size)} MB`);
        const piece = this.file.slice(received, received + length), since = performance.now();
        const answer = await this.withRetries(() => this.ask(this.url, "PATCH", piece, received), received);
        if (answer.song) return this.finish(answer.song);
        received = answer.received;
        if (performance.now() - since < 500) length = Math.min(2 * length, begun.piece); // few pieces, and a bar that moves
      }
    } catch (error) {
      if (this.stopped.signal.aborted) return;
      this.element.classList.add("failed");
      this.setStatus(
        error instanceof RefusedError ? error.message : "The connection was lost. Choose the file again to resume.",
      );
    }
  }

  /** Look into the file, which may be a folder or gone by now. */
  async read() {
    try {
      return await fingerprintOf(this.file);
    } catch {
      throw new RefusedError("This file can’t be read. If it was moved or changed, choose it again.");
    }
  }

  /** Ask again and again while the connection is gone. */
  async withRetries(question) {
    for (const seconds of [...RETRY_SECONDS, null]) {
      try {
        return await question();
      } catch (error) {
        if (error instanceof RefusedError || this.stopped.signal.aborted || seconds === null) throw error;
        this.setStatus("Connection lost. Trying again…");
        await pause(seconds);
      }
    }
  }

  async ask(url, method, body, offset) {
    const headers = { "X-CSRFToken": csrfToken() };
    if (offset !== undefined) headers["Upload-Offset"] = offset;
    const answer = await fetch(url, { method, body, headers, signal: this.stopped.signal });
    const facts = await answer.json().catch(() => ({}));
    if (answer.ok || answer.status === 409) return facts; // 409 says where to go on
    if (answer.status >= 500 && answer.status !== 507) throw new Error(answer.status);
    throw new RefusedError(facts.error ?? "That didn’t work. Reload the page, then choose the file again.");
  }

  async stop() {
    this.stopped.abort();
    this.element.remove();
    if (this.url) await fetch(this.url, { method: "DELETE", headers: { "X-CSRFToken": csrfToken() } });
  }

  finish(address) {
    form.dispatchEvent(new Event("library-changed", { bubbles: true })); // the list is asked for again
    if (listBeginsWithTheNewest()) return this.element.remove();
    const link = Object.assign(document.createElement("a"), { href: address, textContent: this.file.name });
    this.element.querySelector(".upload-name").replaceChildren(link);
    this.element.querySelector("button").ariaLabel = "Dismiss";
    this.setStatus("Added to your library");
    this.bar.remove();
    this.url = null;
  }
}

/** Whether a new song can be seen in the list, which may be another page, in another order or what a search found. */
function listBeginsWithTheNewest() {
  const asked = new URLSearchParams(location.search);
  return !asked.get("q") && (asked.get("sort") ?? "newest") === "newest" && (asked.get("page") ?? "1") === "1";
}

function enqueue(files) {
  waiting.push(...[...files].map((file) => new Upload(file)));
  begun += files.length;
  while (running < 2 && waiting.length) {
    running += 1;
    const upload = waiting.shift();
    upload.run().finally(() => {
      running -= 1;
      ended += 1;
      enqueue([]);
    });
  }
  if (!running) begun = ended = 0;
  showTotal();
}

/** How far many files are, in one line. */
function showTotal() {
  total.hidden = begun < 2;
  total.firstElementChild.textContent = `Uploading ${Math.min(ended + 1, begun)} of ${begun}`;
  total.querySelector("progress").value = begun ? ended / begun : 0;
}

const input = form.querySelector("input[type=file]");
input.addEventListener("change", () => {
  enqueue(input.files);
  input.value = "";
});
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  form.classList.add("drag-over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) form.classList.remove("drag-over");
});
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  form.classList.remove("drag-over");
  enqueue(event.dataTransfer.files);
});
addEventListener("beforeunload", (event) => {
  if (running) event.preventDefault();
});
