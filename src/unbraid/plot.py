"""A page-wide picture of a song's stems: for each its waveform and, below it, its spectrogram."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unbraid.atomic_files import replacing
from unbraid.audio import SongReader
from unbraid.errors import OutputError, UsageError
from unbraid.separator import SeparatedSong

COLUMNS = 1200
BANDS = 96
FRAME = 4096
LOWEST, HIGHEST = 40.0, 16_000.0  # Hz
COLOURS = ("#d1495b", "#30638e", "#edae49", "#66a182", "#6c5b7b")


def plot_stems(song: SeparatedSong, path: Path) -> None:
    """Draw the stems of `song` into the picture at `path`, reading their files block by block.

    Raises UsageError if Matplotlib is not installed and OutputError if the picture cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import FuncFormatter
    except ModuleNotFoundError as error:
        raise UsageError("Pictures need Matplotlib: pip install 'unbraid[plot]'.") from error
    figure = Figure(figsize=(12, 1.9 * len(song.stems)), layout="constrained")
    FigureCanvasAgg(figure)
    all_axes = figure.subplots(2 * len(song.stems), 1, sharex=True, height_ratios=(1, 2) * len(song.stems))
    seconds = np.linspace(0, song.seconds, COLUMNS)
    looks = [_look(file, song) for file in song.stems.values()]
    loudest = max(envelope.max() for envelope, _ in looks) or 1.0
    brightest = max(float(spectrogram.max()) for _, spectrogram in looks)
    for number, (stem, (envelope, spectrogram)) in enumerate(zip(song.stems, looks, strict=True)):
        wave, picture = all_axes[2 * number : 2 * number + 2]
        wave.fill_between(seconds, -envelope, envelope, color=COLOURS[number % len(COLOURS)], linewidth=0)
        wave.set(ylim=(-loudest, loudest), yticks=[])
        wave.set_title(stem, loc="left", fontsize="medium")
        picture.imshow(
            spectrogram,
            extent=(0, song.seconds, np.log2(LOWEST), np.log2(HIGHEST)),
            vmin=brightest - 80,
            vmax=brightest,
            aspect="auto",
            origin="lower",
            cmap="magma",
        )
        picture.set_yticks(np.log2([100, 1_000, 10_000]), ["100 Hz", "1 kHz", "10 kHz"])
    all_axes[-1].xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{int(at) // 60}:{int(at) % 60:02}"))
    all_axes[-1].set_xlim(0, song.seconds)
    try:
        with replacing(path) as part:
            figure.savefig(part, dpi=120, format="png")
    except OSError as error:
        raise OutputError(f"The picture {path} cannot be written: {error.strerror or error}.") from error


def _look(file: Path, song: SeparatedSong) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a stem's peaks `(columns,)` and its levels in dB `(bands, columns)`."""
    envelope, power = np.zeros(COLUMNS), np.zeros((BANDS, COLUMNS))
    at = 0
    with SongReader(file) as stem:
        samples = max(song.seconds * stem.sample_rate, 1.0)
        bands = _bands(stem.sample_rate)
        for block in stem:
            mono = block.mean(axis=0)
            columns = np.minimum((at + np.arange(len(mono))) * COLUMNS / samples, COLUMNS - 1).astype(int)
            np.maximum.at(envelope, columns, np.abs(mono))
            for start in range(0, len(mono), FRAME):
                frame = mono[start : start + FRAME]
                spectrum = np.abs(np.fft.rfft(frame * np.hanning(len(frame)), FRAME)) ** 2
                first, last = columns[start], columns[min(start + FRAME, len(mono)) - 1]
                seen = (bands @ spectrum)[:, np.newaxis]
                power[:, first : last + 1] = np.maximum(power[:, first : last + 1], seen)
            at += len(mono)
    return envelope, 10 * np.log10(power + 1e-9)


def _bands(rate: int) -> NDArray[np.float64]:
    """Return a matrix `(bands, bins)` that gathers a spectrum into bands of equal width on a logarithmic axis."""
    edges = np.geomspace(LOWEST, HIGHEST, BANDS + 1)
    centres = np.sqrt(edges[1:] * edges[:-1])
    bins = np.fft.rfftfreq(FRAME, 1 / rate)
    inside = ((bins >= edges[:-1, np.newaxis]) & (bins < edges[1:, np.newaxis])).astype(float)
    for band in np.flatnonzero(inside.sum(axis=1) == 0):  # narrower than a bin: the nearest one
        inside[band, np.argmin(np.abs(bins - centres[band]))] = 1.0
    return inside
