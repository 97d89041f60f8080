"""The pages for what cannot be answered; unlike Django's own they leave the form alone, which may be the fault."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The request could not be understood; it may even lack what a template asks a request for."""
    return HttpResponse(render_to_string("400.html"), status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The person may not do this."""
    return render(request, "403.html", status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """There is nothing here, or nothing of this person's."""
    return render(request, "404.html", status=404)
