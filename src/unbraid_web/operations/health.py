"""What monitoring and containers ask: whether this process lives, and whether the site is well."""

import secrets
from ipaddress import ip_address

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from unbraid_web.operations import checks
from unbraid_web.separations.models import Worker


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers, whatever is wrong elsewhere: to start it again would not help."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when people can use the site, 503 when they cannot; each part says why in a word.

    This machine, and who has the token for metrics, read the names of workers and whole sentences too.
    """
    found: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for name, check in checks.parts().items():
        if found.get("database", "ok") != "ok" and name in ("migrations", "workers", "housekeeper"):
            continue  # nobody can tell
        try:
            check()
            found[name] = "ok"
        except (checks.CheckFailed, DatabaseError) as error:
            found[name] = getattr(error, "word", "unreachable")
            reasons[name] = str(error)
    is_well = set(found.values()) == {"ok"}
    answer: dict[str, object] = {"status": "ok" if is_well else "unwell", **found}
    if is_trusted(request):
        answer["reasons"] = reasons
    if is_trusted(request) and found["database"] == found["migrations"] == "ok":
        answer["alive"] = {role.value: checks.names_of(role) for role in Worker.Role}
        answer["silent"] = checks.silent()
    return JsonResponse(answer, status=200 if is_well else 503)


def is_trusted(request: HttpRequest) -> bool:
    """Whether this machine asks, or somebody who has the token for metrics."""
    return has_token(request) or ip_address(request.META.get("REMOTE_ADDR") or "0.0.0.0").is_loopback


def has_token(request: HttpRequest) -> bool:
    """Whether the request carries the token for metrics."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(settings.METRICS_TOKEN) and secrets.compare_digest(token.encode(), settings.METRICS_TOKEN.encode())
