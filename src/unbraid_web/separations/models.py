"""Separations of songs, their stems, and exports rendered from stems."""

import hashlib
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from unbraid_web.separations.jobs.heartbeat import Heartbeat
from unbraid_web.separations.jobs.job import Job, JobQuerySet, State
from unbraid_web.separations.recipes import validated_recipe
from unbraid_web.songs import storage
from unbraid_web.songs.models import Song

PEAKS_PER_SECOND = 20  # in Stem.peaks


class SeparationQuerySet(JobQuerySet):
    """Which separations."""

    def expired(self) -> "SeparationQuerySet":
        """Done so long ago that the stems need not be kept; the demo is kept for ever."""
        if not settings.STEM_DAYS:
            return self.none()
        limit = timezone.now() - timedelta(days=settings.STEM_DAYS)
        return self.filter(state=State.DONE, finished_at__lt=limit).exclude(song__owner=None)


class Separation(Job):
    """One run of the separator over one song."""

    handler = "unbraid_web.separations.work.tasks.separate"
    owner_path = "song__owner"

    class Stage(models.TextChoices):
        """What a running separation is doing."""

        DECODING = "decoding", "Decoding"
        SEPARATING = "separating", "Separating"

    song = models.ForeignKey(Song, models.CASCADE, related_name="separations")
    stage = models.CharField(max_length=10, choices=Stage.choices, blank=True)
    separating_since = models.DateTimeField(null=True)
    run = models.CharField(max_length=32, blank=True, help_text="folder of the attempt whose files count")
    sample_rate = models.PositiveIntegerField(default=0)
    channels = models.PositiveSmallIntegerField(default=0)
    frames = models.BigIntegerField(default=0, help_text="samples per channel that can be played")
    segment_frames = models.PositiveIntegerField(default=0)
    segments = models.PositiveIntegerField(default=0, help_text="how many segments can be played")
    compressed = models.BooleanField(default=False, help_text="whether small segments lie beside the lossless ones")
    headroom = models.FloatField(default=1.0, help_text="by how much stored samples are softer than in the song")
    peak = models.FloatField(default=1.0, help_text="of the loudest stem; 1 is full scale")
    bytes_stored = models.BigIntegerField(default=0)
    notes = models.JSONField(default=list, help_text="what was odd about the file, and what was done about it")
    analysis = models.JSONField(
        null=True,
        help_text='{"tempo": BPM or null, "beats": [s, ...], "downbeats": [s, ...], "key": "A minor" or null}',
    )

    objects: ClassVar[Any] = SeparationQuerySet.as_manager()

    class Meta(Job.Meta):
        """Newest first."""

        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.song}: {self.get_state_display()}"

    @property
    def folder(self) -> str:
        """Where all attempts lie in the storage."""
        return f"separations/{self.pk}"

    @property
    def run_folder(self) -> str:
        """Where the files that count lie: every attempt writes in a folder of its own."""
        return f"{self.folder}/{self.run}"

    @property
    def seconds_left(self) -> float | None:
        """Estimate the remaining time from the pace so far."""
        if not self.separating_since or self.fraction < 0.02 or self.state != State.RUNNING:
            return None
        elapsed = (timezone.now() - self.separating_since).total_seconds()
        return elapsed * (1 - self.fraction) / self.fraction

    @property
    def tempo_and_key(self) -> str:
        """For example "124 BPM · A minor"; empty if neither is known."""
        known = self.analysis or {}
        tempo = f"{known['tempo']:.0f} BPM" if known.get("tempo") else ""
        return " · ".join(filter(None, (tempo, known.get("key"))))

    @property
    def has_beats(self) -> bool:
        """Whether a steady beat was found."""
        return bool(self.analysis and len(self.analysis["beats"]) > 1)

    def validated(self, wanted: Any) -> dict[str, Any]:
        """Return a request for an export in its normal form.

        Raises:
            ValidationError: with a sentence.
        """
        return validated_recipe(wanted, [stem.name for stem in self.stems.all()], has_beats=self.has_beats)

    @property
    def has_workers(self) -> bool:
        """Whether any worker is running."""
        return Worker.objects.alive().filter(role=Worker.Role.WORKER).exists()

    @property
    def kept_until(self) -> datetime | None:
        """When the stems go; None where they are kept for ever."""
        if not settings.STEM_DAYS or not self.finished_at or self.song.owner_id is None:
            return None
        return self.finished_at + timedelta(days=settings.STEM_DAYS)

    def clean_up(self) -> None:
        """Remove the stems and files of earlier attempts."""
        with transaction.atomic():
            self.stems.all().delete()
            self.exports.all().delete()
            Separation.objects.filter(pk=self.pk).update(
                run="",
                frames=0,
                segments=0,
                compressed=False,
                bytes_stored=0,
                stage="",
                separating_since=None,
                notes=[],
                analysis=None,
            )
        self.refresh_from_db()
        storage.delete_tree(self.folder)
        self.song.count_bytes()

    def expire(self) -> None:
        """Drop the stems; the song stays and can be separated again."""
        if self._change([State.DONE], state=State.EXPIRED):
            self.clean_up()


