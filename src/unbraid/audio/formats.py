"""File formats: the extensions of songs to look for, and the formats that stems are written in."""

from dataclasses import dataclass

from unbraid.errors import UsageError

# FFmpeg's name of each demuxer, and the endings by which a folder is searched for songs. A file that is named itself
# is tried whatever its ending. Playlists and descriptions (HLS, DASH, SDP, concat …) are left out, since they make
# FFmpeg open further files and addresses that nobody asked for.
CONTAINERS: dict[str, tuple[str, ...]] = {
    "aac": (".aac", ".adts"),
    "ac3": (".ac3",),
    "aiff": (".aif", ".aiff", ".aifc"),
    "amr": (".amr",),
    "ape": (".ape", ".mac"),
    "asf": (".wma", ".wmv", ".asf"),
    "ast": (".ast",),
    "au": (".au", ".snd"),
    "avi": (".avi",),
    "caf": (".caf",),
    "dsf": (".dsf",),
    "dts": (".dts",),
    "eac3": (".eac3", ".ec3"),
    "flac": (".flac",),
    "flv": (".flv",),
    "iff": (".iff", ".8svx", ".dff"),
    "matroska": (".mka", ".mkv", ".mk3d"),
    "mlp": (".mlp",),
    "mov": (".mov", ".qt", ".f4v", ".psp", ".ism", ".isma", ".ismv"),
    "mp4": (".mp4", ".m4v"),
    "m4a": (".m4a", ".m4b", ".m4r", ".alac"),
    "3gp": (".3gp",),
    "3g2": (".3g2",),
    "mj2": (".mj2",),
    "mp3": (".mp3", ".mp2", ".mpa", ".m2a"),
    "mpc": (".mpc",),
    "mpc8": (),
    "mpeg": (".mpg", ".mpeg", ".vob"),
    "mpegts": (".ts", ".mts", ".m2ts"),
    "mxf": (".mxf",),
    "nut": (".nut",),
    "ogg": (".ogg", ".oga", ".ogv", ".ogx", ".opus", ".spx"),
    "oma": (".oma", ".omg", ".aa3"),
    "qoa": (".qoa",),
    "rm": (".rm", ".ra", ".rmvb"),
    "shn": (".shn",),
    "sox": (".sox",),
    "spdif": (".spdif",),
    "tak": (".tak",),
    "truehd": (".thd",),
    "tta": (".tta",),
    "voc": (".voc",),
    "w64": (".w64",),
    "wav": (".wav", ".wave", ".bwf", ".rf64"),
    "webm": (".webm",),
    "wsd": (".wsd",),
    "wv": (".wv",),
}

ENDINGS = frozenset(ending for endings in CONTAINERS.values() for ending in endings)


@dataclass(frozen=True)
class Format:
    """How a file format is written: its container and codec, and what the codec takes."""

    container: str
    codec: str
    bits_per_second: int = 0
    """Of a lossy stereo stem; a mono stem gets half."""
    effort: int | None = None
    """FFmpeg's compression_level, where it is not the encoder's own."""
    rates: tuple[int, ...] = ()
    """Hz, ascending; empty means any. Other rates are converted to the next higher one, or else to the highest."""
    depths: tuple[str, ...] = ()
    """The bit depths to choose from, the default first; empty for lossy codecs."""
    tracks: int = 1
    """Five where one file holds the song and its stems; see `stem_mp4`."""


MPEG_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)

FORMATS = {
    "wav": Format("wav", "pcm", depths=("32f", "24", "16")),
    "flac": Format("flac", "flac", depths=("24", "16")),
    "mp3": Format("mp3", "lame", rates=MPEG_RATES),
    "m4a": Format("mp4", "aac", 256_000, rates=(*MPEG_RATES, 64_000, 88_200, 96_000)),
    "ogg": Format("ogg", "vorbis"),
    "opus": Format("opus", "libopus", 192_000, rates=(48_000,)),  # what its decoders give, whatever the encoder got
    "stem": Format("mp4", "aac", 256_000, rates=(44_100, 48_000), tracks=5),  # the rates that decks play
}
SINGLE_TRACK = tuple(name for name, form in FORMATS.items() if form.tracks == 1)


def bit_depth_of(format: str, wanted: str | int | None) -> str | None:  # noqa: A002  # the users' word for it
    """Return the bit depth to write, "16", "24" or "32f", or None for a lossy format; raises UsageError."""
    if format not in FORMATS:
        raise UsageError(f"Unknown format {format!r}: choose one of {', '.join(FORMATS)}.")
    depths = FORMATS[format].depths
    if wanted is None:
        return depths[0] if depths else None
    if not depths:
        raise UsageError(f"{format} is a lossy format and has no bit depth: leave {wanted} out.")
    if str(wanted) not in depths:
        raise UsageError(f"{format} takes {' or '.join(sorted(depths))} bits, not {wanted}.")
    return str(wanted)


def clips(format: str, bit_depth: str | None) -> bool:  # noqa: A002
    """Return whether samples beyond ±1 are lost in this format; only 32-bit float keeps them."""
    return bit_depth != "32f"


def gain_against_clipping(peak: float) -> float:
    """Return the gain, at most 1, at which a sound with this peak does not clip, with room for rounding.

    >>> gain_against_clipping(0.9), gain_against_clipping(2.0)
    (1.0, 0.49995)
    """
    return 1.0 if peak <= 1.0 else 0.9999 / peak
