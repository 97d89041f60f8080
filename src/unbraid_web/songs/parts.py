"""What htmx asks the library for, and what it is told there."""

import json

from django.http import HttpRequest, HttpResponse


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asks, and so for a part of the page."""
    return "HX-Request" in request.headers


def library_changed(deleted: list[str] | None = None) -> HttpResponse:
    """Have the page ask for its list again, which then offers to bring back the songs that were `deleted` just now."""
    return HttpResponse(headers={"HX-Trigger": json.dumps({"library-changed": {"deleted": deleted}})})
