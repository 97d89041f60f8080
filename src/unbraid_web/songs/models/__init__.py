"""Songs, and uploads on their way to become songs."""

from unbraid_web.songs.models.song import SORTS, Song
from unbraid_web.songs.models.upload import Upload

__all__ = ["SORTS", "Song", "Upload"]
