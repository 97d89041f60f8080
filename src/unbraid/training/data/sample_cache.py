"""Decoded audio on disk, so that a random excerpt costs a page fault instead of a seek and a decoder."""

import errno
import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unbraid.atomic_files import replacing
from unbraid.audio import read

RESERVED_BYTES = 2 * 2**30  # bytes of the disk that are left to everything else, the checkpoints first
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, None)  # numpy reports a short write without a number


class SampleCache:
    """Audio files as memory-mapped 16-bit arrays (samples, channels), decoded on first use.

    The operating system keeps in memory what is used. The cache may fill the disk up to `reserved_bytes`; then the
    least recently used files make room, and files that do not fit are decoded each time. Processes may share it.
    """

    def __init__(self, folder: Path, sample_rate: int, reserved_bytes: int = RESERVED_BYTES) -> None:
        self.folder, self.sample_rate, self.reserved_bytes = folder, sample_rate, reserved_bytes
        self._open: dict[Path, NDArray[np.int16]] = {}

    def __getitem__(self, path: Path) -> NDArray[np.int16]:
        """The samples of the file at `path`; raises InputError if it cannot be decoded."""
        if path not in self._open:
            stat = path.stat()
            key = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns} {self.sample_rate}"
            cached = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npy"
            try:
                os.utime(cached)  # used now
                self._open[path] = np.load(cached, mmap_mode="r")
            except FileNotFoundError:
                samples = self._decode(path)
                self._store(samples, cached)
                return samples
        return self._open[path]

    def _decode(self, path: Path) -> NDArray[np.int16]:
        audio, _ = read(path, sample_rate=self.sample_rate)
        return np.ascontiguousarray(np.clip(np.round(audio.T * 32768), -32768, 32767).astype(np.int16))

    def _store(self, samples: NDArray[np.int16], cached: Path) -> None:
        """Write `samples` to `cached` if there is room for them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._make_room(samples.nbytes):
            return
        try:
            with replacing(cached, shared=True) as part, part.open("wb") as file:
                np.save(file, samples)
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise

    def _make_room(self, wanted: int) -> bool:
        """Remove what was not used for the longest time until `wanted` bytes fit, and say whether they do."""
        missing = wanted + self.reserved_bytes - shutil.disk_usage(self.folder).free
        if missing <= 0:
            return True
        ages = []
        for file in self.folder.glob("*.npy"):
            with suppress(FileNotFoundError):  # another process was faster
                ages.append((file.stat().st_mtime, file))
        for _, file in sorted(ages):
            with suppress(FileNotFoundError):
                missing -= file.stat().st_size
                file.unlink()
            if missing <= 0:
                return True
        return False
