// Another speed at the same pitch, another pitch at the same speed: a phase vocoder, as unbraid/audio/stretching.py.
//
// Overlapping frames of the song are laid down closer together or wider apart. So that a partial goes on from frame to
// frame without a jump, the bins around each peak of the spectrum are turned by as much as the partial is ahead
// (Laroche & Dolson 1999); where a note is struck nothing is turned. For another pitch, frames are read faster or slower.

import { Fourier } from "./fourier.js";

const HOPS = 4; // in a frame
const OVERLAP = 1.5; // what the squares of so many Hann windows add up to
const TAPS = 24; // of the interpolation between samples
const PHASES = 512; // places between two samples

export class Stretcher {
  /**
   * @param size samples of a frame, a power of two
   * @param read (left, right, start, length): adds samples of the song to the two arrays
   */
  constructor(size, read) {
    this.size = size;
    this.hop = size / HOPS;
    this.read = read;
    this.fourier = new Fourier(size);
    this.window = Float64Array.from({ length: size }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / size));
    const spectrum = () => [new Float64Array(size), new Float64Array(size)]; // of left + i · right, in one transform
    [this.now, this.before, this.turned] = [spectrum(), spectrum(), spectrum()];
    this.output = spectrum();
    this.around = [new Float32Array(size + this.hop), new Float32Array(size + this.hop)];
    this.power = new Float64Array(size / 2 + 1);
    this.earlier = new Float64Array(size / 2 + 1);
    this.setPitch(1);
  }

  /** Read the song this much faster, and start anew. */
  setPitch(pitch) {
    this.pitch = pitch;
    const length = Math.ceil((this.size + this.hop) * pitch) + TAPS + 2;
    this.raw = [new Float32Array(length), new Float32Array(length)];
    this.taps = interpolation(Math.min(1, 1 / pitch));
    this.reset();
  }

  reset() {
    this.started = false;
    this.used = this.hop;
  }

  /** How many samples of the song behind a position are needed there. */
  reach(rate) {
    return Math.ceil((this.size / 2) * this.pitch + 2 * this.hop * rate) + TAPS;
  }

  /** Add what sounds from a position on; `place` says what is heard there in the song, which may be in a loop. */
  render(left, right, position, rate, place) {
    for (let n = 0; n < left.length; n += 1) {
      if (this.used === this.hop) this.#nextHop(position + n * rate, rate, place);
      left[n] += this.output[0][this.used];
      right[n] += this.output[1][this.used];
      this.used += 1;
    }
  }

  /** Lay down the frame with which the next hop is complete: the one whose centre is two hops ahead. */
  #nextHop(position, rate, place) {
    if (this.started) {
      for (const channel of this.output) {
        channel.copyWithin(0, this.hop);
        channel.fill(0, this.size - this.hop);
      }
      this.#lay(place(position + (2 * this.hop * rate)), 0);
    } else {
      for (const channel of this.output) channel.fill(0);
      for (let hop = -1; hop <= 2; hop += 1) this.#lay(place(position + hop * this.hop * rate), 2 - hop);
    }
    this.used = 0;
  }

  /** Add the frame around `centre` to the output, so many hops before its end. */
  #lay(centre, early) {
    const { size, hop, window, fourier, now, before, turned } = this;
    this.#readAround(centre);
    for (let n = 0; n < size; n += 1) {
      for (const channel of [0, 1]) {
        before[channel][n] = window[n] * this.around[channel][n];
        now[channel][n] = window[n] * this.around[channel][n + hop];
      }
    }
    fourier.transform(...before);
    fourier.transform(...now);
    this.#turn();
    const [real, imaginary] = now;
    turned[0].set(real);
    turned[1].set(imaginary);
    fourier.transform(imaginary, real);
    const skip = early * hop, scale = 1 / (OVERLAP * size);
    for (let n = skip; n < size; n += 1) {
      this.output[0][n - skip] += scale * window[n] * real[n];
      this.output[1][n - skip] += scale * window[n] * imaginary[n];
    }
    this.started = true;
  }

  /** Fill `around` with the frame around `centre` and the hop before it, as they sound at this pitch. */
  #readAround(centre) {
    const { pitch, around, raw, taps } = this, length = this.size + this.hop;
    const start = centre - (this.size / 2 + this.hop) * pitch;
    if (pitch === 1) {
      for (const channel of around) channel.fill(0);
      this.read(around[0], around[1], Math.round(start), length);
      return;
    }
    const first = Math.floor(start) - TAPS / 2 + 1;
    for (const channel of raw) channel.fill(0);
    this.read(raw[0], raw[1], first, raw[0].length);
    for (let n = 0; n < length; n += 1) {
      const at = start + n * pitch, whole = Math.floor(at);
      const row = Math.round((at - whole) * PHASES) * TAPS, offset = whole - TAPS / 2 + 1 - first;
      let left = 0, right = 0;
      for (let tap = 0; tap < TAPS; tap += 1) {
        left += taps[row + tap] * raw[0][offset + tap];
        right += taps[row + tap] * raw[1][offset + tap];
      }
      around[0][n] = left;
      around[1][n] = right;
    }
  }

  /** Turn the bins of `now` so that it follows on `turned` as it follows on `before` in the song. */
  #turn() {
    const { size, power, earlier, now, before } = this, half = size / 2;
    let total = 0, risen = 0;
    for (let bin = 0; bin <= half; bin += 1) {
      power[bin] = powerOf(now, bin, size);
      earlier[bin] = powerOf(before, bin, size);
      total += power[bin];
      if (power[bin] > 4 * earlier[bin]) risen += power[bin];
    }
    if (!this.started || risen > 0.5 * total) return; // struck: it stays as it is
    let from = 0, peak = -1;
    for (let bin = 2; bin < half - 1; bin += 1) {
      const here = power[bin];
      const isPeak = here > power[bin - 1] && here > power[bin - 2] && here >= power[bin + 1] && here >= power[bin + 2];
      if (!isPeak) continue;
      const border = peak < 0 ? 0 : ((peak + bin) >> 1) + 1;
      if (peak >= 0) this.#turnBins(from, border, peak);
      [from, peak] = [border, bin];
    }
    if (peak >= 0) this.#turnBins(from, half + 1, peak);
  }

  /** Turn the bins from..to by as much as the output's last frame is ahead of the song at the peak. */
  #turnBins(from, to, peak) {
    const { size, now: [real, imaginary], before, turned } = this;
    const other = size - peak; // where the right channel's part of the spectrum is mirrored
    let c = turned[0][peak] * before[0][peak] + turned[1][peak] * before[1][peak] +
      turned[0][other] * before[0][other] + turned[1][other] * before[1][other];
    let s = turned[1][peak] * before[0][peak] - turned[0][peak] * before[1][peak] -
      turned[1][other] * before[0][other] + turned[0][other] * before[1][other];
    const length = Math.hypot(c, s);
    if (length < 1e-12) return;
    c /= length;
    s /= length;
    for (let bin = from; bin < to; bin += 1) {
      turnBin(real, imaginary, bin, c, s);
      if (bin > 0 && bin < size / 2) turnBin(real, imaginary, size - bin, c, -s);
    }
  }
}

