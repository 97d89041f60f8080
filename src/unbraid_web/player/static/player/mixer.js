// The mixer on the page: reads the manifest, draws the strips, and moves the engine as the person does.

import { connectionBack, connectionLost, isFinal, stopAsking } from "../unbraid/live.js";
import { note } from "../unbraid/site.js";
import { wireDownloads } from "./downloads.js";
import { clock, drawRuler } from "./drawing.js";
import { Engine } from "./engine.js";
import { wireRuler, wireSlider, wireWave } from "./gestures.js";
import { wireKeys } from "./keys.js";
import { wireMediaSession } from "./media_session.js";
import { decode, encode, Memory } from "./memory.js";
import { Practice } from "./practice.js";
import { rememberQuality, startingQuality } from "./quality.js";
import { Strip } from "./strip.js";
import { wireTabs } from "./tabs.js";
import { View } from "./view.js";

const LOOP_BARS = 4;

class Mixer {
  constructor(root) {
    this.root = root;
    this.show = (name) => root.querySelector(`[data-show="${name}"]`);
    this.do = (name) => root.querySelector(`[data-do="${name}"]`);
    this.seekBar = root.querySelector(".seek");
    this.presets = [...root.querySelectorAll("[data-mix]")];
    this.strips = [];
    this.loop = null;
    this.spectral = false;
    this.original = false;
    this.view = new View(1);
    this.view.addEventListener("change", () => this.showView());
    this.practice = new Practice(root);
    this.practice.addEventListener("change", () => this.applyPractice());
    this.load(JSON.parse(root.querySelector("#manifest").textContent));
    this.wire();
    if (!this.engine) this.setReady(false);
    if (!this.manifest.complete) this.follow();
  }

  /** Take over a manifest: the first one, or a newer one while the song is being separated. */
  load(manifest) {
    const restarted = this.manifest && this.manifest.run !== manifest.run;
    this.manifest = manifest;
    this.duration = manifest.duration || manifest.frames / manifest.sampleRate || 1;
    this.seekBar.max = this.duration;
    this.view.setDuration(this.duration);
    this.setHidden(["failed", "cancelled", "expired"].includes(manifest.state)); // there is nothing to hear
    if (manifest.duration) this.show("length").textContent = clock(Math.round(this.duration));
    if (restarted) this.startOver();
    if (!manifest.stems.length || !manifest.segments) return;
    if (!this.strips.length) this.build();
    manifest.stems.forEach((stem, number) => this.strips[number].update(stem));
    this.engine.update(manifest);
    if (manifest.analysis && !this.practice.analysis) this.practice.update(manifest.analysis, this.duration);
    this.showQuality();
    this.draw();
    if (this.playsWhenReady) {
      this.playWhenReady(false);
      this.toggle();
    }
  }

  /** Without the mixer there is no music either, and nothing to share that is not shared already. */
  setHidden(hidden) {
    this.root.hidden = hidden;
    if (hidden) this.engine?.pause();
    const share = document.querySelector("#share-card");
    if (share && !share.querySelector("#link")) share.hidden = hidden;
  }

  /** What needs stems can be used once there are some. */
  setReady(ready) {
    for (const control of [...this.presets, this.do("loop"), this.do("original")]) control.disabled = !ready;
  }

  /** The song is being separated anew: position, faders and music stay, and go on when there is something to hear. */
  startOver() {
    this.engine?.forget();
    this.practice.update(null);
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
    this.engine.addEventListener("quality", () => this.showQuality());
    this.setReady(true);
    this.strips = this.manifest.stems.map((stem, number) => new Strip(template, stem, number));
    for (const strip of this.strips) {
      strip.addEventListener("change", () => {
        this.setOriginal(false);
        this.applyFaders();
      });
      wireWave(this, strip.element.querySelector(".wave"));
    }
    this.show("strips").replaceChildren(...this.strips.map((strip) => strip.element));
    const select = document.querySelector("#downloads select[name=stem]");
    if (select && !select.options.length) select.append(...this.manifest.stems.map(({ name }) => new Option(name)));
    const { smaller, automatic } = startingQuality();
    this.engine.setQuality(smaller, automatic);
    this.practice.update(this.manifest.analysis, this.duration);
    this.memory = new Memory(this.manifest.id);
    this.restore(this.memory.recall());
    wireMediaSession(this);
    wireTabs(this);
  }

