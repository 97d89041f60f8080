// One stem's strip: name, mute, solo, volume, pan and its picture.

import { balance } from "./engine.js";
import { drawSpectrum, drawWave } from "./drawing.js";
import { wireSlider } from "./gestures.js";
import { AT_REST } from "./memory.js";

export class Strip extends EventTarget {
  constructor(template, stem, number) {
    super();
    this.stem = stem;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.element.dataset.stem = stem.name;
    this.element.setAttribute("aria-label", stem.name);
    this.find = (selector) => this.element.querySelector(selector);
    this.find(".strip-name").textContent = stem.name;
    this.mute = this.find(".mute");
    this.solo = this.find(".solo");
    this.volume = this.find(".volume");
    this.pan = this.find(".pan");
    this.mute.setAttribute("aria-label", `Mute ${stem.name}`);
    this.solo.setAttribute("aria-label", `Solo ${stem.name}`);
    this.volume.setAttribute("aria-label", `Volume of ${stem.name}`);
    this.pan.setAttribute("aria-label", `Pan of ${stem.name}`);
    this.mute.title = `Mute (${number + 1})`;
    this.solo.title = `Solo (Shift+${number + 1})`;
    this.volume.title = "Volume (double-click to reset)";
    this.pan.title = "Pan (double-click to centre)";
    for (const button of [this.mute, this.solo]) button.addEventListener("click", () => this.toggle(button));
    for (const [slider, rest] of [[this.volume, 1], [this.pan, 0]]) {
      wireSlider(slider, () => this.changed());
      slider.addEventListener("dblclick", () => {
        slider.value = rest;
        this.changed();
      });
    }
    this.update(stem);
    this.changed();
  }

  toggle(button, pressed = button.getAttribute("aria-pressed") !== "true") {
    button.setAttribute("aria-pressed", pressed);
    this.changed();
  }

  changed() {
    this.volume.setAttribute("aria-valuetext", `${Math.round(this.volume.value * 100)}%`);
    const side = Math.round(this.pan.value * 100);
    this.pan.setAttribute("aria-valuetext", side === 0 ? "centre" : side < 0 ? `${-side}% left` : `${side}% right`);
    this.dispatchEvent(new Event("change"));
  }

  /** Move everything to where it is to stand. */
  set({ volume, pan, muted, soloed } = AT_REST) {
    this.volume.value = volume;
    this.pan.value = pan;
    this.mute.setAttribute("aria-pressed", muted);
    this.solo.setAttribute("aria-pressed", soloed);
    this.changed();
  }

  get fader() {
    const { muted, soloed } = this;
    return { volume: Number(this.volume.value), pan: Number(this.pan.value), muted, soloed };
  }

  get muted() {
    return this.mute.getAttribute("aria-pressed") === "true";
  }

  get soloed() {
    return this.solo.getAttribute("aria-pressed") === "true";
  }

  /** How loud and where, given whether some other strip is soloed. */
  setting(someSolo) {
    const heard = someSolo ? this.soloed : !this.muted;
    this.element.classList.toggle("silent", !heard);
    return { gain: heard ? Number(this.volume.value) : 0, pan: Number(this.pan.value) };
  }

  gains(someSolo) {
    const { gain, pan } = this.setting(someSolo);
    return balance(gain, pan);
  }

  /** Take over what the server knows by now. */
  update(stem) {
    this.stem = stem;
    this.peaks = Uint8Array.from(atob(stem.peaks), (letter) => letter.charCodeAt(0));
    const percent = Math.round(stem.presence * 100);
    this.find(".strip-presence").textContent = percent ? `heard in ${percent}%` : "silent";
  }

  get loudest() {
    return this.peaks.reduce((most, peak) => Math.max(most, peak), 1);
  }

  async draw(known, most, view, beats, spectral) {
    const canvas = this.find("canvas");
    if (!spectral) return drawWave(canvas, this.peaks, known, most, view, beats);
    this.picture ??= await fetch(this.stem.spectrogram).then((answer) => answer.blob()).then(createImageBitmap);
    return drawSpectrum(canvas, this.picture, view, beats);
  }
}
