"""Parts of the library's pages that htmx requests and refreshes."""

import json

from django.http import HttpRequest, HttpResponse

COUNT_CHANGED = "count-changed"  # a card in the list came or went; the line with their number asks for itself


def wants_part(request: HttpRequest) -> bool:
    """Whether the request is from htmx, and so for a part of the page."""
    return "HX-Request" in request.headers


def library_changed(deleted: list[str] | None = None) -> HttpResponse:
    """Have the page ask for its list again, which then offers to bring back the songs that were `deleted` just now."""
    return HttpResponse(headers={"HX-Trigger": json.dumps({"library-changed": {"deleted": deleted}})})
