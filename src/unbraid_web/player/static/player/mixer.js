// The mixer on the page: reads the manifest, draws the strips, and moves the engine as the person does.

import { connectionBack, connectionLost, isFinal, stopAsking } from "../unbraid/live.js";
import { note } from "../unbraid/site.js";
import { wireDownloads } from "./downloads.js";
import { clock, drawRuler } from "./drawing.js";
import { Engine } from "./engine.js";
import { wireKeys } from "./keys.js";
import { Strip } from "./strip.js";

class Mixer {
  constructor(root) {
    this.root = root;
    this.show = (name) => root.querySelector(`[data-show="${name}"]`);
    this.do = (name) => root.querySelector(`[data-do="${name}"]`);
    this.seekBar = root.querySelector(".seek");
    this.strips = [];
    this.loop = null;
    this.spectral = false;
    this.load(JSON.parse(root.querySelector("#manifest").textContent));
    this.wire();
    if (!this.manifest.complete) this.follow();
  }

  /** Take over a manifest: the first one, or a newer one while the song is being separated. */
  load(manifest) {
    const restarted = this.manifest && this.manifest.run !== manifest.run;
    this.manifest = manifest;
    this.duration = manifest.duration || manifest.frames / manifest.sampleRate || 1;
    this.seekBar.max = this.duration;
    this.root.hidden = ["failed", "cancelled", "expired"].includes(manifest.state); // there is nothing to hear
    if (manifest.duration) this.show("length").textContent = clock(Math.round(this.duration));
    if (restarted) this.startOver();
    if (!manifest.stems.length || !manifest.segments) return;
    if (!this.strips.length) this.build();
    manifest.stems.forEach((stem, number) => this.strips[number].update(stem));
    this.engine.update(manifest);
    this.draw();
    if (this.playsWhenReady) {
      this.playWhenReady(false);
      this.toggle();
    }
  }

  /** The song is being separated anew: position, faders and music stay, and go on when there is something to hear. */
  startOver() {
    this.engine?.forget();
    for (const strip of this.strips) strip.picture = null;
  }

  build() {
    const template = this.root.querySelector('[data-part="strip"]');
    this.engine = new Engine(this.manifest, this.root.dataset.worklet);
    this.engine.addEventListener("change", () => this.showPosition());
    this.engine.addEventListener(
      "error",
      () =>
        this.showError(new Error("Part of this song couldn’t be loaded. Check your connection; we’ll keep trying.")),
    );
    this.engine.addEventListener("gone", stopAsking);
    this.engine.addEventListener("recovered", () => this.showError(null));
    this.strips = this.manifest.stems.map((stem, number) => new Strip(template, stem, number));
    for (const strip of this.strips) {
      strip.addEventListener("change", () => this.applyFaders());
      this.wireWave(strip.element.querySelector(".wave"));
    }
    this.show("strips").replaceChildren(...this.strips.map((strip) => strip.element));
    const select = document.querySelector("#downloads select[name=stem]");
    if (select && !select.options.length) select.append(...this.manifest.stems.map(({ name }) => new Option(name)));
    this.applyFaders();
    this.engine.setRate(Number(this.do("speed").value)); // may have been chosen before there was anything to play
    this.engine.setLoop(this.loop);
  }

  wire() {
    this.do("play").addEventListener("click", () => this.toggle());
    this.do("start").addEventListener("click", () => this.seek(0));
    this.do("loop").addEventListener("click", () => this.toggleLoop());
    this.do("spectrum").addEventListener("click", () => this.toggleSpectrum());
    this.do("reset").addEventListener("click", () => this.reset());
    this.do("speed").addEventListener("change", ({ target }) => this.engine?.setRate(Number(target.value)));
    this.seekBar.addEventListener("input", () => this.seek(Number(this.seekBar.value)));
    this.wireRuler(this.show("ruler"));
    wireKeys(this);
    wireDownloads(document.querySelector("#downloads"), () => this.manifest, () => this.faders());
    new ResizeObserver(() => this.draw()).observe(this.root);
    document.addEventListener("theme-changed", () => this.draw());
    document.body.addEventListener("separation-ended", () => this.follow());
    document.body.addEventListener("htmx:afterSwap", ({ target }) => {
      if (target.id === "progress") this.follow(); // a retry began
    });
  }

  /** Ask the server again and again until the song is complete or nothing comes any more. */
  async follow() {
    if (this.following) return;
    this.following = true;
    let active = true;
    while (active) {
      try {
        const answer = await fetch(this.root.dataset.manifest);
        if (isFinal(answer.status)) {
          stopAsking();
          break;
        }
        if (!answer.ok) throw new Error(answer.status);
        const manifest = await answer.json();
        connectionBack();
        this.load(manifest);
        active = manifest.state === "queued" || manifest.state === "running";
        if (manifest.complete) document.querySelector("#downloads").hidden = false;
      } catch {
        connectionLost();
      }
      if (active) await new Promise((wake) => setTimeout(wake, 1000));
    }
    this.following = false;
  }

