"""The stems of several songs in one zip, which is built while it is sent, from downloads that a worker rendered."""

from collections.abc import Iterator
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from unbraid_web.accounts.models import User
from unbraid_web.inputs import uuids
from unbraid_web.separations.archive import files_of, stream_zip
from unbraid_web.separations.jobs.job import State
from unbraid_web.separations.models import Export, Separation
from unbraid_web.separations.preparing import WAITED, has_waited, refused_page, started_page, waiting_page
from unbraid_web.separations.quota import request_export
from unbraid_web.songs.models import Song

ONE_AT_A_TIME_SECONDS = 600  # since the last file that was sent


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def bundle(request: HttpRequest) -> HttpResponseBase:
    """Ask for the stems of several songs with POST; GET waits until all are rendered, then sends them."""
    user = request.user
    assert isinstance(user, User)
    query = request.POST if request.method == "POST" else request.GET
    chosen, kind = uuids(query.getlist("song")), query.get("format", "flac")
    separations, left_out = with_and_without_stems(user, chosen)
    try:
        if not separations:
            raise ValidationError("None of these songs has stems yet.")
        recipes = [zip_recipe(separation, kind) for separation in separations]
        if request.method == "POST":
            for separation, recipe in zip(separations, recipes, strict=True):
                request_export(separation, recipe)
            address = QueryDict(mutable=True)
            address.setlist("song", [str(pk) for pk in chosen])
            address["format"] = kind
            if left_out:  # there is something to say before the file comes
                address[WAITED] = "1"
            return redirect(f"{reverse('separations:bundle')}?{address.urlencode()}")
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return redirect("songs:library")
    keys = [Export.key_of(separation, recipe) for separation, recipe in zip(separations, recipes, strict=True)]
    exports = list(Export.objects.filter(separation__in=separations, key__in=keys).select_related("separation__song"))
    ready = [export for export in exports if export.state == State.DONE]
    if any(export.can_retry for export in exports) or len(exports) < len(separations):
        sentence = "Some of these stems couldn’t be prepared. Go back to your library and try again."
        return refused_page(request, sentence, status=422)
    name = f"unbraid - {len(separations)} song{'s' * (len(separations) > 1)} ({kind}).zip"
    if len(ready) < len(exports):
        return waiting_page(request, name=name, left_out=left_out, ready=len(ready), count=len(exports))
    if has_waited(request):
        return started_page(request, name=name, left_out=left_out)
    if not cache.add(lock_of(user), 1, ONE_AT_A_TIME_SECONDS):
        sentence = "Another download of yours is still running. Start this one when it has finished."
        return refused_page(request, sentence, status=429)
    blocks = sending(user, ready)
    next(blocks)
    answer = StreamingHttpResponse(blocks, content_type="application/zip")
    answer["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return answer


def with_and_without_stems(user: User, chosen: list[UUID]) -> tuple[list[Separation], list[Song]]:
    """Return the separations of those of the person's own songs that are done, and the songs that are not."""
    songs = list(Song.objects.owned_by(user).filter(pk__in=chosen).sorted_by("title").with_separations())
    done = [song for song in songs if song.separation.state == State.DONE]
    return [song.separation for song in done], [song for song in songs if song not in done]


def zip_recipe(separation: Separation, kind: str) -> dict[str, object]:
    """Return the recipe of all stems in one zip."""
    return separation.validated({"kind": "zip", "format": kind})


def sending(user: User, exports: list[Export]) -> Iterator[bytes]:
    """Yield the zip; meanwhile this person cannot start another, which would occupy another thread of the server."""
    try:
        yield b""  # from here on, to close it is to end it
        for block in stream_zip(files_of(exports)):
            cache.touch(lock_of(user), ONE_AT_A_TIME_SECONDS)
            yield block
    finally:
        cache.delete(lock_of(user))


def lock_of(user: User) -> str:
    """Return the cache key that marks the person's download as running."""
    return f"bundle:{user.pk}"
