"""The file formats that stems are written in, and the file names that songs are looked for by."""

from dataclasses import dataclass

from unbraid.errors import UsageError

# What is taken from a folder. A file that is named itself is tried whatever its ending.
ENDINGS = {
    ".aac", ".aif", ".aiff", ".alac", ".amr", ".ape", ".au", ".caf", ".flac", ".m4a", ".m4b", ".mka", ".mp2", ".mp3",
    ".oga", ".ogg", ".opus", ".tta", ".w64", ".wav", ".wave", ".webm", ".wma", ".wv",
    ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg",
}  # fmt: skip


@dataclass(frozen=True)
class Format:
    """How a file format is written: its container and codec, and what the codec takes."""

    container: str
    codec: str
    bits_per_second: int = 0
    """Of a lossy stereo stem; a mono stem gets half."""
    rates: tuple[int, ...] = ()
    """Hz, rising; empty means any. A song of another rate is converted to the next one above, else the highest."""
    depths: tuple[str, ...] = ()
    """The bit depths to choose from, the default first; empty for lossy codecs."""


MPEG_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)

FORMATS = {
    "wav": Format("wav", "pcm", depths=("32f", "24", "16")),
    "flac": Format("flac", "flac", depths=("24", "16")),
    "mp3": Format("mp3", "lame", rates=MPEG_RATES),
    "m4a": Format("ipod", "aac", 256_000, (*MPEG_RATES, 64_000, 88_200, 96_000)),
    "ogg": Format("ogg", "vorbis"),
    "opus": Format("opus", "libopus", 192_000, (48_000,)),  # what its decoders give, whatever the encoder got
}


def bit_depth_of(format: str, wanted: str | int | None) -> str | None:  # noqa: A002  # the users' word for it
    """Return the bit depth to write, "16", "24" or "32f", or None for a lossy format; raises UsageError."""
    if format not in FORMATS:
        raise UsageError(f"Unknown format {format!r}: choose one of {', '.join(FORMATS)}.")
    depths = FORMATS[format].depths
    if wanted is None:
        return depths[0] if depths else None
    if str(wanted) not in depths:
        kinds = f"{' or '.join(sorted(depths))} bits" if depths else "no bit depth: it is a lossy format"
        raise UsageError(f"{format} takes {kinds}, not {wanted}.")
    return str(wanted)


def clips(format: str, bit_depth: str | None) -> bool:  # noqa: A002
    """Return whether samples beyond ±1 are lost in this format; only 32-bit float keeps them."""
    return bit_depth != "32f"


def gain_against_clipping(peak: float) -> float:
    """Return the factor, at most 1, with which nothing clips of what is as loud as `peak`: with room for rounding.

    >>> gain_against_clipping(0.9), gain_against_clipping(2.0)
    (1.0, 0.49995)
    """
    return 1.0 if peak <= 1.0 else 0.9999 / peak
