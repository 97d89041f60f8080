// The part of the song that the waveforms show.

const SHORTEST = 8; // seconds

export class View extends EventTarget {
  constructor(duration) {
    super();
    this.duration = duration;
    this.start = 0;
    this.length = duration;
  }

  /** The song's length is known better now; whoever saw all of it still does. */
  setDuration(duration) {
    if (duration === this.duration) return;
    const whole = this.length >= this.duration;
    this.duration = duration;
    this.show(this.start, whole ? duration : this.length);
  }

  show(start, length) {
    this.length = Math.min(this.duration, Math.max(Math.min(SHORTEST, this.duration), length));
    this.start = Math.max(0, Math.min(start, this.duration - this.length));
    this.dispatchEvent(new Event("change"));
  }

  /** Come closer by the factor, or go away by one below 1; what lies at `seconds` stays where it is. */
  zoom(factor, seconds) {
    const length = Math.min(this.duration, Math.max(Math.min(SHORTEST, this.duration), this.length / factor));
    this.show(seconds - this.fraction(seconds) * length, length);
  }

  whole() {
    this.show(0, this.duration);
  }

  /** Turn the page if the position has left it. */
  follow(seconds) {
    if (seconds < this.start || seconds > this.start + this.length) {
      this.show(seconds - 0.05 * this.length, this.length);
    }
  }

  get isWhole() {
    return this.length >= this.duration;
  }

  get isClosest() {
    return this.length <= SHORTEST;
  }

  /** Where on the page a moment lies: 0 at its left edge, 1 at its right one. */
  fraction(seconds) {
    return (seconds - this.start) / this.length;
  }

  seconds(fraction) {
    return this.start + fraction * this.length;
  }
}
