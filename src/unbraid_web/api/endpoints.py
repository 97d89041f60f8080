"""The endpoints of the API, version 1."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import File, NinjaAPI, Status, UploadedFile
from ninja.errors import HttpError, Throttled
from ninja.errors import ValidationError as NinjaValidationError
from ninja.openapi.docs import Swagger
from ninja.security import HttpBearer
from ninja.throttling import AuthRateThrottle

from unbraid_web.accounts.models import User
from unbraid_web.api.models import Scope, Token
from unbraid_web.api.schemas import Error, ExportIn, ExportOut, SongChange, SongOut, SongPage
from unbraid_web.separations import media
from unbraid_web.separations.jobs.job import State
from unbraid_web.separations.models import Export
from unbraid_web.separations.quota import request_export
from unbraid_web.separations.recipes import CONTENT_TYPES, stem_recipe
from unbraid_web.songs.limits import check_waiting, restore
from unbraid_web.songs.models import Song
from unbraid_web.songs.receiving import receive_file


class PersonalToken(HttpBearer):
    """`Authorization: Bearer unb_...`; tokens are made on the account page."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return whose token this is.

        Raises:
            HttpError: it may not do this.
        """
        found = Token.find(token)
        if found and found.scope == Scope.READ and request.method != "GET":
            raise HttpError(403, "This token may only read. Create one that may write")
        return found.owner if found else None


class EndpointsPage(Swagger):
    """The list of all endpoints, within a page of the site."""

    template = "api/all_endpoints.html"


api = NinjaAPI(
    title="unbraid",
    version="1",
    urls_namespace="api-1",
    description="Upload songs, follow their separation, fetch stems and mixes. Create a token on your account page.",
    docs=EndpointsPage(),
    auth=PersonalToken(),
    throttle=[AuthRateThrottle(settings.API_RATE)],
)


ERRORS = frozenset({400, 401, 403, 404, 422, 429})  # what any request may be answered with
NO_PLACE = frozenset({413, 503, 507})  # for files: too large, or no room


def binary(kind: str) -> dict[str, Any]:
    """Describe an answer that is a file."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}}}
    return {"responses": {200: {"description": "The file", "content": content}}}


def own(request: HttpRequest, song_id: UUID) -> Song:
    """Return one of the caller's songs."""
    return get_object_or_404(Song.objects.owned_by(request.auth), pk=song_id)  # type: ignore[attr-defined]


