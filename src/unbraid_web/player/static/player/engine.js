// Plays a separation: one audio worklet fed with the segments around the position, so memory stays small.

import { isFinal } from "../unbraid/live.js";
import { fetchSegment } from "./segments.js";

const AHEAD_SECONDS = 20; // what is fetched before it is needed
const BEHIND_SEGMENTS = 1; // what is kept after it was heard, for a short step back

const SHORTEST_LOOP = 0.1; // seconds
const UNPITCHED = ["drums"]; // are not transposed; the server's exports do the same

const isAudible = ([left, right]) => left > 0 || right > 0;

/** How much of each stem goes left and right; the server's exports compute the same. */
export function balance(gain, pan) {
  return [gain * Math.min(1, 1 - pan), gain * Math.min(1, 1 + pan)];
}

export class Engine extends EventTarget {
  /**
   * @param manifest what the server says of the separation
   * @param worklet address of worklet.js
   * @param context an audio context at the song's rate; left out, one that is heard
   */
  constructor(manifest, worklet, context = null) {
    super();
    this.manifest = manifest;
    this.worklet = worklet;
    this.context = context;
    this.state = { position: 0, playing: false, waiting: false, ended: false };
    this.loaded = new Map(); // segment number -> for each stem "asked", "here", or nothing
    this.gains = manifest.stems.map(() => [1, 1]);
    this.joining = new Set(); // stems that are to be heard, and not here yet
    this.smaller = false; // whether compressed segments are fetched
    this.automatic = false; // whether that may change by itself
    this.rate = 1;
    this.semitones = 0;
    this.beats = null; // see beats.js
    this.click = { on: false, volume: 1 };
    this.countsIn = false;
    this.loop = null;
    this.seeks = 0;
    this.failures = 0; // in a row
    this.resting = false; // until the next attempt
  }

  /** Start the audio thread; browsers allow that only after a touch, a click or a key. */
  async start() {
    this.starting ??= this.#start();
    try {
      await this.starting;
    } catch (error) {
      this.starting = null; // the next press tries again
      throw error;
    }
    if (this.context.state === "suspended" && this.context.resume && !(this.context instanceof OfflineAudioContext)) {
      await this.context.resume();
    }
  }

