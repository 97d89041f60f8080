// Where the beats and bars of a song lie.

const USUAL_BAR = 4; // beats, where no bars are known
const CLOSE = 0.02; // of a beat: as good as on it

export class Beats {
  /**
   * @param analysis what the server found: `beats` and `downbeats`, in seconds and in order
   * @param duration of the song, in seconds
   */
  constructor({ beats, downbeats }, duration = Infinity) {
    this.times = beats;
    const firsts = new Set(downbeats);
    this.list = beats.map((seconds) => ({ seconds, first: firsts.has(seconds) }));
    this.numbers = this.list.flatMap(({ first }, number) => first ? [number] : []); // which beats begin a bar
    const bars = this.numbers.length > 1 ? downbeats : beats;
    this.beat = (beats.at(-1) - beats[0]) / (beats.length - 1); // seconds, on average
    this.bar = (bars.at(-1) - bars[0]) / (bars.length - 1);
    this.lines = [...bars, Math.min(bars.at(-1) + this.bar, duration)];
  }

  /** The beats of an analysis; null if it has none to speak of. */
  static of(analysis, duration) {
    return analysis && analysis.beats.length > 1 ? new Beats(analysis, duration) : null;
  }

  /** The beginning of the bar that is nearest; far from all bars, the moment itself. */
  snap(seconds) {
    const nearest = this.lines.reduce((a, b) => Math.abs(b - seconds) < Math.abs(a - seconds) ? b : a);
    return Math.abs(nearest - seconds) <= this.bar / 2 + CLOSE ? nearest : seconds;
  }

  /** A loop of whole bars, at least one. */
  snapLoop({ from, to }) {
    const snapped = { from: this.snap(from), to: this.snap(to) };
    if (snapped.to - snapped.from < this.bar / 2) {
      snapped.to = this.lines.find((line) => line - snapped.from > this.bar / 2) ?? snapped.from + this.bar;
    }
    return snapped;
  }

  /** The loop of so many bars in which a moment lies. */
  loopAround(seconds, bars) {
    const after = this.lines.findIndex((line) => line > seconds + CLOSE);
    const begin = Math.max(0, (after < 0 ? this.lines.length - 1 : after) - 1);
    return { from: this.lines[begin], to: this.lines[Math.min(begin + bars, this.lines.length - 1)] };
  }

  /** The last bar before a moment, however it lies in the bars: how long it takes, and its beats. */
  countIn(seconds) {
    let at = this.#numberAt(seconds);
    if (Math.abs(at - Math.round(at)) < CLOSE) at = Math.round(at);
    const length = this.#beatsInBar(at), beats = [];
    for (let number = Math.ceil(at - length); number < at; number += 1) {
      const anchor = this.numbers[0] ?? 0; // bars are counted from the first one that is known
      const first = this.list[number]?.first ?? (number - anchor) % length === 0;
      beats.push({ seconds: this.#timeOf(number), first });
    }
    return { seconds: seconds - this.#timeOf(at - length), beats };
  }

  /** How many beats the bar has in which a beat lies. */
  #beatsInBar(number) {
    if (this.numbers.length < 2) return USUAL_BAR;
    const next = this.numbers.findIndex((first, n) => n > 0 && first > number);
    const bar = next < 0 ? this.numbers.length - 1 : next;
    return this.numbers[bar] - this.numbers[bar - 1];
  }

  /** The number of the beat at a moment; between beats it is a fraction. */
  #numberAt(seconds) {
    const { times } = this, after = times.findIndex((time) => time > seconds);
    const before = Math.min(Math.max(0, (after < 0 ? times.length : after) - 1), times.length - 2);
    return before + (seconds - times[before]) / (times[before + 1] - times[before]);
  }

  /** The moment of a beat; before the first and behind the last one they go on as they begin and end. */
  #timeOf(number) {
    const { times } = this, before = Math.min(Math.max(0, Math.floor(number)), times.length - 2);
    return times[before] + (number - before) * (times[before + 1] - times[before]);
  }
}