class Stem(models.Model):
    """One source of one separation: a row, not a column, so that models with other sources fit."""

    separation = models.ForeignKey(Separation, models.CASCADE, related_name="stems")
    name = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField()
    peaks = models.BinaryField(default=bytes, help_text="loudness, 20 steps a second, 0-255")
    presence = models.FloatField(default=0.0, help_text="part of the song in which it plays, 0 to 1")
    bytes_stored = models.BigIntegerField(default=0)

    class Meta:
        """In the order of the model's sources."""

        ordering: ClassVar = ["position"]
        constraints = (models.UniqueConstraint(fields=["separation", "name"], name="unique_stem_name"),)

    def __str__(self) -> str:
        return self.name

    @property
    def spectrogram(self) -> str:
        """The picture of its spectrum in the storage."""
        return f"{self.separation.run_folder}/{self.name}.png"

    def segment(self, number: int) -> str:
        """One segment in the storage."""
        return f"{self.separation.run_folder}/{self.name}/{number:05d}.flac"

    def compressed(self, number: int) -> str:
        """One segment in its small form in the storage."""
        return f"{self.separation.run_folder}/{self.name}/{number:05d}.opus"


class Export(Job):
    """A file rendered from stems: one stem in another format, all of them as zip, or a mix of one's own."""

    handler = "unbraid_web.separations.work.tasks.render"
    owner_path = "separation__song__owner"

    separation = models.ForeignKey(Separation, models.CASCADE, related_name="exports")
    recipe = models.JSONField(help_text="what is wanted, in the normal form of `recipes`")
    key = models.CharField(max_length=64, help_text="hash of the recipe and the song's name: the same is rendered once")
    filename = models.CharField(max_length=255)
    bytes_stored = models.BigIntegerField(default=0)

    class Meta(Job.Meta):
        """One row a recipe."""

        constraints = (models.UniqueConstraint(fields=["separation", "key"], name="unique_export_recipe"),)

    def __str__(self) -> str:
        return self.filename

    @classmethod
    def request(cls, separation: Separation, recipe: dict[str, Any]) -> "Export":
        """Return the export for this recipe, made now or found; a failed one is tried again."""
        key = cls.key_of(separation, recipe)
        export, created = cls.objects.get_or_create(
            separation=separation,
            key=key,
            defaults={
                "recipe": recipe,
                "filename": export_name(separation, recipe),
                "bytes_stored": cls.expected_bytes(separation, recipe),
            },
        )
        if created:
            export.enqueue()
        else:
            export.retry()
        return export

    @staticmethod
    def key_of(separation: Separation, recipe: dict[str, Any]) -> str:
        """Return the key that equal recipes share; it includes the song's name, because the file does."""
        song = separation.song
        return hashlib.sha256(json.dumps([recipe, song.artist, song.title], sort_keys=True).encode()).hexdigest()

    @staticmethod
    def expected_bytes(separation: Separation, recipe: dict[str, Any]) -> int:
        """Return how large the file may become, so that room for it can be reserved."""
        seconds = separation.frames / (separation.sample_rate or 1)
        one = 6 * separation.frames if recipe["format"] in ("wav", "flac") else int(40_000 * seconds)
        one = int(one / recipe.get("speed", 1.0))
        return one * {"zip": len(recipe["stems"]), "dj": 5}.get(recipe["kind"], 1)

    def delete_with_files(self) -> None:
        """Delete the export; it can be rendered again."""
        folder = self.folder
        self.delete()
        storage.delete_tree(folder)

    @property
    def file(self) -> str:
        """Where it lies in the storage: with the stems it was made of, and with them it goes."""
        return f"{self.folder}/file"

    @property
    def folder(self) -> str:
        """A folder of its own."""
        return f"{self.separation.folder}/exports/{self.pk}"

    def clean_up(self) -> None:
        """Remove the remains of an earlier attempt."""
        storage.delete_tree(self.folder)


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Which workers."""

    def alive(self) -> "WorkerQuerySet":
        """Those that showed a sign of life lately."""
        return self.filter(seen_at__gt=Now() - timedelta(seconds=settings.STALE_SECONDS))


class Worker(models.Model):
    """A process that works in the background, and when it was last alive, by the database's clock."""

    class Role(models.TextChoices):
        """What it does."""

        WORKER = "worker", "Worker"
        HOUSEKEEPER = "housekeeper", "Housekeeper"

    name = models.CharField(max_length=120, primary_key=True)
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.WORKER)
    seen_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def beat(self) -> None:
        """Show a sign of life."""
        Worker.objects.update_or_create(name=self.name, defaults={"role": self.role, "seen_at": Now()})

    @classmethod
    @contextmanager
    def present(cls, role: "Worker.Role", away: tuple[type[Exception], ...]) -> Iterator[None]:
        """Show signs of life while this is entered; a process that leaves normally does not count as dead.

        Args:
            role: what this process does
            away: what is raised while the database cannot be reached
        """
        worker = cls(name=f"{socket.gethostname()}:{os.getpid()}", role=role)
        with suppress(*away):
            worker.beat()
        try:
            with Heartbeat(worker.beat):
                yield
        finally:
            with suppress(*away):
                worker.delete()


