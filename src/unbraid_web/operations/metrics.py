"""The site's metrics in Prometheus' text format: its health, how long people wait, what a song costs.

All of them are read from the database when they are asked for, so it does not matter which web process answers.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Count, Min, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from unbraid_web.accounts.models import User
from unbraid_web.operations import checks
from unbraid_web.operations.health import has_token
from unbraid_web.separations.jobs import job
from unbraid_web.separations.jobs.job import State
from unbraid_web.separations.models import Export, Separation, Worker
from unbraid_web.songs import storage
from unbraid_web.songs.models import Song

SPAN = timedelta(hours=1)  # of waits, costs and failures
ROWS = 5000  # at most so many are looked at
QUANTILES = (0.5, 0.95)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Numbers for Prometheus; for staff, or with `Authorization: Bearer` and the token from the settings."""
    if not (has_token(request) or getattr(request.user, "is_staff", False)):
        raise Http404
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Site())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class Site(Collector):
    """Everything that is counted."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield each number."""
        yield gauge("unbraid_up", "1 if this part of the site is healthy.", wellness(), "part")
        yield gauge("unbraid_workers", "Workers that are alive.", len(checks.names_of(Worker.Role.WORKER)))
        yield gauge("unbraid_users", "People with an account.", User.objects.count())
        yield gauge("unbraid_songs", "Songs in libraries.", Song.objects.kept().count())
        stored = Song.objects.aggregate(total=Sum("bytes_total"))["total"] or 0
        yield gauge("unbraid_stored_bytes", "Songs and stems, in bytes.", stored)
        yield gauge("unbraid_disk_free_bytes", "Room beyond what must stay free, in bytes.", storage.room())
        yield from queue()
        yield from work()


def queue() -> Iterator[GaugeMetricFamily]:
    """Yield the queue's length and waiting times."""
    by_state = {"separation": count_by_state(Separation), "export": count_by_state(Export)}
    yield gauge("unbraid_separations", "Separations by state.", by_state["separation"], "state")
    yield gauge("unbraid_exports", "Exports by state.", by_state["export"], "state")
    waiting = {kind: counted[State.QUEUED] for kind, counted in by_state.items()}
    yield gauge("unbraid_queue_length", "Jobs waiting for a worker.", waiting, "kind")
    first = Separation.objects.filter(state=State.QUEUED).aggregate(first=Min("queued_at"))["first"]
    longest = max(0, round((timezone.now() - first).total_seconds())) if first else 0
    yield gauge("unbraid_oldest_waiting_seconds", "How long the first separation in line has waited.", longest)
    started = Separation.objects.filter(started_at__gt=timezone.now() - SPAN).order_by("-started_at")
    waits = [
        (begun - queued).total_seconds() for queued, begun in started.values_list("queued_at", "started_at")[:ROWS]
    ]
    yield gauge("unbraid_wait_seconds", "How long separations of the last hour waited.", quantiles(waits), "quantile")


def work() -> Iterator[GaugeMetricFamily]:
    """Yield the cost and the results of the last hour's work."""
    ended = Separation.objects.filter(finished_at__gt=timezone.now() - SPAN)
    done = ended.filter(state=State.DONE, started_at__isnull=False).order_by("-finished_at")
    fields = ("started_at", "finished_at", "song__duration", "bytes_stored")
    songs = [
        ((end - begin).total_seconds(), duration, size)
        for begin, end, duration, size in done.values_list(*fields)[:ROWS]
        if duration
    ]
    paces = [seconds / duration for seconds, duration, _ in songs]
    text = "Seconds of work per second of song, over the last hour."
    yield gauge("unbraid_work_per_song_second", text, quantiles(paces), "quantile")
    music = sum(duration for _, duration, _ in songs)
    text = "Bytes stored per second of song, over the last hour."
    yield gauge("unbraid_bytes_per_song_second", text, sum(size for _, _, size in songs) / music if music else 0)
    yield gauge("unbraid_music_seconds", "Music separated within the last hour, in seconds.", music)
    text = "Separations that failed within the last hour, by cause."
    yield gauge("unbraid_failures", text, failures(ended), "cause")
    again = ended.filter(attempt__gt=1).count()
    yield gauge("unbraid_retried", "Separations of the last hour that needed more than one attempt.", again)


def failures(ended: "QuerySet[Any]") -> dict[str, int]:
    """Count what failed: by a fault of ours, a full disk, workers that died, or the file itself."""
    causes = {"ours": 0, "disk": 0, "worker": 0, "file": 0}
    counted = ended.filter(state=State.FAILED).order_by().values_list("error").annotate(Count("id"))
    for sentence, count in counted:
        if sentence == job.OUR_FAULT:
            causes["ours"] += count
        elif sentence == job.DISK_FULL:
            causes["disk"] += count
        elif sentence.startswith("The work stopped"):
            causes["worker"] += count
        else:
            causes["file"] += count
    return causes


def wellness() -> dict[str, int]:
    """Ask each part whether it is well: 1, or 0."""
    return {name: int(is_well(check)) for name, check in checks.parts().items()}


def is_well(check: Any) -> bool:
    """Whether a check finds nothing."""
    try:
        check()
    except checks.CheckFailed:
        return False
    return True


def count_by_state(kind: type[Separation] | type[Export]) -> dict[str, int]:
    """Count jobs by state, all states named."""
    counted = dict(kind.objects.order_by().values_list("state").annotate(Count("id")))
    return {state.value: counted.get(state.value, 0) for state in State}


def quantiles(values: Iterable[float]) -> dict[str, float]:
    """Return the median and the 95th percentile; 0 if there are no values."""
    ordered: Sequence[float] = sorted(values)
    places = {q: max(0, math.ceil(q * len(ordered)) - 1) for q in QUANTILES}
    return {str(q): ordered[place] if ordered else 0.0 for q, place in places.items()}


def gauge(name: str, text: str, value: float | dict[str, Any], label: str = "") -> GaugeMetricFamily:
    """Return one number, or one for each value of a label."""
    family = GaugeMetricFamily(name, text, labels=[label] if label else [])
    if isinstance(value, dict):
        for key, number in value.items():
            family.add_metric([key], number)
    else:
        family.add_metric([], value)
    return family
