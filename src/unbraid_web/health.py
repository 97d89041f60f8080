"""What monitoring asks: whether the site is well, and its numbers in Prometheus' text format."""

import secrets

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count, Min, Sum
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from unbraid_web.accounts.models import User
from unbraid_web.separations.jobs.job import State
from unbraid_web.separations.models import Export, Separation, Worker
from unbraid_web.songs.models import Song
from unbraid_web.songs.storage import has_room


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when people can use the site, 503 with the reason when they cannot."""
    checks = {}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        checks["database"] = "ok"
        checks["workers"] = "ok" if Worker.objects.alive().exists() else "none"
    except DatabaseError:
        checks["database"] = "unreachable"
    checks["storage"] = "ok" if has_room() else "full"
    well = set(checks.values()) == {"ok"}
    return JsonResponse({"status": "ok" if well else "unwell", **checks}, status=200 if well else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Numbers for Prometheus; for staff, or with `Authorization: Bearer` and the token from the settings."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    known = bool(settings.METRICS_TOKEN) and secrets.compare_digest(token.encode(), settings.METRICS_TOKEN.encode())
    if not (known or getattr(request.user, "is_staff", False)):
        raise Http404
    lines = [
        *gauge("unbraid_users", "People with an account.", {"": User.objects.count()}),
        *gauge("unbraid_songs", "Songs in libraries.", {"": Song.objects.kept().count()}),
        *gauge(
            "unbraid_stored_bytes",
            "Songs and stems, in bytes.",
            {"": Song.objects.aggregate(total=Sum("bytes_total"))["total"] or 0},
        ),
        *gauge("unbraid_oldest_waiting_seconds", "How long the first in line has waited.", {"": longest_wait()}),
        *gauge("unbraid_workers", "Workers that are alive.", {"": Worker.objects.alive().count()}),
        *gauge("unbraid_separations", "Separations by state.", by_state(Separation)),
        *gauge("unbraid_exports", "Exports by state.", by_state(Export)),
    ]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; version=0.0.4; charset=utf-8")


def longest_wait() -> int:
    """Return for how many seconds the first separation in line has waited; 0 if none waits."""
    first = Separation.objects.filter(state=State.QUEUED).aggregate(first=Min("queued_at"))["first"]
    return max(0, round((timezone.now() - first).total_seconds())) if first else 0


def by_state(kind: type[Separation] | type[Export]) -> dict[str, int]:
    """Count jobs by state, all states named."""
    counted = dict(kind.objects.order_by().values_list("state").annotate(Count("id")))
    return {f'{{state="{state.value}"}}': counted.get(state.value, 0) for state in State}


def gauge(name: str, text: str, values: dict[str, int]) -> list[str]:
    """Return the lines of one gauge."""
    return [f"# HELP {name} {text}", f"# TYPE {name} gauge", *(f"{name}{label} {n}" for label, n in values.items())]
