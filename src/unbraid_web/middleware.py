"""Middleware for every request and response, whichever app they belong to."""

import json
import logging
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import reverse

from unbraid_web.operations import health, metrics
from unbraid_web.songs import storage

Handler = Callable[[HttpRequest], HttpResponseBase]

logger = logging.getLogger(__name__)
API = "/api/v1/"
STORAGE_AWAY = "The files cannot be reached at the moment. Nothing is lost: try again in a minute."
SENTENCES = {
    400: "We couldn't understand this request.",
    403: "You don't have access to this.",
    404: "Nothing was found at this address.",
    405: "This address doesn't accept this method.",
    500: "Something went wrong on our end. We've logged it; please try again.",
}


def head_without_body(get_response: Handler) -> Handler:
    """Answer HEAD as GET without the body: not every server takes it away, and then it reads as the next answer."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        is_head = request.method == "HEAD"
        if is_head:
            request.method = "GET"
        answer = get_response(request)
        if isinstance(answer, HttpResponse):
            answer.headers.setdefault("Content-Length", str(len(answer.content)))
        if is_head and isinstance(answer, HttpResponse):
            answer.content = b""
        elif is_head and isinstance(answer, StreamingHttpResponse):
            answer.streaming_content = ()
        return answer

    return handle


def monitoring_first(get_response: Handler) -> Handler:
    """Answer /healthz, and /metrics with its token, before the host's name and TLS: the machine itself asks."""
    views = {"/healthz": health.healthz, "/healthz/live": health.live}

    def handle(request: HttpRequest) -> HttpResponseBase:
        if request.path_info == "/metrics" and health.has_token(request):
            return metrics.metrics(request)
        return views.get(request.path_info, get_response)(request)

    return handle


def private_pages(get_response: Handler) -> Handler:
    """Keep private pages out of every cache, including the browser's history after logging out."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        answer = get_response(request)
        knows_who = settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers
        if knows_who and "Cache-Control" not in answer.headers:
            answer.headers["Cache-Control"] = "no-store, private"
        return answer

    return handle


def login_for_htmx(get_response: Handler) -> Handler:
    """Send the whole page to the log-in form: htmx would follow the redirect and put the form where a list was."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        answer = get_response(request)
        login = reverse(settings.LOGIN_URL)
        asked_by_htmx = "HX-Request" in request.headers
        if asked_by_htmx and answer.status_code == 302 and answer.headers["Location"].startswith(login):
            here = urlsplit(request.headers.get("HX-Current-URL", ""))
            back = urlencode({"next": f"{here.path}?{here.query}"})
            return HttpResponse(status=401, headers={"HX-Redirect": f"{login}?{back}"})
        return answer

    return handle


class StorageAway:
    """Answers with a sentence, and when to try again, if the storage is unreachable."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Go on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the answer, if it was the storage."""
        if not isinstance(exception, storage.errors()):
            return None
        logger.warning("the storage is away: %s", exception)
        return JsonResponse({"error": STORAGE_AWAY}, status=503, headers={"Retry-After": "10"})


def api_errors(get_response: Handler) -> Handler:
    """Give API clients every error as JSON, even those that no endpoint raised."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        answer = get_response(request)
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        if request.path_info.startswith(API) and answer.status_code >= 400 and not is_json:
            assert isinstance(answer, HttpResponse)  # errors are never streamed
            sentence = SENTENCES.get(answer.status_code, f"{answer.reason_phrase}.")
            answer.content = json.dumps({"error": sentence}).encode()
            answer.headers["Content-Type"] = "application/json; charset=utf-8"
            answer.headers["Content-Length"] = str(len(answer.content))
        return answer

    return handle


def refuse_nul(get_response: Handler) -> Handler:
    """Refuse addresses and cookies that contain NUL: none of ours do, and PostgreSQL cannot store it."""

    def handle(request: HttpRequest) -> HttpResponseBase:
        sent = (request.path_info, request.META.get("QUERY_STRING", "").replace("%00", "\0"), *request.COOKIES.values())
        if any("\0" in text for text in sent):
            raise BadRequest("NUL in an address or a cookie")
        return get_response(request)

    return handle