  async toggle() {
    if (!this.engine) return this.playWhenReady(!this.playsWhenReady);
    if (this.engine.state.playing) return this.engine.pause();
    try {
      this.showError(null);
      await this.engine.play();
    } catch (error) {
      this.showError(error);
    }
  }

  /** Nothing is separated yet: play as soon as there is something to hear. */
  playWhenReady(wanted) {
    this.playsWhenReady = wanted;
    this.do("play").classList.toggle("waiting", wanted);
  }

  seek(seconds) {
    this.engine?.seek(Math.max(0, Math.min(seconds, this.duration)));
  }

  step(seconds) {
    if (this.engine) this.seek(this.engine.seconds + seconds);
  }

  toggleStrip(number, solo) {
    const strip = this.strips[number];
    if (strip) strip.toggle(solo ? strip.solo : strip.mute);
  }

  applyFaders() {
    const someSolo = this.strips.some((strip) => strip.soloed);
    this.engine.setGains(this.strips.map((strip) => strip.gains(someSolo)));
  }

  /** Faders, speed and loop as they were at first. */
  reset() {
    for (const strip of this.strips) strip.reset();
    this.do("speed").value = 1;
    this.engine?.setRate(1);
    this.setLoop(null);
  }

  /** How the faders stand, for an export. */
  faders() {
    const someSolo = this.strips.some((strip) => strip.soloed);
    return Object.fromEntries(this.strips.map((strip) => [strip.stem.name, strip.setting(someSolo)]));
  }

  toggleLoop() {
    if (!this.engine) return;
    const length = Math.min(8, this.duration / 4);
    const from = Math.min(this.engine.seconds, this.duration - length); // the last of the song, when it is at its end
    this.setLoop(this.loop ? null : { from, to: from + length });
  }

  markLoop(edge) {
    if (!this.engine) return;
    const loop = { from: 0, to: this.duration, ...this.loop, [edge]: this.engine.seconds };
    if (loop.to - loop.from > 0.1) this.setLoop(loop);
  }

  setLoop(loop) {
    this.loop = loop;
    this.do("loop").setAttribute("aria-pressed", Boolean(loop));
    for (const region of this.root.querySelectorAll(".loop-region")) region.hidden = !loop;
    if (loop) {
      this.root.style.setProperty("--loop-start", loop.from / this.duration);
      this.root.style.setProperty("--loop-end", loop.to / this.duration);
    }
    this.engine?.setLoop(loop);
  }

  toggleSpectrum() {
    if (!this.manifest.complete) return note("The spectrum appears once separation has finished.", { kind: "info" });
    this.spectral = !this.spectral;
    this.do("spectrum").setAttribute("aria-pressed", this.spectral);
    this.root.classList.toggle("spectral", this.spectral);
    return this.draw();
  }

  showPosition() {
    const { playing, waiting } = this.engine.state;
    const seconds = Math.min(this.engine.seconds, this.duration);
    this.root.style.setProperty("--position", seconds / this.duration);
    this.show("at").textContent = clock(seconds);
    this.seekBar.value = seconds;
    this.seekBar.setAttribute("aria-valuetext", clock(seconds));
    const play = this.do("play");
    play.setAttribute("aria-pressed", playing);
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    play.classList.toggle("waiting", waiting);
  }

  draw() {
    drawRuler(this.show("ruler").querySelector("canvas"), this.duration);
    const known = this.manifest.frames / this.manifest.sampleRate / this.duration;
    const most = Math.max(64, ...this.strips.map((strip) => strip.loudest)); // one scale for all stems
    return Promise.all(this.strips.map((strip) => strip.draw(Math.min(1, known), most, this.spectral)));
  }

  showError(error) {
    this.show("error").textContent = error?.message ?? "";
    this.show("error").hidden = !error;
  }

  fraction(event, element) {
    const box = element.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  }

  /** A click or a stroke over a waveform moves the position. */
  wireWave(wave) {
    const move = (event) => this.seek(this.fraction(event, wave) * this.duration);
    wave.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      wave.setPointerCapture(event.pointerId);
      wave.addEventListener("pointermove", move);
      move(event);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      wave.addEventListener(end, () => wave.removeEventListener("pointermove", move));
    }
  }

  /** A stroke over the ruler chooses the loop; a click there moves the position. */
  wireRuler(ruler) {
    let begun = null;
    ruler.addEventListener("pointerdown", (event) => {
      begun = this.fraction(event, ruler);
      ruler.setPointerCapture(event.pointerId);
    });
    ruler.addEventListener("pointermove", (event) => {
      if (begun === null) return;
      const at = this.fraction(event, ruler);
      const [from, to] = [Math.min(begun, at) * this.duration, Math.max(begun, at) * this.duration];
      if (to - from > 0.2) this.setLoop({ from, to });
    });
    ruler.addEventListener("pointerup", (event) => {
      const at = this.fraction(event, ruler);
      if (begun !== null && Math.abs(at - begun) * this.duration <= 0.2) this.seek(at * this.duration);
      begun = null;
    });
  }
}

const root = document.querySelector("#mixer");
if (root) root.mixer = new Mixer(root); // at hand for tests and the curious