def export_name(separation: Separation, recipe: dict[str, Any]) -> str:
    """Return the name under which the browser saves an export."""
    song, kind, stems = separation.song, recipe["format"], list(recipe["stems"])
    name = " - ".join(filter(None, (file_name(song.artist, 70), file_name(song.title, 120)))) or "song"
    match recipe["kind"]:
        case "stem":
            return f"{name} - {stems[0]}.{kind}"
        case "zip":
            return f"{name} - stems ({kind}).zip"
        case "dj":
            return f"{name}.stem.mp4"
        case _:
            missing = [stem.name for stem in separation.stems.all() if stem.name not in stems]
            how = "mix" if not missing else f"without {missing[0]}" if len(missing) == 1 else " + ".join(stems)[:80]
            speed, semitones = recipe.get("speed"), recipe.get("semitones")
            clicks = ["click" if "click" in recipe else "", "count-in" if "count_in" in recipe else ""]
            changes = [f"{speed:.0%} speed" if speed else "", f"{semitones:+d} semitones" if semitones else "", *clicks]
            return f"{name} - {', '.join(filter(None, [how, *changes]))}.{kind}"


RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
"""Names of devices, which no file on Windows can have, whatever its ending."""


def file_name(text: str, most: int) -> str:
    """Return the text as (part of) a file name that every system takes, in about that many bytes of UTF-8 at most."""
    allowed = "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "-" for c in text)
    name = allowed.encode()[:most].decode(errors="ignore").strip(". ")
    return f"_{name}" if RESERVED.match(name) else name
