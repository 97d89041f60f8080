// All stems of a song on one clock, inside the audio thread.
//
// There is one read position for all stems, so they cannot drift apart: a sample of the output is the sum of the same
// sample of every stem. The page feeds segments around the position and takes old ones away; where a segment is
// missing, the clock stands still until it is there. The click follows the same clock. At full speed and in their own
// key stems pass untouched; else they go through stretchers, which ask the clock where in the song the next frame lies.

import { Click } from "./click.js";
import { Stretcher } from "./stretcher.js";

const FADE = 256; // samples over which a loop's end fades into its beginning
const FRAME_SECONDS = 0.093; // of a stretcher: tells the notes of a chord apart
const SHORT_FRAME_SECONDS = 0.046; // for drums: keeps their strokes short

class Mixer extends AudioWorkletProcessor {
  constructor(options) {
    super();
    const { stems, unpitched, segmentFrames, frames, complete } = options.processorOptions;
    this.stems = stems;
    this.segmentFrames = segmentFrames;
    this.segments = new Map(); // number -> [left, right] for each stem that is not silent
    this.frames = frames;
    this.complete = complete;
    this.position = 0;
    this.seeks = 0; // how many have come
    this.playing = false;
    this.waiting = false;
    this.level = 0; // of the stems: 0 while nothing plays, 1 while it does; blocks fade from one to the other
    this.changes = []; // what is done once the level is 0
    this.loop = null;
    this.rate = 1;
    this.pitch = 1;
    this.loopTail = null; // what still sounds from before a loop's jump
    this.targets = new Float32Array(2 * stems).fill(1);
    this.gains = new Float32Array(2 * stems).fill(1);
    this.ended = false;
    this.blocks = 0;
    this.click = new Click(sampleRate);
    this.countIn = null;
    this.lanes = [false, true].map((isUnpitched) => this.lane(unpitched, isUnpitched));
    this.port.onmessage = ({ data }) => this.receive(data);
  }

