"""How near built songs are to real ones: their average spectra as a picture, what matters to the ear as a table.

    python -m benchmarks.likeness BUILT REAL [--songs 60] [--spectra FILE.png] [--song FILE.png]

BUILT and REAL are folders of song folders, or patterns as in CORPUS/train/song-*. Of each stem the middle 90 seconds
count; in the picture the line is the median of the stems, the band their middle 70 %. `--song` draws the stems of the
first built song that has all five.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unbraid.corpus.audio_files import RATE, SOURCES, Audio, read, seconds_of
from unbraid.evaluation.dataset import StemSong, find_songs

WINDOW = 4096
HERTZ = np.fft.rfftfreq(WINDOW, 1 / RATE)
COLOURS = {"built": "#d95f02", "real": "#1b6ca8"}


def share(low: float, high: float) -> Callable[[Audio], float]:
    """Return a measure of the power between two frequencies relative to all power, in dB."""

    def measure(audio: Audio) -> float:
        power = 10 ** (average_spectrum(audio) / 10)
        return float(10 * np.log10(power[(low <= HERTZ) & (high > HERTZ)].sum() / power.sum() + 1e-12))

    return measure


def width(audio: Audio) -> float:
    """Power of left minus right relative to that of left plus right, in dB."""
    middle, side = audio[0] + audio[-1], audio[0] - audio[-1]
    return float(10 * np.log10((side**2).mean() / ((middle**2).mean() + 1e-12) + 1e-12))


MEASURES: tuple[tuple[str, str, Callable[[Audio], float]], ...] = (
    ("bass", "share below 60 Hz", share(0, 60)),
    ("drums", "share below 60 Hz", share(0, 60)),
    ("drums", "side/middle", width),
    ("other", "share 8 to 12 kHz", share(8000, 12000)),
    ("other", "side/middle", width),
    ("vocals", "share 120 to 250 Hz", share(120, 250)),
    ("vocals", "side/middle", width),
)


def main() -> None:
    """Print the table and draw what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("built", type=Path)
    parser.add_argument("real", type=Path)
    parser.add_argument("--songs", type=int, default=60, help="how many of each count (60)")
    parser.add_argument("--spectra", type=Path, metavar="FILE.png")
    parser.add_argument("--song", type=Path, metavar="FILE.png")
    args = parser.parse_args()
    songs = {kind: find_songs(folder)[: args.songs] for kind, folder in (("real", args.real), ("built", args.built))}
    stems = {(kind, source): middles(found, source) for kind, found in songs.items() for source in SOURCES}
    print("| | real | built |\n|---|---|---|")
    for source, title, measure in MEASURES:
        real, built = (
            float(np.median([measure(audio) for audio in stems[kind, source]])) for kind in ("real", "built")
        )
        print(f"| {source}, {title} | {real:.1f} | {built:.1f} |")
    if args.spectra:
        draw_spectra(stems, args.spectra)
    if args.song:
        draw_spectrograms(next(song for song in songs["built"] if set(song.stems) == set(SOURCES)), args.song)


def middles(songs: Sequence[StemSong], source: str, seconds: float = 90.0) -> list[Audio]:
    """Return the middle of each song's stem that sounds there: beginnings are often silent."""
    paths = [song.stems[source] for song in songs if source in song.stems]
    parts = [read(path, max(0.0, (seconds_of(path) - seconds) / 2), seconds) for path in paths]
    return [audio for audio in parts if np.abs(audio).max() > 0.01]


def average_spectrum(audio: Audio) -> NDArray[np.float64]:
    """Long-term average power `(WINDOW // 2 + 1,)` in dB of `(channels, samples)`, whose mean power is made one."""
    mono = audio.mean(axis=0)
    mono = mono / max(float(np.sqrt((mono**2).mean())), 1e-9)
    frames = mono[: len(mono) // WINDOW * WINDOW].reshape(-1, WINDOW) * np.hanning(WINDOW)
    power = (np.abs(np.fft.rfft(frames, axis=1)) ** 2).mean(axis=0)
    return np.asarray(10 * np.log10(power + 1e-12), dtype=np.float64)


def draw_spectra(stems: dict[tuple[str, str], list[Audio]], out: Path) -> None:
    """Draw median and middle 70 % of the average spectra of built and of real stems, source by source."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(SOURCES), figsize=(18, 3.6), sharey=True, layout="constrained")
    for axis, source in zip(axes, SOURCES, strict=True):
        for kind, colour in COLOURS.items():
            spectra = [average_spectrum(audio)[1:] for audio in stems[kind, source]]
            if not spectra:
                continue
            low, middle, high = np.percentile(spectra, (15, 50, 85), axis=0)
            axis.semilogx(HERTZ[1:], middle, color=colour, linewidth=1, label=f"{kind} ({len(spectra)})")
            axis.fill_between(HERTZ[1:], low, high, color=colour, alpha=0.2, linewidth=0)
        axis.set(title=source, xlabel="Hz", xlim=(30, 20000), ylim=(-50, 62))
        axis.grid(alpha=0.3)
        axis.legend(loc="lower left", frameon=False)
    axes[0].set_ylabel("dB")
    figure.savefig(out, dpi=70)


def draw_spectrograms(song: StemSong, out: Path, start: float = 10.0, seconds: float = 10.0) -> None:
    """Draw the spectrogram of each stem of one song."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(SOURCES), figsize=(18, 3.6), sharey=True, layout="constrained")
    for axis, source in zip(axes, SOURCES, strict=True):
        mono = read(song.stems[source], start, seconds).mean(axis=0)
        noise = np.random.default_rng(0).normal(0, 1e-6, len(mono))  # so that silence has a logarithm
        axis.specgram(mono + noise, NFFT=2048, Fs=RATE, noverlap=1024, vmin=-140, vmax=-40, cmap="magma")
        axis.set(title=source, xlabel="s")
    axes[0].set_ylabel("Hz")
    figure.savefig(out, dpi=70)


if __name__ == "__main__":
    main()
