// What musicians practise with: speed, transposition, and what follows the song's beats.

import { Beats } from "./beats.js";
import { wireSlider } from "./gestures.js";
import { BEAT_AT_REST } from "./memory.js";
import { transposedKey } from "./musical_key.js";

export class Practice extends EventTarget {
  constructor(root) {
    super();
    const control = (name) => root.querySelector(`[data-do="${name}"]`);
    this.facts = root.querySelector('[data-show="facts"]');
    this.controls = root.querySelector('[data-show="beats"]');
    this.speedMenu = control("speed");
    this.keyMenu = control("transpose");
    this.clickButton = control("click");
    this.volume = control("click-volume");
    this.countInButton = control("count-in");
    this.snapButton = control("snap");
    this.beats = null;
    this.analysis = null;
    for (const menu of [this.speedMenu, this.keyMenu]) menu.addEventListener("change", () => this.changed());
    for (const button of [this.clickButton, this.countInButton, this.snapButton]) {
      button.addEventListener("click", () => this.press(button));
    }
    wireSlider(this.volume, () => this.changed());
    this.volume.addEventListener("dblclick", () => {
      this.volume.value = BEAT_AT_REST.click.volume;
      this.changed();
    });
  }

  press(button, pressed = !isPressed(button)) {
    if (!this.beats) return;
    button.setAttribute("aria-pressed", pressed);
    this.changed();
  }

  get speed() {
    return Number(this.speedMenu.value);
  }

  get semitones() {
    return Number(this.keyMenu.value);
  }

  get click() {
    return { on: isPressed(this.clickButton), volume: Number(this.volume.value) };
  }

  get beat() {
    return { click: this.click, countsIn: isPressed(this.countInButton), snaps: isPressed(this.snapButton) };
  }

  get state() {
    return { speed: this.speed, semitones: this.semitones, beat: this.beat };
  }

  /** Move everything to where it is to stand. */
  set({ speed = 1, semitones = 0, beat = BEAT_AT_REST }) {
    choose(this.speedMenu, speed, 1);
    choose(this.keyMenu, semitones, 0);
    this.clickButton.setAttribute("aria-pressed", beat.click.on);
    this.volume.value = beat.click.volume;
    this.countInButton.setAttribute("aria-pressed", beat.countsIn);
    this.snapButton.setAttribute("aria-pressed", beat.snaps);
    this.changed();
  }

  /** Take over what the server found in the song by now. */
  update(analysis, duration = Infinity) {
    this.analysis = analysis;
    this.beats = Beats.of(analysis, duration);
    this.controls.hidden = !this.beats;
    this.changed();
  }

  changed() {
    this.volume.setAttribute("aria-valuetext", `${Math.round(this.volume.value * 100)}%`);
    this.showFacts();
    this.dispatchEvent(new Event("change"));
  }

  /** Tempo and key as they were found, and as they sound now. */
  showFacts() {
    const { tempo, key } = this.analysis ?? {};
    const facts = [];
    if (tempo) facts.push(moved(`${Math.round(tempo)}`, `${Math.round(tempo * this.speed)}`) + " BPM");
    if (key) facts.push(moved(key, transposedKey(key, this.semitones)));
    this.facts.textContent = facts.join(" · ");
    this.facts.hidden = !facts.length;
  }

  /** Tell the engine. */
  apply(engine) {
    if (engine.rate !== this.speed) engine.setRate(this.speed);
    if (engine.semitones !== this.semitones) engine.transpose(this.semitones);
    if (engine.beats !== this.beats) engine.setBeats(this.beats);
    engine.setClick(this.click);
    engine.countsIn = this.beat.countsIn;
  }

  /** What an export needs to know of it. */
  recipe() {
    const { click: { on, volume }, countsIn } = this.beat;
    return {
      speed: this.speed,
      semitones: this.semitones,
      click: this.beats && on ? volume : 0,
      count_in: this.beats && countsIn ? volume : 0,
    };
  }

  /** A loop as it is to be: of whole bars, unless that is not wanted or there are none. */
  snapped(loop) {
    return loop && this.beats && this.beat.snaps ? this.beats.snapLoop(loop) : loop;
  }
}

const isPressed = (button) => button.getAttribute("aria-pressed") === "true";

const moved = (before, now) => before === now ? before : `${before} → ${now}`;

function choose(menu, value, rest) {
  menu.value = value;
  if (menu.selectedIndex < 0) menu.value = rest;
}