  /** Stems that are stretched together: those with a pitch, or drums, which transposed would sound like other drums. */
  lane(unpitched, isUnpitched) {
    const size = 2 ** Math.round(Math.log2((isUnpitched ? SHORT_FRAME_SECONDS : FRAME_SECONDS) * sampleRate));
    const gains = new Float32Array(2 * this.stems);
    const members = [...unpitched.keys()].filter((stem) => unpitched[stem] === isUnpitched);
    const read = (left, right, start, length) => this.add(left, right, 0, start, length, gains, gains, null);
    return { gains, members, isUnpitched, stretcher: new Stretcher(size, read) };
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
      case "beats":
        this.click.beats = message.beats;
        break;
      case "click":
        this.click.on = message.on;
        this.click.volume = message.volume;
        break;
      case "play":
        this.playing = true;
        this.ended = false;
        this.countIn = message.countIn && { beats: message.countIn.beats, left: message.countIn.length };
        break;
      case "pause":
        this.playing = false;
        this.countIn = null;
        break;
      case "seek":
        this.countIn = null;
        this.change(() => {
          this.position = message.position;
          this.seeks = message.number;
          this.loopTail = null;
          this.ended = false;
        });
        break;
      case "loop":
        this.loop = message.loop;
        this.keepLoopInside();
        break;
      case "tune":
        this.change(() => {
          this.rate = message.rate;
          this.pitch = message.pitch;
          for (const { stretcher, isUnpitched } of this.lanes) stretcher.setPitch(isUnpitched ? 1 : this.pitch);
        });
        break;
      case "length":
        this.frames = message.frames;
        this.complete = message.complete;
        this.keepLoopInside();
        break;
    }
    this.report();
  }

  /** Do something at which the sound would break off: after a block in which it fades out. */
  change(action) {
    this.changes.push(action);
    if (!this.level) this.makeChanges();
  }

  makeChanges() {
    for (const action of this.changes.splice(0)) action();
    for (const { stretcher } of this.lanes) stretcher.reset();
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
    const [left, right] = output, { length } = left;
    if (!this.playing && !this.level && !this.click.sounding.length) return true;
    const level = this.playing && !this.changes.length ? 1 : 0;
    const start = this.countIn ? this.countInBlock(length) : 0;
    if (start < length && (level || this.level)) this.song(left.subarray(start), right.subarray(start), start, level);
    this.click.render(left, right); // is not cut off
    if (!this.level && this.changes.length) this.makeChanges();
    if ((this.blocks = (this.blocks + 1) % 12) === 0 || this.ended) this.report();
    return true;
  }

  /** Begin the clicks of the bar before the song; return where in the block the song begins. */
  countInBlock(length) {
    const { beats, left } = this.countIn;
    const spent = Math.min(length, Math.ceil(left / this.rate));
    this.click.begin(beats, this.position - left, spent, this.rate, 0);
    this.countIn.left -= spent * this.rate;
    if (this.countIn.left <= 0) this.countIn = null;
    return spent;
  }

  /** Play the song in what is left of a block, fading to the level. */
  song(left, right, at, level) {
    const { length } = left;
    const parts = this.partsOf(length);
    this.waiting = !parts.every(({ from, count }) => this.isReady(from, count));
    if (this.waiting) {
      this.level = 0;
      for (const { stretcher } of this.lanes) stretcher.reset();
      return;
    }
    const isPlain = this.rate === 1 && this.pitch === 1;
    for (const { start, count, from } of parts) {
      const part = [left.subarray(start, start + count), right.subarray(start, start + count)];
      if (isPlain) this.addPlain(...part, from, start / length, (start + count) / length);
      else this.addStretched(...part, from);
      if (this.click.on) this.click.begin(this.click.beats, from, count, this.rate, at + start);
    }
    this.gains.set(this.targets);
    const last = parts.at(-1);
    this.position = last.from + last.count * this.rate;
    for (let n = 0; n < length; n += 1) {
      const fade = this.level + ((level - this.level) * (n + 1)) / length;
      left[n] *= fade;
      right[n] *= fade;
    }
    this.level = level;
    if (this.complete && this.position >= this.frames) this.end();
  }

  /** What lies where in a block: one part, or two if a loop ends in it. Behind the loop, the song plays on. */
  partsOf(length) {
    const { position, loop, rate } = this;
    const first = loop && position < loop.to ? Math.ceil((loop.to - position) / rate) : Infinity;
    if (first > length) return [{ start: 0, count: length, from: position }];
    const from = loop.from + (position + first * rate - loop.to);
    return [{ start: 0, count: first, from: position }, { start: first, count: length - first, from }];
  }

  /** Whether what is needed to play from there on is at hand. */
  isReady(from, count) {
    if (this.rate === 1 && this.pitch === 1) return this.has(from, from + count);
    const reach = Math.max(...this.lanes.map(({ stretcher }) => stretcher.reach(this.rate)));
    const to = Math.ceil(from + count * this.rate + reach), { loop } = this;
    const crosses = loop && from < loop.to && to > loop.to;
    return this.has(Math.floor(from), to) && (!crosses || this.has(loop.from, loop.from + reach));
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

  /** Add a part of a block sample for sample; gains move over the whole block, also where a loop cuts it in two. */
  addPlain(left, right, position, begin, end) {
    const { length } = left;
    const at = (fraction) => this.gains.map((gain, n) => gain + (this.targets[n] - gain) * fraction);
    if (begin > 0) this.loopTail = this.has(this.loop.to, this.loop.to + FADE) ? { from: this.loop.to, done: 0 } : null;
    this.addLoopTail(left, right, length);
    this.add(left, right, 0, position, length, at(begin), at(end), this.loopFadeIn());
    if (this.loopTail && (this.loopTail.done += length) >= FADE) this.loopTail = null;
  }

  addStretched(left, right, position) {
    const place = (at) =>
      this.loop && position < this.loop.to && at >= this.loop.to
        ? this.loop.from + ((at - this.loop.to) % (this.loop.to - this.loop.from))
        : at;
    for (const { gains, members, stretcher } of this.lanes) {
      for (const stem of members) gains.set(this.targets.subarray(2 * stem, 2 * stem + 2), 2 * stem);
      if (members.some((stem) => this.isAudible(stem))) stretcher.render(left, right, position, this.rate, place);
      else stretcher.reset();
    }
  }

  loopFadeIn() {
    if (!this.loopTail) return null;
    const done = this.loopTail.done;
    return (n) => Math.min(1, (done + n) / FADE);
  }

  addLoopTail(left, right, length) {
    if (!this.loopTail) return;
    const { from, done } = this.loopTail;
    const rest = Math.min(length, FADE - done);
    if (rest > 0) this.add(left, right, 0, from + done, rest, this.targets, this.targets, (n) => 1 - (done + n) / FADE);
  }

  end() {
    this.playing = false;
    this.ended = true;
    this.position = this.frames;
    this.level = 0;
  }
}

registerProcessor("unbraid-mixer", Mixer);
