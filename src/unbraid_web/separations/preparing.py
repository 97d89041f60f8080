"""The page of a download that is not ready yet: it asks again until it is, and says when the download has begun."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

WAITED = "waited"  # in the address that a waiting page asks for


def waiting_page(request: HttpRequest, **context: Any) -> HttpResponse:
    """Say how far the download `name` is, and ask again in a moment."""
    return render(request, "separations/preparing.html", context | {"next": address(request, waited=True)}, status=202)


def started_page(request: HttpRequest, **context: Any) -> HttpResponse:
    """Say that the download has begun, and begin it: the page stays when a download ends."""
    return render(request, "separations/preparing.html", context | {"file": address(request, waited=False)})


def refused_page(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    """Say why there is no download."""
    return render(request, "separations/preparing.html", {"refused": sentence}, status=status)


def has_waited(request: HttpRequest) -> bool:
    """Whether a page asks, not a person who wants the file at once."""
    return WAITED in request.GET


def address(request: HttpRequest, *, waited: bool) -> str:
    """Return the address of this request, for a page that has waited or for the file."""
    query = request.GET.copy()
    query.pop(WAITED, None)
    if waited:
        query[WAITED] = "1"
    return f"{request.path}?{query.urlencode()}"
