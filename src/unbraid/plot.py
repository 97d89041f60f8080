"""A picture of a song's stems: each stem's waveform and, below it, its spectrogram."""

from pathlib import Path

import numpy as np

from unbraid.atomic_files import replacing
from unbraid.audio import SongReader
from unbraid.audio.overview import HIGHEST, LOWEST, RANGE, Overview, shorten
from unbraid.errors import OutputError, UsageError
from unbraid.separator import SeparatedSong

COLUMNS = 1200
DEPTH = 80 * 255 / RANGE  # 80 dB below the brightest is black
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
    overviews = [_overview_of(file) for file in song.stems.values()]
    envelopes = [shorten(overview.peaks, COLUMNS) for overview in overviews]
    spectrograms = [shorten(overview.levels, COLUMNS) for overview in overviews]
    loudest = max(float(envelope.max()) for envelope in envelopes) or 1.0
    brightest = max(float(spectrogram.max()) for spectrogram in spectrograms)
    for number, (stem, envelope, spectrogram) in enumerate(zip(song.stems, envelopes, spectrograms, strict=True)):
        seconds = np.linspace(0, song.seconds, len(envelope))
        wave, picture = all_axes[2 * number : 2 * number + 2]
        wave.fill_between(seconds, -envelope, envelope, color=COLOURS[number % len(COLOURS)], linewidth=0)
        wave.set(ylim=(-loudest, loudest), yticks=[])
        wave.set_title(stem, loc="left", fontsize="medium")
        picture.imshow(
            spectrogram.T,
            extent=(0, song.seconds, np.log2(LOWEST), np.log2(HIGHEST)),
            vmin=brightest - DEPTH,
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


def _overview_of(file: Path) -> Overview:
    with SongReader(file) as stem:
        overview = Overview(stem.sample_rate, steps_per_second=200, steps_per_column=20)
        for block in stem:
            overview.add(block)
    overview.finish()
    return overview