/** The power of both channels in a bin, of a spectrum of left + i · right. */
function powerOf([real, imaginary], bin, size) {
  const mirrored = (size - bin) % size;
  return real[bin] ** 2 + imaginary[bin] ** 2 + real[mirrored] ** 2 + imaginary[mirrored] ** 2;
}

function turnBin(real, imaginary, bin, c, s) {
  const re = real[bin];
  real[bin] = re * c - imaginary[bin] * s;
  imaginary[bin] = imaginary[bin] * c + re * s;
}

/** Rows of a windowed sinc for each place between two samples; `cutoff` is 1 at the highest frequency there is. */
function interpolation(cutoff) {
  const taps = new Float64Array((PHASES + 1) * TAPS);
  for (let phase = 0; phase <= PHASES; phase += 1) {
    let sum = 0;
    const row = taps.subarray(phase * TAPS, (phase + 1) * TAPS);
    for (let tap = 0; tap < TAPS; tap += 1) {
      const x = tap - TAPS / 2 + 1 - phase / PHASES, angle = Math.PI * x * cutoff;
      row[tap] = (x === 0 ? 1 : Math.sin(angle) / angle) * (0.5 + 0.5 * Math.cos((2 * Math.PI * x) / TAPS));
      sum += row[tap];
    }
    for (let tap = 0; tap < TAPS; tap += 1) row[tap] /= sum;
  }
  return taps;
}
