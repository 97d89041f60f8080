"""Make the samples page anew with the shipped weights: `python docs/listen/make.py`.

The mixtures of the two songs by others are kept here as they are heard; the demo song's is cut from demo/. Stems and
index.html are written.
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

import unbraid

Samples = NDArray[np.float32]

HERE = Path(__file__).parent
STEMS = ("vocals", "drums", "bass", "piano", "other")
COLUMNS = 240  # of a waveform
KBPS = {"mixture": 48, "stem": 24}  # of a channel
FADE_SECONDS = 0.05


@dataclass(frozen=True)
class Song:
    """A song on the page; its folder holds mixture.opus and the stems."""

    folder: str
    title: str
    credit: str
    """HTML: who made it, under which licence, where it is from."""
    note: str
    cut_from: tuple[str, float, float] | None = None
    """File, start and length in seconds, if the mixture is made here too."""


SONGS = (
    Song(
        "lithium",
        "Lithium",
        "by ichbinsoftware, from <em>Everything Is Free</em>, "
        '<a href="https://creativecommons.org/publicdomain/zero/1.0/">CC0 1.0</a>',
        "Electronic, with a treated voice. No model of ours was trained on it. No piano plays here: what lands in its "
        "file are soft synthesisers, the mistake that the network makes most often.",
        ("../../demo/lithium-demo.flac", 6.0, 22.0),
    ),
    Song(
        "lets-go-fishin",
        "Let’s Go Fishin’",
        "by Karissa Hobbs, from <em>Age of Flowers</em>, "
        '<a href="https://creativecommons.org/licenses/by/3.0/">CC BY 3.0</a>; '
        "0:04 to 0:26 of the copy in librosa/data; stems by unbraid",
        "A song in stereo. Its true stems are not published: judge by ear.",
    ),
    Song(
        "immaterial-things",
        "Immaterial Things",
        "written and performed by Brock Wilcox and Jason Woys, "
        '<a href="https://creativecommons.org/licenses/by-sa/3.0/">CC BY-SA 3.0</a>, as are these excerpts; '
        "0:30 to 0:52 of the recording in awwaiid/thelackthereof; stems by unbraid",
        "A song in mono. Its true stems are not published: judge by ear.",
    ),
)


def main() -> None:
    """Write all stems and the page."""
    separator = unbraid.Separator()
    sections = []
    for song in SONGS:
        folder = HERE / song.folder
        folder.mkdir(exist_ok=True)
        if song.cut_from:
            file, start, seconds = song.cut_from
            write(folder / "mixture.opus", *excerpt(HERE / file, start, seconds), KBPS["mixture"])
        mixture, rate = excerpt(folder / "mixture.opus")
        stems = separator.separate_array(mixture, rate)
        for name in STEMS:
            write(folder / f"{name}.opus", stems[name], rate, KBPS["stem"])
        sections.append(section(song, {"mixture": mixture, **stems}))
    (HERE / "index.html").write_text(PAGE.replace("SONGS", "".join(sections)), encoding="utf-8")


def excerpt(file: Path, start: float = 0.0, seconds: float | None = None) -> tuple[Samples, int]:
    """Read a part of a file, `(channels, samples)` with faded ends if it was cut, and its rate in Hz."""
    rate = soundfile.info(file).samplerate
    frames = -1 if seconds is None else round(seconds * rate)
    samples: Samples
    samples, _ = soundfile.read(file, frames, round(start * rate), dtype="float32", always_2d=True)
    if seconds is not None:
        ramp = np.linspace(0, 1, round(FADE_SECONDS * rate), dtype=np.float32)[:, np.newaxis]
        samples[: len(ramp)] *= ramp
        samples[-len(ramp) :] *= ramp[::-1]
    return samples.T, rate


def write(path: Path, samples: Samples, rate: int, kbps: int) -> None:
    """Write an Opus file of `kbps` for each channel."""
    layout = {1: "mono", 2: "stereo"}[len(samples)]
    with av.open(path, "w", format="ogg") as file:
        stream = file.add_stream("libopus", rate=48000, layout=layout)
        stream.bit_rate = 1000 * kbps * len(samples)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
        frame.rate = rate
        resampler = av.AudioResampler(format="flt", layout=layout, rate=48000, frame_size=960)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))


def section(song: Song, sounds: dict[str, Samples]) -> str:
    """The HTML of one song: what was handed in, and what came out."""
    loudest = float(np.abs(sounds["mixture"]).max())
    figures = "".join(
        f'<figure class="{name}"><figcaption>{"song" if name == "mixture" else name}</figcaption>'
        f"{waveform(samples / loudest)}"
        f'<audio controls preload="none" src="{song.folder}/{name}.opus" '
        f'aria-label="{escape(song.title)}, {name}"></audio></figure>\n'
        for name, samples in sounds.items()
    )
    return (
        f"<section>\n<h2>{escape(song.title)}</h2>\n<p>{song.credit}.</p>\n<p>{escape(song.note)}</p>\n"
        f'<div class="sounds">\n{figures}</div>\n</section>\n'
    )


def waveform(samples: Samples) -> str:
    """The outline of a sound as SVG, full height at 1."""
    peaks = [float(np.abs(part).max()) for part in np.array_split(samples, COLUMNS, axis=1)]
    bars = "".join(f"M{x} {50 - 48 * min(peak, 1):.0f}V{50 + 48 * min(peak, 1):.0f}" for x, peak in enumerate(peaks))
    return f'<svg viewBox="0 0 {COLUMNS} 100" preserveAspectRatio="none" aria-hidden="true"><path d="{bars}"/></svg>'


PAGE = """<!doctype html>
<!-- Written by make.py. -->
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Listen to unbraid</title>
<style>
  :root { color-scheme: light dark; --line: light-dark(#d9dce3, #3a3f4b); --quiet: light-dark(#5b6270, #a4abb9); }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
  h1 { margin: 0; } h2 { margin: 2.5rem 0 0; }
  p { margin: .3rem 0; max-width: 46rem; } section > p { color: var(--quiet); }
  .sounds { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: .8rem; margin-top: 1rem; }
  figure { margin: 0; padding: .7rem .8rem; border: 1px solid var(--line); border-radius: .6rem; min-width: 0; }
  figcaption { font-weight: 600; text-transform: capitalize; }
  svg { width: 100%; height: 3.2rem; display: block; margin: .3rem 0 .5rem; }
  path { stroke: var(--colour); vector-effect: non-scaling-stroke; }
  audio { width: 100%; height: 2.4rem; display: block; }
  .mixture { --colour: light-dark(#4a5160, #b9c0cd); } .vocals { --colour: #e0557f; } .drums { --colour: #d98a1f; }
  .bass { --colour: #7a6be0; } .piano { --colour: #2f9e6e; } .other { --colour: #3b8fd0; }
  @media (max-width: 24rem) { .sounds { grid-template-columns: 1fr; } }
</style>
<h1>Listen to unbraid</h1>
<p>Three songs, each with what the shipped weights make of it. Every waveform is drawn to the scale of its song.</p>
SONGS<script>
  const sounds = document.querySelectorAll("audio"); // one at a time
  addEventListener("play", (event) => sounds.forEach((sound) => sound === event.target || sound.pause()), true);
</script>
</html>
"""

if __name__ == "__main__":
    main()
