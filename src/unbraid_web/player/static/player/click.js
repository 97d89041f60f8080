// The click on the song's beats, and that of the count-in.

const SECONDS = 0.05;
const HERTZ = [1000, 1500]; // on a beat, and on the first one of a bar; as in the server's exports

export class Click {
  constructor(sampleRate) {
    this.sounds = HERTZ.map((hertz) =>
      Float32Array.from({ length: Math.round(SECONDS * sampleRate) }, (_, n) => {
        const at = n / sampleRate;
        return 0.5 * Math.sin(2 * Math.PI * hertz * at) * (1 - at / SECONDS) ** 4;
      })
    );
    this.beats = []; // [sample of the song, whether it is the first of a bar], in order
    this.volume = 1;
    this.on = false;
    this.sounding = [];
  }

  /** Begin the clicks of the beats in a block: its sample `at` is `from` in the song, and each of the next is `step` on. */
  begin(beats, from, length, step, at) {
    let low = 0, high = beats.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (beats[middle][0] <= from - step) low = middle + 1;
      else high = middle;
    }
    for (; low < beats.length && beats[low][0] <= from + (length - 1) * step; low += 1) {
      const [beat, accented] = beats[low], offset = Math.max(0, Math.ceil((beat - from) / step));
      this.sounding.push({ sound: this.sounds[Number(accented)], next: -(at + offset), volume: this.volume });
    }
  }

  /** Add what sounds to a block; a click that has begun is heard to its end. */
  render(left, right) {
    for (const voice of this.sounding) {
      for (let n = Math.max(0, -voice.next); n < left.length && voice.next + n < voice.sound.length; n += 1) {
        const value = voice.volume * voice.sound[voice.next + n];
        left[n] += value;
        right[n] += value;
      }
      voice.next += left.length;
    }
    this.sounding = this.sounding.filter(({ next, sound }) => next < sound.length);
  }
}
