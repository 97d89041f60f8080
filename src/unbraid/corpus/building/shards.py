"""Shards: a built corpus as one small tar with each stem in Opus, for training on another machine."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from unbraid.atomic_files import replacing
from unbraid.corpus.archives import unpack_tar
from unbraid.corpus.audio_files import RATE, Audio, read
from unbraid.corpus.building import manifest
from unbraid.errors import CorpusError

OPUS_RATE = 48000  # Opus knows no 44.1 kHz
BLOCK = 512  # bytes; a tar pads its members to a multiple


@dataclass
class Packed:
    """The contents of a shard: songs, their hours, its size in bytes, and what was skipped, as sentences."""

    songs: int = 0
    hours: float = 0.0
    size: int = 0
    skipped: list[str] = field(default_factory=list)


def encode(stem: Audio, kilobits: int) -> bytes:
    """Encode a stem `(1 or 2, samples)` as Ogg Opus; kbit/s are for two channels; the bytes are always the same."""
    import av
    import soxr

    channels = stem.shape[0]
    layout = "mono" if channels == 1 else "stereo"
    audio = soxr.resample(stem.T, RATE, OPUS_RATE).astype(np.float32)
    file = io.BytesIO()
    # bitexact: otherwise the container gets a random serial number
    with av.open(file, "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=OPUS_RATE, layout=layout)
        stream.bit_rate = kilobits * 500 * channels
        for start in range(0, len(audio), OPUS_RATE):
            block = np.ascontiguousarray(audio[start : start + OPUS_RATE]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, format="flt", layout=layout)
            frame.rate, frame.pts = OPUS_RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def pack(corpus: Path | str, shard: Path | str, max_size: int = 64 * 2**20, kilobits: int = 96) -> Packed:
    """Write songs of a built corpus into a tar of at most `max_size` bytes, in an order that mixes kinds and splits.

    A song with a broken file is named, skipped and counted. Raises CorpusError if there is no corpus, or no song fits.
    """
    root, packed = Path(corpus), Packed()
    songs: dict[str, list[manifest.Line]] = {}
    for line in manifest.read(root / manifest.NAME):
        songs.setdefault(f"{line['split']}/{line['id'].rpartition('/')[0]}", []).append(line)
    listing = b""
    target = Path(shard)
    with replacing(target) as part:
        with tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as archive:
            for name in sorted(songs, key=lambda name: hashlib.sha256(name.encode()).digest()):
                try:
                    members = dict(_members(root / name, name, songs[name], kilobits))
                except (CorpusError, OSError) as error:
                    packed.skipped.append(f"{name}: {error}")
                    continue
                lines = _lines(songs[name], name, members)
                # the manifest comes last, then two empty blocks up to a whole record
                needed = sum(_padded(data) for data in members.values()) + _padded(listing + lines) + tarfile.RECORDSIZE
                if archive.offset + needed > max_size:
                    break
                for member, data in members.items():
                    _add(archive, member, data)
                listing += lines
                packed.songs += 1
                packed.hours += max(line["seconds"] for line in songs[name]) / 3600
            _add(archive, manifest.NAME, listing)
        if not packed.songs:
            reason = packed.skipped[0] if packed.skipped else f"None is smaller than {max_size / 2**20:g} MiB."
            raise CorpusError(f"No song could be packed. {reason}")
    packed.size = target.stat().st_size
    return packed


def unpack(shard: Path | str, out: Path | str) -> int:
    """Unpack a shard into song folders below `out`, beside those of other shards; return the number of songs.

    Raises CorpusError if the shard is broken.
    """
    source, target = Path(shard), Path(out)
    known = manifest.read(target / manifest.NAME) if (target / manifest.NAME).exists() else []
    try:
        names = unpack_tar(source, target)
    except FileNotFoundError as error:
        raise CorpusError(f"{source} does not exist.") from error
    except (tarfile.TarError, EOFError) as error:
        raise CorpusError(
            f"{source} is not a bundle of `unbraid corpus pack`, or it is damaged: copy it again."
        ) from error
    if manifest.NAME not in names:
        raise CorpusError(f"{source} is not a whole bundle (there is no {manifest.NAME} in it): copy it again.")
    lines = manifest.read(target / manifest.NAME)
    for line in lines:
        path = target / f"{line['split']}/{line['id']}.opus"
        if not path.is_file() or manifest.digest(path) != line["sha256"]:
            raise CorpusError(f"{path.name} of {line['id']} is broken in {source}: copy it again.")
    merged = {(line["split"], line["id"]): line for line in [*known, *lines]}
    manifest.write(target / manifest.NAME, merged.values())
    return len({Path(name).parent for name in names if name.endswith(".opus")})


def _members(place: Path, name: str, lines: list[manifest.Line], kilobits: int) -> Iterator[tuple[str, bytes]]:
    for line in lines:
        source = line["source"]
        yield f"{name}/{source}.opus", encode(read(place / f"{source}.flac"), kilobits)
    yield f"{name}/song.json", (place / "song.json").read_bytes()


def _lines(lines: list[manifest.Line], name: str, members: dict[str, bytes]) -> bytes:
    """The lines of a song with the digests of what is in the shard."""
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in members.items()}
    ours = ({**line, "sha256": digests[f"{name}/{line['source']}.opus"]} for line in lines)
    return "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in ours).encode()


def _padded(data: bytes) -> int:
    return BLOCK + -(-len(data) // BLOCK) * BLOCK


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))
