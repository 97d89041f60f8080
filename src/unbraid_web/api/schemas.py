"""The schemas of the API's requests and responses."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.urls import reverse
from ninja import Field, Schema
from pydantic import ConfigDict

from unbraid_web.separations.jobs.job import State
from unbraid_web.separations.models import Export
from unbraid_web.songs.models import Song


class Error(Schema):
    """What went wrong, in a sentence."""

    error: str


class StemOut(Schema):
    """One stem."""

    name: str
    presence: float = Field(description="fraction of the song in which it plays, 0 to 1")
    file: str = Field(description="where the whole stem can be fetched as FLAC; 503 until it is ready")


class AnalysisOut(Schema):
    """Tempo, beats and key of a song, found in its stems."""

    tempo: float | None = Field(description="beats a minute; null if no steady beat was found")
    beats: list[float] = Field(description="seconds; empty if no steady beat was found")
    downbeats: list[float] = Field(description="seconds; the beats that begin a bar")
    key: str | None = Field(description="such as `A minor` or `E♭ major`; null if none was found")


class SongOut(Schema):
    """One song as it stands."""

    id: UUID
    title: str
    artist: str
    filename: str
    duration: float | None = Field(description="seconds; null until it is decoded")
    created_at: datetime
    state: State
    stage: str
    fraction: float
    seconds_left: float | None
    queue_position: int | None
    error: str
    notes: list[str] = Field(description="what was odd about the file, and what was done about it")
    analysis: AnalysisOut | None = Field(description="null until the song is separated, or if it was not computed")
    stems: list[StemOut]
    share_path: str | None

    @classmethod
    def of(cls, song: Song) -> "SongOut":
        """Describe the song."""
        separation = song.separation
        stems = separation.stems.all() if separation.state == State.DONE else []
        return cls(
            id=song.pk,
            title=song.title,
            artist=song.artist,
            filename=song.filename,
            duration=song.duration,
            created_at=song.created_at,
            state=State(separation.state),
            stage=separation.stage,
            fraction=separation.fraction,
            seconds_left=separation.seconds_left,
            queue_position=separation.queue_position if separation.state == State.QUEUED else None,
            error=separation.error,
            notes=separation.notes,
            analysis=separation.analysis and AnalysisOut(**separation.analysis),
            stems=[
                StemOut(name=s.name, presence=s.presence, file=reverse("api-1:stem", args=[song.pk, s.name]))
                for s in stems
            ],
            share_path=reverse("player:shared", args=[song.share_token]) if song.share_token else None,
        )


class SongPage(Schema):
    """A page of songs."""

    count: int
    pages: int
    songs: list[SongOut]


class SongChange(Schema):
    """A new title or artist for a song; omitted fields stay unchanged."""

    title: str | None = None
    artist: str | None = None


class Fader(Schema):
    """Gain and pan of one stem in a mix."""

    model_config = ConfigDict(extra="forbid")

    gain: float = Field(1.0, ge=0, le=2)
    pan: float = Field(0.0, ge=-1, le=1, description="-1 left to 1 right")


class ExportIn(Schema):
    """A request for a rendered file."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["stem", "zip", "mix", "dj"] = Field(description="`dj`: one `.stem.mp4` for DJ software, format `m4a`")
    format: Literal["wav", "flac", "mp3", "m4a", "ogg", "opus"]
    stems: dict[str, Fader] | None = Field(None, description="omit for all stems unchanged")
    speed: float = Field(1.0, ge=0.5, le=2, description="speed of a mix, at the same pitch")
    semitones: int = Field(0, ge=-6, le=6, description="semitones to transpose a mix by; drums stay as they are")
    click: float = Field(0.0, ge=0, le=2, description="gain of a click on the beats of a mix")
    count_in: float = Field(0.0, ge=0, le=2, description="gain of a bar of clicks before a mix")

    def recipe(self) -> dict[str, Any]:
        """Return the request as plain data."""
        return self.dict(exclude_none=True)


class ExportOut(Schema):
    """A rendered file, or one in progress."""

    id: UUID
    state: State
    fraction: float
    error: str
    filename: str
    file: str | None

    @classmethod
    def of(cls, export: Export) -> "ExportOut":
        """Describe the export."""
        done = export.state == State.DONE
        return cls(
            id=export.pk,
            state=State(export.state),
            fraction=export.fraction,
            error=export.error,
            filename=export.filename,
            file=reverse("api-1:export_file", args=[export.pk]) if done else None,
        )