  /** Another private link was put into the address of this page: take over its mix. */
  takeMixFromAddress() {
    if (this.memory && location.hash.includes("=")) this.restore(this.memory.recall());
  }

  get names() {
    return this.strips.map((strip) => strip.stem.name);
  }

  /** Stand as the text says; see memory.js. */
  restore(text) {
    const { faders, loop, position, ...practice } = decode(text, this.names);
    this.setFaders(faders);
    if (text) this.practice.set(practice); // else as chosen before there was anything to play
    this.setLoop(loop && loop.from < this.duration ? { ...loop, to: Math.min(loop.to, this.duration) } : null);
    if (position < this.duration) this.seek(position);
  }

  /** Faders, loop and all as text; with the position as well, for this browser alone. */
  mix(position = 0) {
    const faders = Object.fromEntries(this.strips.map((strip) => [strip.stem.name, strip.fader]));
    return encode({ faders, ...this.practice.state, loop: this.loop, position });
  }

  keep() {
    this.memory?.keep(this.mix(this.engine.state.ended ? 0 : this.engine.seconds));
  }

  wire() {
    this.do("play").addEventListener("click", () => this.toggle());
    this.do("start").addEventListener("click", () => this.seek(0));
    this.do("loop").addEventListener("click", () => this.toggleLoop());
    this.do("spectrum").addEventListener("click", () => this.toggleSpectrum());
    this.do("reset").addEventListener("click", () => this.reset());
    this.do("original").addEventListener("click", () => this.setOriginal(!this.original));
    this.do("closer").addEventListener("click", () => this.zoom(2));
    this.do("farther").addEventListener("click", () => this.zoom(0.5));
    for (const button of this.presets) button.addEventListener("click", () => this.togglePreset(button));
    this.do("quality").addEventListener("change", ({ target }) => {
      rememberQuality(target.value === "smaller");
      this.engine?.setQuality(target.value === "smaller");
    });
    wireSlider(this.seekBar, () => this.seek(Number(this.seekBar.value)));
    wireRuler(this, this.show("ruler"));
    wireKeys(this);
    wireDownloads(document.querySelector("#downloads"), () => this.manifest, () => this.recipe());
    new ResizeObserver(() => this.draw()).observe(this.root);
    document.addEventListener("theme-changed", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    document.addEventListener("visibilitychange", () => this.keep()); // phones drop a hidden page without another word
    addEventListener("pagehide", () => this.keep());
    addEventListener("hashchange", () => this.takeMixFromAddress());
    document.body.addEventListener("separation-ended", () => this.follow());
    document.body.addEventListener("htmx:afterSwap", ({ target }) => {
      if (target.id === "progress") this.follow(); // a retry began
      else this.showLink();
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
    const gains = this.strips.map((strip) => strip.gains(someSolo)); // which also shows what is silent
    this.engine.setGains(this.original ? gains.map(() => [1, 1]) : gains);
    const faders = encode({ faders: Object.fromEntries(this.strips.map((strip) => [strip.stem.name, strip.fader])) });
    for (const button of this.presets) {
      button.hidden = !this.names.includes(button.dataset.mix.split("=")[0]);
      button.setAttribute("aria-pressed", faders === button.dataset.mix);
    }
    this.showLink();
  }

  setFaders(faders) {
    for (const strip of this.strips) strip.set(faders[strip.stem.name]);
  }

  /** One click mixes, the next one takes it back. */
  togglePreset(button) {
    const pressed = button.getAttribute("aria-pressed") === "true";
    this.setFaders(decode(pressed ? "" : button.dataset.mix, this.names).faders);
  }

  /** All stems as they are add up to the original: hear it beside the mix, at the same place. */
  setOriginal(wanted) {
    if (!this.engine || this.original === wanted) return;
    this.original = wanted;
    this.do("original").setAttribute("aria-pressed", wanted);
    this.root.classList.toggle("original", wanted);
    this.applyFaders();
  }

  /** Speed, key, click or snapping has changed. */
  applyPractice() {
    if (!this.engine) return;
    this.practice.apply(this.engine);
    this.setLoop(this.loop); // it may have to snap now
  }

  /** Everything as it was at first. */
  reset() {
    this.setFaders({});
    this.setOriginal(false);
    this.practice.set({});
    this.setLoop(null);
    this.view.whole();
  }

  /** The mix as it is heard, for an export. */
  recipe() {
    const someSolo = this.strips.some((strip) => strip.soloed);
    const stems = Object.fromEntries(this.strips.map((strip) => [strip.stem.name, strip.setting(someSolo)]));
    return { stems, ...this.practice.recipe() };
  }

  toggleLoop() {
    if (!this.engine) return;
    if (this.loop) return this.setLoop(null);
    const { beats, beat } = this.practice;
    if (beats && beat.snaps) return this.setLoop(beats.loopAround(this.engine.seconds, LOOP_BARS));
    const length = Math.min(8, this.duration / 4);
    const from = Math.min(this.engine.seconds, this.duration - length); // the last of the song, when it is at its end
    this.setLoop({ from, to: from + length });
  }

  markLoop(edge) {
    if (!this.engine) return;
    const loop = { from: 0, to: this.duration, ...this.loop, [edge]: this.engine.seconds };
    if (loop.to - loop.from > 0.1) this.setLoop(loop);
  }

  /** Repeat a part of the song; `free` of the bars for once. */
  setLoop(wanted, { free = false } = {}) {
    const loop = free ? wanted : this.practice.snapped(wanted);
    this.loop = loop;
    this.do("loop").setAttribute("aria-pressed", Boolean(loop));
    for (const region of this.root.querySelectorAll(".loop-region")) region.hidden = !loop;
    this.engine?.setLoop(loop);
    this.showView();
    this.showLink();
  }

  /** Come closer or go away, around the position if it can be seen. */
  zoom(factor) {
    const at = this.engine?.seconds ?? 0, { view } = this, middle = view.start + view.length / 2;
    view.zoom(factor, at >= view.start && at <= view.start + view.length ? at : middle);
  }

  /** The part of the song that is shown has changed, or what lies where in it. */
  showView() {
    const { view, loop } = this;
    if (loop) {
      this.root.style.setProperty("--loop-start", view.fraction(loop.from));
      this.root.style.setProperty("--loop-end", view.fraction(loop.to));
    }
    this.do("farther").disabled = view.isWhole;
    this.do("closer").disabled = view.isClosest;
    this.placeHead();
    this.drawing ??= requestAnimationFrame(() => {
      this.drawing = null;
      this.draw();
    });
  }

  placeHead() {
    const seconds = Math.min(this.engine?.seconds ?? 0, this.duration);
    const fraction = Math.max(-0.01, Math.min(1.01, this.view.fraction(seconds))); // just outside, where it is elsewhere
    this.root.style.setProperty("--position", fraction);
  }

  toggleSpectrum() {
    if (!this.manifest.complete) return note("The spectrogram appears once separation has finished.", { kind: "info" });
    this.spectral = !this.spectral;
    this.do("spectrum").setAttribute("aria-pressed", this.spectral);
    this.root.classList.toggle("spectral", this.spectral);
    return this.draw();
  }

  showPosition() {
    const { playing, waiting } = this.engine.state;
    const seconds = Math.min(this.engine.seconds, this.duration);
    if (playing) this.view.follow(seconds);
    this.placeHead();
    this.show("at").textContent = clock(seconds);
    this.seekBar.value = seconds;
    this.seekBar.setAttribute("aria-valuetext", clock(seconds));
    const play = this.do("play");
    play.setAttribute("aria-pressed", playing);
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    play.classList.toggle("waiting", waiting);
  }

  draw() {
    const { beats } = this.practice;
    drawRuler(this.show("ruler").querySelector("canvas"), this.view, beats);
    const known = Math.min(this.manifest.frames / this.manifest.sampleRate, this.duration);
    const most = Math.max(64, ...this.strips.map((strip) => strip.loudest)); // one scale for all stems
    return Promise.all(this.strips.map((strip) => strip.draw(known, most, this.view, beats, this.spectral)));
  }

  showError(error) {
    this.show("error").textContent = error?.message ?? "";
    this.show("error").hidden = !error;
  }

  showQuality() {
    this.do("quality").value = this.engine.smaller ? "smaller" : "lossless";
    this.do("quality").parentElement.hidden = !this.manifest.compressed; // songs of earlier versions have no choice
  }

  /** The private link opens the song with this mix. */
  showLink() {
    const field = document.querySelector("#link");
    if (!field || !this.engine) return;
    const mix = this.mix();
    field.value = field.value.split("#")[0] + (mix && `#${mix}`);
  }
}

const root = document.querySelector("#mixer");
if (root) root.mixer = new Mixer(root); // at hand for tests and the curious
