// All stems of a song on one clock, inside the audio thread.
//
// There is one read position for all stems, so they cannot drift apart: a sample of the output is the sum of the same
// sample of every stem. The page feeds segments around the position and takes old ones away; where a segment is
// missing, the clock stands still until it is there. At full speed stems pass untouched; at other speeds the mix is
// cut into overlapping frames that are laid closer or wider apart (WSOLA, Verhelst & Roelands 1993), so pitch stays.

const FADE = 256; // samples over which a loop's end fades into its beginning
const FRAME = 2048;
const HOP = FRAME / 2;
const SEARCH = 512;

class Mixer extends AudioWorkletProcessor {
  constructor(options) {
    super();
    const { stems, segmentFrames, frames, complete } = options.processorOptions;
    this.stems = stems;
    this.segmentFrames = segmentFrames;
    this.segments = new Map(); // number -> [left, right] for each stem that is not silent
    this.frames = frames;
    this.complete = complete;
    this.position = 0;
    this.seeks = 0; // how many have come
    this.playing = false;
    this.waiting = false;
    this.loop = null;
    this.rate = 1;
    this.loopTail = null; // what still sounds from before a loop's jump
    this.targets = new Float32Array(2 * stems).fill(1);
    this.gains = new Float32Array(2 * stems); // start silent: the first block fades in
    this.ended = false;
    this.blocks = 0;
    this.left = new Float32Array(FRAME + 2 * SEARCH);
    this.right = new Float32Array(FRAME + 2 * SEARCH);
    this.hann = Float32Array.from({ length: FRAME }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / FRAME));
    this.resetStretch();
    this.port.onmessage = ({ data }) => this.receive(data);
  }

  receive(message) {
    switch (message.type) {
      case "segment":
        this.keep(message);
        break;
      case "drop":
        this.segments.delete(message.number);
        break;
      case "gains":
        this.targets.set(message.values);
        break;
      case "play":
        this.playing = true;
        this.ended = false;
        break;
      case "pause":
        this.playing = false;
        break;
      case "seek":
        this.position = message.position;
        this.seeks = message.number;
        this.loopTail = null;
        this.ended = false;
        this.gains.fill(0);
        this.resetStretch();
        break;
      case "loop":
        this.loop = message.loop;
        this.keepLoopInside();
        break;
      case "rate":
        this.rate = message.rate;
        this.resetStretch();
        break;
      case "length":
        this.frames = message.frames;
        this.complete = message.complete;
        this.keepLoopInside();
        break;
    }
    this.report();
  }

  /** Stems that were silent may come later than the others. */
  keep({ number, stems, samples }) {
    const segment = this.segments.get(number) ?? [];
    stems.forEach((stem, n) => (segment[stem] = samples[n]));
    this.segments.set(number, segment);
  }

  /** A loop's end is rounded: it must not lie beyond the last sample, where the song is over. */
  keepLoopInside() {
    if (this.loop && this.complete) this.loop.to = Math.min(this.loop.to, this.frames);
  }

  report() {
    this.port.postMessage({
      position: this.position,
      seeks: this.seeks,
      playing: this.playing,
      waiting: this.playing && this.waiting,
      ended: this.ended,
    });
  }

  process(_, [output]) {
    const left = output[0], right = output[1] ?? output[0];
    const fading = !this.playing && this.gains.some((gain) => gain > 0);
    if (!this.playing && !fading) return true;
    const targets = this.playing ? this.targets : new Float32Array(this.targets.length);
    const before = this.position;
    const filled = this.rate === 1
      ? this.renderDirect(left, right, targets)
      : this.renderStretched(left, right, targets);
    this.waiting = !filled;
    if (!filled) this.gains.fill(0);
    if (fading) this.position = before; // the fade-out is not heard twice when play goes on
    if ((this.blocks = (this.blocks + 1) % 12) === 0 || this.ended) this.report();
    return true;
  }

  /** Whether all samples from..to that are to be heard are here; beyond the end of the song there is silence, which is always here. */
  has(from, to) {
    if (to > this.frames && !this.complete) return false;
    const last = Math.min(to, this.frames) - 1;
    for (
      let number = Math.floor(Math.max(0, from) / this.segmentFrames);
      number * this.segmentFrames <= last;
      number += 1
    ) {
      const segment = this.segments.get(number);
      for (let stem = 0; stem < this.stems; stem += 1) {
        if (this.isAudible(stem) && !segment?.[stem]) return false;
      }
    }
    return true;
  }

  isAudible(stem) {
    return this.targets[2 * stem] > 0 || this.targets[2 * stem + 1] > 0;
  }

  /** Add the mix of length samples from start, each stem's gain moving from one value to the other. */
  add(left, right, at, start, length, from, to, shape) {
    let done = 0;
    if (start < 0) done = Math.min(length, -start);
    while (done < length) {
      const frame = start + done;
      if (frame >= this.frames) return;
      const number = Math.floor(frame / this.segmentFrames);
      const offset = frame - number * this.segmentFrames;
      const segment = this.segments.get(number);
      const run = Math.min(length - done, this.segmentFrames - offset, this.frames - frame);
      for (let stem = 0; segment && stem < this.stems; stem += 1) {
        if (!segment[stem]) continue;
        const [a, b] = segment[stem];
        const l0 = from[2 * stem], r0 = from[2 * stem + 1];
        const l1 = (to[2 * stem] - l0) / length, r1 = (to[2 * stem + 1] - r0) / length;
        if (!l0 && !r0 && !l1 && !r1) continue;
        for (let n = 0; n < run; n += 1) {
          const i = done + n, weight = shape ? shape(i) : 1;
          left[at + i] += weight * a[offset + n] * (l0 + l1 * (i + 1));
          right[at + i] += weight * b[offset + n] * (r0 + r1 * (i + 1));
        }
      }
      done += run;
    }
  }

  /** Fill one block sample for sample. */
  renderDirect(left, right, targets) {
    const length = left.length;
    const jumps = this.loop && this.position < this.loop.to && this.position + length >= this.loop.to;
    if (!this.has(this.position, jumps ? this.loop.to : this.position + length)) return false;
    if (jumps && !this.has(this.loop.from, this.loop.from + length)) return false;
    const first = jumps ? this.loop.to - this.position : length;
    // Gains move over the whole block, also where a loop cuts it in two.
    const middle = this.gains.map((gain, n) => gain + ((targets[n] - gain) * first) / length);
    this.addLoopTail(left, right, 0, first, targets);
    this.add(left, right, 0, this.position, first, this.gains, middle, this.loopFadeIn());
    if (jumps) {
      this.loopTail = this.has(this.loop.to, this.loop.to + FADE) ? { from: this.loop.to, done: 0 } : null;
      this.addLoopTail(left, right, first, length - first, targets);
      this.add(left, right, first, this.loop.from, length - first, middle, targets, this.loopFadeIn());
      if (this.loopTail) this.loopTail.done += length - first;
      this.position = this.loop.from + length - first;
    } else {
      this.position += length;
      if (this.loopTail && (this.loopTail.done += length) >= FADE) this.loopTail = null;
    }
    this.gains.set(targets);
    if (this.complete && this.position >= this.frames) this.end();
    return true;
  }

  loopFadeIn() {
    if (!this.loopTail) return null;
    const done = this.loopTail.done;
    return (n) => Math.min(1, (done + n) / FADE);
  }

  addLoopTail(left, right, at, length, targets) {
    if (!this.loopTail) return;
    const { from, done } = this.loopTail;
    const rest = Math.min(length, FADE - done);
    if (rest > 0) this.add(left, right, at, from + done, rest, targets, targets, (n) => 1 - (done + n) / FADE);
  }

  end() {
    this.playing = false;
    this.ended = true;
    this.position = this.frames;
    this.gains.fill(0);
  }

  resetStretch() {
    this.tail = [new Float32Array(HOP), new Float32Array(HOP)]; // second half of the last frame, still to be heard
    this.ready = [new Float32Array(HOP), new Float32Array(HOP)];
    this.used = HOP;
    this.continuation = null; // where the last frame would go on by itself
  }

  /** Fill one block from frames laid at another pace. */
  renderStretched(left, right, targets) {
    const before = this.position;
    for (let n = 0; n < left.length; n += 1) {
      if (this.used === HOP) {
        if (!this.nextFrame(targets)) return false;
        this.used = 0;
      }
      left[n] = this.ready[0][this.used];
      right[n] = this.ready[1][this.used];
      this.used += 1;
    }
    this.gains.set(targets);
    if (this.loop && before < this.loop.to && this.position >= this.loop.to) { // behind the loop, the song plays on
      this.position = this.loop.from + ((this.position - this.loop.to) % Math.max(1, this.loop.to - this.loop.from));
      this.continuation = null;
    }
    if (this.complete && this.position >= this.frames) this.end();
    return true;
  }

  nextFrame(targets) {
    const wanted = Math.round(this.position);
    if (!this.has(wanted - SEARCH, wanted + SEARCH + FRAME)) return false;
    this.left.fill(0);
    this.right.fill(0);
    this.add(this.left, this.right, 0, wanted - SEARCH, FRAME + 2 * SEARCH, targets, targets, null);
    const shift = this.continuation === null ? SEARCH : this.bestShift();
    for (let n = 0; n < HOP; n += 1) {
      this.ready[0][n] = this.tail[0][n] + this.hann[n] * this.left[shift + n];
      this.ready[1][n] = this.tail[1][n] + this.hann[n] * this.right[shift + n];
      this.tail[0][n] = this.hann[HOP + n] * this.left[shift + HOP + n];
      this.tail[1][n] = this.hann[HOP + n] * this.right[shift + HOP + n];
    }
    this.continuation ??= new Float32Array(HOP);
    for (let n = 0; n < HOP; n += 1) this.continuation[n] = this.left[shift + HOP + n] + this.right[shift + HOP + n];
    this.position += HOP * this.rate;
    return true;
  }

  /** The shift at which the new frame is most like what would have followed: coarse first, then fine. */
  bestShift() {
    let best = SEARCH, most = -Infinity;
    const search = (from, to, step, stride) => {
      for (let shift = Math.max(0, from); shift <= Math.min(2 * SEARCH, to); shift += step) {
        let product = 0, energy = 1e-9;
        for (let n = 0; n < HOP; n += stride) {
          const value = this.left[shift + n] + this.right[shift + n];
          product += value * this.continuation[n];
          energy += value * value;
        }
        const similarity = product / Math.sqrt(energy);
        if (similarity > most) [best, most] = [shift, similarity];
      }
    };
    search(0, 2 * SEARCH, 8, 4);
    const coarse = best;
    most = -Infinity;
    search(coarse - 8, coarse + 8, 1, 2);
    return best;
  }
}

registerProcessor("unbraid-mixer", Mixer);
