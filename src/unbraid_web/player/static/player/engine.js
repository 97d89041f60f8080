// Plays a separation: one audio worklet fed with the segments around the position, so memory stays small.

import { isFinal } from "../unbraid/live.js";

const AHEAD_SECONDS = 20; // what is fetched before it is needed
const BEHIND_SEGMENTS = 1; // what is kept after it was heard, for a short step back

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
    this.loaded = new Map(); // segment number -> promise
    this.gains = manifest.stems.map(() => [1, 1]);
    this.rate = 1;
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
      processorOptions: { stems: stems.length, segmentFrames, frames, complete },
    });
    this.node.port.onmessage = ({ data }) => this.#onState(data);
    this.node.connect(this.context.destination);
    this.#postGains();
    this.#post("rate", { rate: this.rate });
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
    this.#post("play");
    await this.fill();
  }

  pause() {
    this.#post("pause");
  }

  seek(seconds) {
    const most = this.manifest.complete ? this.manifest.frames : Math.max(this.manifest.frames, 1);
    const position = Math.max(0, Math.min(Math.round(seconds * this.manifest.sampleRate), most));
    this.state = { ...this.state, position, ended: false };
    this.seeks += 1;
    this.#post("seek", { position, number: this.seeks });
    this.fill();
    this.dispatchEvent(new CustomEvent("change", { detail: this.state }));
  }

  setGains(gains) {
    this.gains = gains;
    this.#postGains();
  }

  /** Segments are stored softer than the song by the headroom, so that no stem clips. */
  #postGains() {
    this.#post("gains", { values: this.gains.flat().map((gain) => gain * this.manifest.headroom) });
  }

  setRate(rate) {
    this.rate = rate;
    this.#post("rate", { rate });
  }

  /** Repeat from..to, in seconds; null plays on. */
  setLoop(loop) {
    const frame = (seconds) => Math.round(seconds * this.manifest.sampleRate);
    this.loop = loop && { from: frame(loop.from), to: Math.max(frame(loop.to), frame(loop.from) + 4096) };
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
      while ((next = this.neededSegments().find((number) => !this.loaded.has(number))) !== undefined) {
        const asked = {};
        this.loaded.set(next, asked);
        const samples = await this.fetchSegment(next);
        this.#reportSuccess();
        if (this.loaded.get(next) !== asked) continue; // seeked away, or separated anew, meanwhile
        const transfer = [...new Set(samples.flat().map((channel) => channel.buffer))];
        this.#post("segment", { number: next, samples }, transfer);
      }
    } catch (error) {
      this.loaded.delete(next);
      this.#reportError(error);
    } finally {
      this.filling = false;
    }
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

  /** Fetch and decode one segment of every stem: [[left, right], ...]. */
  fetchSegment(number) {
    return Promise.all(
      this.manifest.stems.map(async (stem) => {
        const answer = await fetch(stem.segments.replace("#", number));
        if (!answer.ok) throw Object.assign(new Error("A segment is missing."), { status: answer.status });
        const buffer = await this.context.decodeAudioData(await answer.arrayBuffer());
        const left = buffer.getChannelData(0).slice();
        return [left, buffer.numberOfChannels > 1 ? buffer.getChannelData(1).slice() : left];
      }),
    );
  }
}