def failure(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    """Answer with a sentence."""
    return api.create_response(request, {"error": sentence}, status=status)


@api.exception_handler(ValidationError)
def refuse(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Report a failed check."""
    return failure(request, error.messages[0], 422)


@api.exception_handler(NinjaValidationError)
def refuse_shape(request: HttpRequest, error: NinjaValidationError) -> HttpResponse:
    """Say which value has the wrong shape."""
    first = error.errors[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    return failure(request, f"{where}: {first['msg']}.", 422)


@api.exception_handler(Http404)
def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    """Answer 404, whether the object does not exist or belongs to somebody else."""
    return failure(request, "Nothing was found at this address.", 404)


@api.exception_handler(HttpError)
def refuse_request(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Say what is missing, or how long to wait."""
    sentences = {
        400: "We couldn't read the body of this request.",
        401: "Send a valid token: Authorization: Bearer unb_...",
        429: f"Too many requests: at most {settings.API_RATE}.",
    }
    answer = failure(request, sentences.get(error.status_code, f"{error}."), error.status_code)
    if isinstance(error, Throttled) and error.wait is not None:
        answer.headers["Retry-After"] = str(error.wait)
    return answer


@api.get("/songs", response={200: SongPage, ERRORS: Error}, summary="List songs", tags=["songs"])
def list_songs(request: HttpRequest, q: str = "", sort: str = "newest", page: int = 1, size: int = 50) -> Any:
    """Return one page of the library, searched and sorted (`newest`, `oldest`, `title`, `longest`)."""
    songs = Song.objects.owned_by(request.auth).matching(q).sorted_by(sort).with_separations()  # type: ignore[attr-defined]
    pages = Paginator(songs, min(max(size, 1), 200))
    found = [SongOut.of(song) for song in pages.get_page(page)]
    return SongPage(count=pages.count, pages=pages.num_pages, songs=found)


@api.post("/songs", response={201: SongOut, ERRORS | NO_PLACE: Error}, summary="Upload a song", tags=["songs"])
def upload_song(request: HttpRequest, file: File[UploadedFile]) -> Any:
    """Store the file and put it in line."""
    return Status(201, SongOut.of(receive_file(request.auth, file)))  # type: ignore[attr-defined]


@api.get("/songs/{uuid:song_id}", response={200: SongOut, ERRORS: Error}, summary="One song", tags=["songs"])
def get_song(request: HttpRequest, song_id: UUID) -> Any:
    """Return the song with its state, or its stems once it is done."""
    return SongOut.of(own(request, song_id))


@api.patch("/songs/{uuid:song_id}", response={200: SongOut, ERRORS: Error}, summary="Rename", tags=["songs"])
def change_song(request: HttpRequest, song_id: UUID, change: SongChange) -> Any:
    """Change title or artist."""
    song = own(request, song_id)
    song.rename(
        song.title if change.title is None else change.title, song.artist if change.artist is None else change.artist
    )
    return SongOut.of(song)


@api.delete("/songs/{uuid:song_id}", response={204: None, ERRORS: Error}, summary="Delete", tags=["songs"])
def delete_song(request: HttpRequest, song_id: UUID) -> Any:
    """Delete the song; it can be restored for a while."""
    own(request, song_id).trash()
    return Status(204, None)


@api.post(
    "/songs/{uuid:song_id}/restore", response={200: SongOut, ERRORS: Error}, summary="Undo deleting", tags=["songs"]
)
def restore_song(request: HttpRequest, song_id: UUID) -> Any:
    """Bring a deleted song back, and its place in line if it had one."""
    song = get_object_or_404(Song.objects.deleted_by(request.auth), pk=song_id)  # type: ignore[attr-defined]
    restore(request.auth, song)  # type: ignore[attr-defined]
    return SongOut.of(song)


@api.post("/songs/{uuid:song_id}/retry", response={200: SongOut, ERRORS: Error}, summary="Try again", tags=["songs"])
def retry_song(request: HttpRequest, song_id: UUID) -> Any:
    """Put a failed, cancelled or expired separation back in line."""
    song = own(request, song_id)
    check_waiting(request.auth)  # type: ignore[attr-defined]
    song.separation.retry()
    return SongOut.of(song)


@api.post("/songs/{uuid:song_id}/cancel", response={200: SongOut, ERRORS: Error}, summary="Stop", tags=["songs"])
def cancel_song(request: HttpRequest, song_id: UUID) -> Any:
    """Stop a separation that is waiting or running."""
    song = own(request, song_id)
    song.separation.cancel()
    return SongOut.of(song)


@api.put("/songs/{uuid:song_id}/share", response={200: SongOut, ERRORS: Error}, summary="Share", tags=["songs"])
def share_song(request: HttpRequest, song_id: UUID) -> Any:
    """Make a private link."""
    song = own(request, song_id)
    song.share()
    return SongOut.of(song)


@api.delete(
    "/songs/{uuid:song_id}/share", response={200: SongOut, ERRORS: Error}, summary="Turn off the link", tags=["songs"]
)
def unshare_song(request: HttpRequest, song_id: UUID) -> Any:
    """Turn off the private link."""
    song = own(request, song_id)
    song.unshare()
    return SongOut.of(song)


@api.get(
    "/songs/{uuid:song_id}/stems/{name}.flac",
    response={ERRORS | {503}: Error},
    openapi_extra=binary("audio/flac"),
    summary="One stem",
    tags=["stems"],
    url_name="stem",
)
def get_stem(request: HttpRequest, song_id: UUID, name: str) -> HttpResponseBase:
    """Return the whole stem as FLAC; byte ranges work.

    A worker puts it together first: until then the response is 503 with `Retry-After`, which `curl --retry 9` obeys.
    """
    separation = own(request, song_id).separation
    stem = get_object_or_404(separation.stems.filter(separation__state=State.DONE), name=name)
    export = request_export(separation, stem_recipe(stem.name))
    if export.state != State.DONE:
        sentence = "This stem is being prepared. Ask again in a moment."
        answer = api.create_response(request, {"error": sentence}, status=503)
        answer["Retry-After"] = "1"
        return answer
    return media.send(request, export.file, CONTENT_TYPES["flac"], save_as=export.filename, immutable=False)


@api.post(
    "/songs/{uuid:song_id}/exports",
    response={202: ExportOut, ERRORS | {409}: Error},
    summary="Request a download",
    tags=["exports"],
)
def make_export(request: HttpRequest, song_id: UUID, wanted: ExportIn) -> Any:
    """Render a stem in another format, a zip of stems, or a mix."""
    separation = own(request, song_id).separation
    if separation.state != State.DONE:
        return Status(409, Error(error="This song hasn't been separated yet."))
    recipe = separation.validated(wanted.recipe())
    return Status(202, ExportOut.of(request_export(separation, recipe)))


def own_export(request: HttpRequest, export_id: UUID) -> Export:
    """Return one of the caller's exports."""
    exports = Export.objects.select_related("separation__song").filter(separation__song__deleted_at=None)
    found: Export = get_object_or_404(exports, pk=export_id, separation__song__owner=request.auth)  # type: ignore[attr-defined]
    return found


@api.get(
    "/exports/{uuid:export_id}", response={200: ExportOut, ERRORS: Error}, summary="One download", tags=["exports"]
)
def get_export(request: HttpRequest, export_id: UUID) -> Any:
    """Return the export's progress."""
    return ExportOut.of(own_export(request, export_id))


@api.get(
    "/exports/{uuid:export_id}/file",
    response={ERRORS: Error},
    openapi_extra=binary("application/octet-stream"),
    summary="The rendered file",
    tags=["exports"],
    url_name="export_file",
)
def get_export_file(request: HttpRequest, export_id: UUID) -> HttpResponseBase:
    """Return the rendered file; an export is kept for a day."""
    export = own_export(request, export_id)
    get_object_or_404(Export, pk=export.pk, state=State.DONE)
    return media.send(request, export.file, "application/octet-stream", save_as=export.filename, immutable=False)