  async #start() {
    if (!globalThis.AudioWorkletNode) {
      throw new Error("This page needs a secure address (https, or localhost) and a current browser to play.");
    }
    const { stems, segmentFrames, frames, complete, sampleRate } = this.manifest;
    this.context ??= new AudioContext({ sampleRate, latencyHint: "playback" });
    await this.context.audioWorklet.addModule(this.worklet).catch(() => {
      throw new Error("The player couldn’t be loaded. Check your connection and try again.");
    });
    this.node = new AudioWorkletNode(this.context, "unbraid-mixer", {
      numberOfInputs: 0,
      outputChannelCount: [2],
      processorOptions: {
        stems: stems.length,
        unpitched: stems.map(({ name }) => UNPITCHED.includes(name)),
        segmentFrames,
        frames,
        complete,
      },
    });
    this.node.port.onmessage = ({ data }) => this.#onState(data);
    this.node.connect(this.context.destination);
    this.#postGains();
    this.#postTune();
    this.#postBeats();
    this.#post("click", this.click);
    this.#post("loop", { loop: this.loop });
    this.#post("seek", { position: this.state.position, number: this.seeks });
  }

  #post(type, more = {}, transfer = []) {
    this.node?.port.postMessage({ type, ...more }, transfer);
  }

  #onState(state) {
    // A report that crossed a seek on its way still has the old position.
    const { position } = state.seeks === this.seeks ? state : this.state;
    this.state = { ...state, position };
    this.fill();
    this.dispatchEvent(new CustomEvent("change", { detail: this.state }));
  }

  get seconds() {
    return this.state.position / this.manifest.sampleRate;
  }

  async play() {
    await this.start();
    if (this.state.ended) this.seek(0);
    this.#post("play", { countIn: this.#countIn() });
    await this.fill();
  }

  /** The bar that is counted before the music, in samples; null without. */
  #countIn() {
    if (!this.countsIn || !this.beats) return null;
    const { seconds, beats } = this.beats.countIn(this.seconds);
    return { length: this.#frame(seconds), beats: this.#inFrames(beats) };
  }

  #frame(seconds) {
    return Math.round(seconds * this.manifest.sampleRate);
  }

  #inFrames(beats) {
    return beats.map(({ seconds, first }) => [this.#frame(seconds), first]);
  }

  pause() {
    this.#post("pause");
  }

  seek(seconds) {
    const most = this.manifest.complete ? this.manifest.frames : Math.max(this.manifest.frames, 1);
    const position = Math.max(0, Math.min(Math.round(seconds * this.manifest.sampleRate), most));
    this.state = { ...this.state, position, ended: false };
    this.seeks += 1;
    this.joining.clear();
    this.#postGains();
    this.#post("seek", { position, number: this.seeks });
    this.fill();
    this.dispatchEvent(new CustomEvent("change", { detail: this.state }));
  }

  /** What is silent is not fetched. A stem that was silent joins when it is here; the others play on meanwhile. */
  setGains(gains) {
    gains.forEach((gain, stem) => {
      if (!isAudible(gain)) this.joining.delete(stem);
      else if (!isAudible(this.gains[stem]) && !this.#isHere(stem) && this.state.playing) this.joining.add(stem);
    });
    this.gains = gains;
    this.#postGains();
    this.fill();
  }

  #isHere(stem) {
    const now = Math.floor(this.state.position / this.manifest.segmentFrames);
    return this.loaded.get(now)?.[stem] === "here";
  }

  /** Segments are stored softer than the song by the headroom, so that no stem clips. */
  #postGains() {
    const gains = this.gains.map((gain, stem) => (this.joining.has(stem) ? [0, 0] : gain));
    this.#post("gains", { values: gains.flat().map((gain) => gain * this.manifest.headroom) });
  }

  /** Fetch compressed segments from now on, or lossless ones, also in the place of compressed ones that are here. */
  setQuality(smaller, automatic = false) {
    this.automatic = automatic;
    if (this.smaller && !smaller) { for (const number of this.loaded.keys()) this.loaded.set(number, []); }
    this.smaller = smaller;
    this.fill();
  }

  setRate(rate) {
    this.rate = rate;
    this.#postTune();
  }

  /** Play this many semitones higher. */
  transpose(semitones) {
    this.semitones = semitones;
    this.#postTune();
  }

  #postTune() {
    this.#post("tune", { rate: this.rate, pitch: 2 ** (this.semitones / 12) });
  }

  setBeats(beats) {
    this.beats = beats;
    this.#postBeats();
  }

  #postBeats() {
    this.#post("beats", { beats: this.#inFrames(this.beats?.list ?? []) });
  }

  setClick(click) {
    this.click = click;
    this.#post("click", click);
  }

  /** Repeat from..to, in seconds; null plays on. */
  setLoop(loop) {
    const from = loop && this.#frame(loop.from);
    this.loop = loop && { from, to: Math.max(this.#frame(loop.to), from + this.#frame(SHORTEST_LOOP)) };
    this.#post("loop", { loop: this.loop });
    this.fill();
  }

  /** Take over a newer manifest: more can be played now. */
  update(manifest) {
    this.manifest = manifest;
    this.#postGains();
    this.#post("length", { frames: manifest.frames, complete: manifest.complete });
    this.fill();
  }

  /** The segments that should be at hand, most urgent first. */
  neededSegments() {
    const { segmentFrames, segments, sampleRate } = this.manifest;
    const number = (frame) => Math.floor(frame / segmentFrames);
    const now = number(this.state.position);
    const ahead = number(AHEAD_SECONDS * sampleRate) + 1;
    const list = [];
    for (let n = now; n <= now + ahead; n += 1) list.push(n);
    if (this.loop) list.push(number(this.loop.from), number(this.loop.from) + 1);
    for (let n = now - 1; n >= now - BEHIND_SEGMENTS; n -= 1) list.push(n);
    return [...new Set(list)].filter((n) => n >= 0 && n < segments);
  }

  /** Forget every segment: the song is being separated anew. What plays waits where it is. */
  forget() {
    for (const number of this.loaded.keys()) this.#post("drop", { number });
    this.loaded.clear();
    this.manifest = { ...this.manifest, frames: 0, segments: 0, complete: false };
    this.#post("length", { frames: 0, complete: false });
  }

  /** Fetch what is missing and forget what is far away. */
  async fill() {
    if (!this.node) return;
    const needed = this.neededSegments();
    for (const number of this.loaded.keys()) {
      if (!needed.includes(number)) {
        this.loaded.delete(number);
        this.#post("drop", { number });
      }
    }
    if (this.filling || this.resting) return;
    this.filling = true;
    let next;
    try {
      while ((next = this.#nextMissing())) {
        const { number, stems } = next, states = this.loaded.get(number) ?? [];
        this.loaded.set(number, states);
        for (const stem of stems) states[stem] = "asked";
        const samples = await this.fetchSegment(number, stems);
        this.#reportSuccess();
        if (!samples || this.loaded.get(number) !== states) continue; // seeked away, or separated anew, meanwhile
        this.#hand(number, stems, samples);
      }
    } catch (error) {
      const states = this.loaded.get(next.number) ?? [];
      for (const stem of next.stems) delete states[stem];
      this.#reportError(error);
    } finally {
      this.filling = false;
    }
  }

  /** The most urgent segment of which stems are missing that are to be heard. */
  #nextMissing() {
    for (const number of this.neededSegments()) {
      const states = this.loaded.get(number) ?? [];
      const stems = [...this.gains.keys()].filter((stem) => isAudible(this.gains[stem]) && !states[stem]);
      if (stems.length) return { number, stems };
    }
    return null;
  }

  /** Give the audio thread the samples of some stems. */
  #hand(number, stems, samples) {
    const buffers = [...new Set(samples.flat().map((channel) => channel.buffer))];
    this.#post("segment", { number, stems, samples }, buffers);
    for (const stem of stems) this.loaded.get(number)[stem] = "here";
    const joined = [...this.joining].filter((stem) => this.#isHere(stem));
    for (const stem of joined) this.joining.delete(stem);
    if (joined.length) this.#postGains();
  }

  #reportSuccess() {
    if (this.failures > 2) this.dispatchEvent(new Event("recovered"));
    this.failures = 0;
  }

  /** Ask again, after a rest that grows; the page hears of it from the third time on. */
  #reportError({ status }) {
    this.failures += 1;
    this.resting = true;
    if (this.manifest.complete && isFinal(status)) {
      this.pause();
      this.dispatchEvent(new Event("gone"));
      return;
    }
    if (this.failures > 2) this.dispatchEvent(new Event("error"));
    setTimeout(() => {
      this.resting = false;
      this.fill();
    }, Math.min(1000 * this.failures, 10000));
  }

  /** Fetch and decode one segment of some stems, [[left, right], ...]; null if it is to be asked for in another form. */
  async fetchSegment(number, stems) {
    const { manifest } = this, { segmentFrames, sampleRate } = manifest;
    const smaller = this.smaller && Boolean(manifest.compressed);
    const mayChange = this.automatic && !smaller && Boolean(manifest.compressed);
    // On a line that takes half as long as the music lasts, compressed segments are the better choice.
    const patience = (500 * segmentFrames) / sampleRate / Math.max(1, this.rate);
    const signal = mayChange ? AbortSignal.timeout(patience) : undefined;
    try {
      const wanted = stems.map((stem) => manifest.stems[stem]);
      return await Promise.all(
        wanted.map((stem) => fetchSegment(this.context, manifest, stem, number, { smaller, signal })),
      );
    } catch (error) {
      // Not every browser decodes Opus: then it is lossless, whatever was chosen.
      const undecodable = smaller && error.name === "EncodingError";
      if (!undecodable && !(mayChange && error.name === "TimeoutError")) throw error;
      this.smaller = !smaller;
      this.automatic &&= !undecodable;
      this.loaded.delete(number);
      this.dispatchEvent(new Event("quality"));
      return null;
    }
  }
}
