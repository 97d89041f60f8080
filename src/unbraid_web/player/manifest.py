"""Describes a separation for the mixer in the browser, as one JSON object."""

import base64
from typing import Any

from django.urls import reverse

from unbraid_web.separations.compressed import LEAD_SECONDS, SECONDS
from unbraid_web.separations.jobs.job import State
from unbraid_web.separations.models import PEAKS_PER_SECOND, Separation, Stem


def manifest(separation: Separation, key: str = "") -> dict[str, Any]:
    """Describe what can be played now.

    Args:
        key: the private link's key, for a visitor who came by it; it goes into every address
    """
    query = f"?key={key}" if key else ""
    return {
        "id": str(separation.pk),
        "run": separation.run,
        "state": separation.state,
        "complete": separation.state == State.DONE,
        "title": separation.song.title,
        "artist": separation.song.artist,
        "duration": separation.song.duration,
        "sampleRate": separation.sample_rate,
        "frames": separation.frames,
        "segmentFrames": separation.segment_frames,
        "segments": separation.segments,
        "headroom": separation.headroom,
        "compressed": {"lead": LEAD_SECONDS, "seconds": SECONDS} if separation.compressed else None,
        "peaksPerSecond": PEAKS_PER_SECOND,
        "analysis": separation.analysis,
        "exports": reverse("separations:export", args=[separation.pk]) + query,
        "stems": [describe(separation, stem, query) for stem in separation.stems.all()],
    }


def describe(separation: Separation, stem: Stem, query: str) -> dict[str, Any]:
    """Describe one stem; `#` in the segments' addresses stands for their number."""
    first = reverse("separations:segment", args=[separation.pk, stem.name, 0])
    small = reverse("separations:compressed_segment", args=[separation.pk, stem.name, 0])
    return {
        "name": stem.name,
        "presence": round(stem.presence, 3),
        "peaks": base64.b64encode(bytes(stem.peaks)).decode(),
        "segments": first.replace("/0.flac", "/#.flac") + query,
        "compressed": small.replace("/0.opus", "/#.opus") + query,
        "file": reverse("separations:stem", args=[separation.pk, stem.name]) + query,
        "spectrogram": reverse("separations:spectrogram", args=[separation.pk, stem.name]) + query,
    }
