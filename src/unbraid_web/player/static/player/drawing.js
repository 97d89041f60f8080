// Draws waveforms, spectra and the ruler on canvases, sharp on every screen.

/** Make the canvas as fine as the screen and return its context with CSS pixels as unit. */
function prepare(canvas) {
  const { width, height } = canvas.parentElement.getBoundingClientRect();
  const density = globalThis.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * density));
  canvas.height = Math.max(1, Math.round(height * density));
  const context = canvas.getContext("2d");
  context.scale(density, density);
  return { context, width, height };
}

/** Loudness as bars, the quiet ones lifted so that they can be seen: `peaks` of the first `known` seconds; `most` fills it. */
export function drawWave(canvas, peaks, known, most, view, beats) {
  const { context, width, height } = prepare(canvas);
  drawGrid(context, width, 0, height, view, beats);
  context.fillStyle = getComputedStyle(canvas).color;
  const pitch = 3, perSecond = peaks.length / known;
  for (let x = 0; x < width && view.seconds(x / width) < known; x += pitch) {
    const from = Math.floor(view.seconds(x / width) * perSecond),
      to = Math.max(from + 1, Math.floor(view.seconds((x + pitch) / width) * perSecond));
    let loudest = 0;
    for (let at = from; at < to && at < peaks.length; at += 1) loudest = Math.max(loudest, peaks[at]);
    const tall = Math.max(1, (loudest / most) ** 0.7 * (height - 6));
    context.fillRect(x, (height - tall) / 2, pitch - 1, tall);
  }
}

const CLOSEST_LINES = 7; // pixels; what would lie closer together is left out

/** A line on each beat, and a stronger one at the beginning of each bar, as far as there is room. */
function drawGrid(context, width, top, bottom, view, beats) {
  if (!beats) return;
  const pixels = (seconds) => (seconds / view.length) * width;
  const withBeats = pixels(beats.beat) >= CLOSEST_LINES;
  const every = Math.max(1, 2 ** Math.ceil(Math.log2(CLOSEST_LINES / pixels(beats.bar)))); // bars
  context.save();
  context.fillStyle = getComputedStyle(context.canvas).color;
  let bar = -1;
  for (const { seconds, first } of beats.list) {
    if (first) bar += 1;
    const x = Math.round(view.fraction(seconds) * width);
    if (x < 0 || x > width || (first ? bar % every : !withBeats)) continue;
    context.globalAlpha = first ? 0.5 : 0.22;
    context.fillRect(x, top, 1, bottom - top);
  }
  context.restore();
}

// From black over violet and orange to white, as in matplotlib's inferno, in five steps.
const INFERNO = [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]];
const colours = Uint8ClampedArray.from({ length: 256 * 3 }, (_, n) => {
  const value = (Math.floor(n / 3) / 255) * 4, step = Math.min(3, Math.floor(value));
  return INFERNO[step][n % 3] + (INFERNO[step + 1][n % 3] - INFERNO[step][n % 3]) * (value - step);
});

/** The spectrum as a picture: time to the right, pitch upwards. */
export function drawSpectrum(canvas, picture, view, beats) {
  const { context, width, height } = prepare(canvas);
  const small = new OffscreenCanvas(picture.width, picture.height);
  const inner = small.getContext("2d", { willReadFrequently: true });
  inner.drawImage(picture, 0, 0);
  const image = inner.getImageData(0, 0, small.width, small.height);
  for (let at = 0; at < image.data.length; at += 4) {
    const level = image.data[at] * 3;
    image.data[at] = colours[level];
    image.data[at + 1] = colours[level + 1];
    image.data[at + 2] = colours[level + 2];
  }
  inner.putImageData(image, 0, 0);
  context.imageSmoothingQuality = "high";
  const scale = picture.width / view.duration;
  context.drawImage(small, view.start * scale, 0, view.length * scale, small.height, 0, 0, width, height);
  drawGrid(context, width, 0, height, view, beats);
}

/** Minutes and seconds along the top. */
export function drawRuler(canvas, view, beats) {
  const { context, width, height } = prepare(canvas);
  const style = getComputedStyle(canvas);
  drawGrid(context, width, height - 5, height, view, beats);
  context.fillStyle = context.strokeStyle = style.color;
  const unit = Number.parseFloat(style.fontSize) / 16; // 1 where the page's letters have their usual size
  context.font = `${11 * unit}px ${style.fontFamily}`;
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
  const step = steps.find((seconds) => (seconds / view.length) * width >= 56 * unit) ?? 1200;
  for (let at = Math.ceil(view.start / step) * step; at < view.start + view.length; at += step) {
    const x = Math.round(view.fraction(at) * width) + 0.5;
    context.globalAlpha = 0.5;
    context.beginPath();
    context.moveTo(x, height - 7);
    context.lineTo(x, height);
    context.stroke();
    context.globalAlpha = 1;
    if (x + 34 * unit < width) context.fillText(clock(at), x + 4, height - 8 * unit);
  }
}

export function clock(seconds) {
  const whole = Math.floor(seconds), rest = String(whole % 60).padStart(2, "0"), minutes = Math.floor(whole / 60);
  return minutes >= 60
    ? `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`
    : `${minutes}:${rest}`;
}
