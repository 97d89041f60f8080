"""MoisesDB (Pereira et al. 2023): `<song id>/data.json` lists stems, each a folder of tracks `<track id>.wav`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from unbraid.corpus.adapters.song import DatasetSong, sum_of
from unbraid.errors import CorpusError

SOURCE = {"vocals": "vocals", "drums": "drums", "percussion": "drums", "bass": "bass", "piano": "piano"}


def songs(root: Path) -> Iterator[DatasetSong]:
    """The songs of the data set; whatever is neither voice, drums, bass nor piano is other."""
    for listing in sorted(root.rglob("data.json")):
        try:
            song = json.loads(listing.read_text(encoding="utf-8"))
            tracks: dict[str, list[Path]] = {}
            for stem in song["stems"]:
                source = SOURCE.get(stem["stemName"], "other")
                for track in stem["tracks"]:
                    file = f"{track['id']}.{track.get('extension', 'wav')}"
                    tracks.setdefault(source, []).append(listing.parent / stem["stemName"] / file)
            name = f"{song['artist']} - {song['song']}"
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise CorpusError(f"{listing} is not a song of MoisesDB ({error!r}): fetch it again.") from error
        yield DatasetSong(name, "train", {source: sum_of(paths) for source, paths in tracks.items()})
