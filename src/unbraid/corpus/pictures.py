"""Pictures of a corpus: average spectra of each source against real stems, and spectrograms of a song."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unbraid.corpus.audio_files import RATE, SOURCES, Audio, read, seconds_of

WINDOW = 4096
COLOURS = {"built": "#d95f02", "real": "#1b6ca8"}


def average_spectrum(audio: Audio) -> NDArray[np.float64]:
    """Long-term average power `(WINDOW // 2 + 1,)` in dB of `(channels, samples)`, whose mean power is made one."""
    mono = audio.mean(axis=0)
    mono = mono / max(float(np.sqrt((mono**2).mean())), 1e-9)
    frames = mono[: len(mono) // WINDOW * WINDOW].reshape(-1, WINDOW) * np.hanning(WINDOW)
    power = (np.abs(np.fft.rfft(frames, axis=1)) ** 2).mean(axis=0)
    return np.asarray(10 * np.log10(power + 1e-12), dtype=np.float64)


def draw_spectra(built: Path, real: Path, out: Path, songs: int = 30) -> None:
    """Draw the median and the middle 70 % of the average spectra of built and of real stems, source by source."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)[1:]
    figure, axes = plt.subplots(1, len(SOURCES), figsize=(18, 3.6), sharey=True, layout="constrained")
    for axis, source in zip(axes, SOURCES, strict=True):
        for kind, folder in (("built", built), ("real", real)):
            excerpts = [_middle(path) for path in sorted(folder.glob(f"*/{source}.*"))[:songs]]
            spectra = [average_spectrum(audio)[1:] for audio in excerpts if np.abs(audio).max() > 0.01]
            if not spectra:
                continue
            low, middle, high = np.percentile(spectra, (15, 50, 85), axis=0)
            axis.semilogx(hertz, middle, color=COLOURS[kind], linewidth=1, label=f"{kind} ({len(spectra)})")
            axis.fill_between(hertz, low, high, color=COLOURS[kind], alpha=0.2, linewidth=0)
        axis.set(title=source, xlabel="Hz", xlim=(30, 20000), ylim=(-50, 62))
        axis.grid(alpha=0.3)
        axis.legend(loc="lower left", frameon=False)
    axes[0].set_ylabel("dB")
    figure.savefig(out, dpi=70)
    plt.close(figure)


def _middle(path: Path, seconds: float = 90.0) -> Audio:
    """The middle of a file: beginnings are often silent."""
    return read(path, max(0.0, (seconds_of(path) - seconds) / 2), seconds)


def draw_spectrograms(song: Path, out: Path, start: float = 10.0, seconds: float = 10.0) -> None:
    """Draw the spectrogram of each stem of one song folder."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    paths = [path for source in SOURCES for path in song.glob(f"{source}.*")]
    figure, axes = plt.subplots(1, len(paths), figsize=(18, 3.6), sharey=True, layout="constrained", squeeze=False)
    for axis, path in zip(axes[0], paths, strict=True):
        mono = read(path, start, seconds).mean(axis=0)
        noise = np.random.default_rng(0).normal(0, 1e-6, len(mono))  # so that silence has a logarithm
        axis.specgram(mono + noise, NFFT=2048, Fs=RATE, noverlap=1024, vmin=-140, vmax=-40, cmap="magma")
        axis.set(title=path.stem, xlabel="s")
    axes[0][0].set_ylabel("Hz")
    figure.savefig(out, dpi=70)
    plt.close(figure)
