// The fast Fourier transform (Cooley & Tukey 1965) of complex numbers, for lengths that are powers of two.

export class Fourier {
  constructor(size) {
    this.size = size;
    this.cosines = Float64Array.from({ length: size / 2 }, (_, n) => Math.cos((2 * Math.PI * n) / size));
    this.sines = Float64Array.from({ length: size / 2 }, (_, n) => Math.sin((2 * Math.PI * n) / size));
    this.reversed = new Uint32Array(size);
    for (let n = 1; n < size; n += 1) this.reversed[n] = (this.reversed[n >> 1] >> 1) | (n & 1 ? size >> 1 : 0);
  }

  /** Transform in place; with real and imaginary part exchanged, and divided by the size, it is the inverse. */
  transform(real, imaginary) {
    const { size, cosines, sines, reversed } = this;
    for (let n = 0; n < size; n += 1) {
      const other = reversed[n];
      if (other <= n) continue;
      [real[n], real[other]] = [real[other], real[n]];
      [imaginary[n], imaginary[other]] = [imaginary[other], imaginary[n]];
    }
    for (let half = 1; half < size; half *= 2) {
      const stride = size / (2 * half);
      for (let start = 0; start < size; start += 2 * half) {
        for (let n = 0; n < half; n += 1) {
          const c = cosines[n * stride], s = sines[n * stride], low = start + n, high = low + half;
          const re = real[high] * c + imaginary[high] * s, im = imaginary[high] * c - real[high] * s;
          real[high] = real[low] - re;
          imaginary[high] = imaginary[low] - im;
          real[low] += re;
          imaginary[low] += im;
        }
      }
    }
  }
}
