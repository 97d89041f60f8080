"""The pages with the mixer: one's own song, a shared one, and the demo that welcomes visitors."""

from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from unbraid_web.player.manifest import manifest
from unbraid_web.separations.access import audible_separation
from unbraid_web.separations.recipes import FORMATS
from unbraid_web.songs.access import link_key, own_song
from unbraid_web.songs.models import Song


def context_of(song: Song, *, mine: bool = False, key: str = "") -> dict[str, Any]:
    """Return the context of the mixer's template."""
    separation = song.separation
    return {
        "song": song,
        "separation": separation,
        "stems": separation.stems.all(),
        "manifest": manifest(separation, key),
        "mine": mine,
        "key": key,
        "formats": FORMATS,
        "undo_seconds": settings.UNDO_SECONDS,
        "original_ending": PurePath(song.filename).suffix[1:].upper(),
    }


@require_safe
def welcome(request: HttpRequest) -> HttpResponse:
    """What the site does, with the demo song in the mixer: anybody may play before signing up."""
    demo = Song.objects.demo().first()
    return render(request, "player/welcome.html", context_of(demo) if demo else {})


@require_safe
def song(request: HttpRequest, song_id: UUID) -> HttpResponse:
    """One's own song."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    return render(
        request,
        "player/song.html",
        context_of(own_song(request, song_id), mine=True) | {"focus": "focus" in request.GET},
    )


@require_safe
@never_cache
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """A song that somebody shared by a private link."""
    found = get_object_or_404(Song, share_token=token, deleted_at=None)
    answer = render(request, "player/song.html", context_of(found, key=token))
    answer["X-Robots-Tag"] = "noindex"
    return answer


@require_safe
@never_cache
def manifest_json(request: HttpRequest, separation_id: UUID) -> JsonResponse:
    """The manifest, asked for again while the song is being separated."""
    separation = audible_separation(request, separation_id)
    return JsonResponse(manifest(separation, link_key(request, separation.song)))
