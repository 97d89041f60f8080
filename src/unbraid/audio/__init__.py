"""Sound files in and out, block by block: any container that FFmpeg reads, through PyAV, without a system ffmpeg."""

from unbraid.audio.decoding import ArraySong, Song, SongReader, read
from unbraid.audio.encoding import StemWriter
from unbraid.audio.resampling import resampled

__all__ = ["ArraySong", "Song", "SongReader", "StemWriter", "read", "resampled"]
