"""What can be done to one song: rename, delete, bring back, share."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from unbraid_web.songs.access import own_song
from unbraid_web.songs.limits import restore
from unbraid_web.songs.models import Song
from unbraid_web.songs.parts import COUNT_CHANGED, library_changed, wants_part


@require_safe
def card(request: HttpRequest, song_id: UUID) -> HttpResponse:
    """One song as it stands in the library; it asks for itself again while it is being separated."""
    return render(request, "songs/card.html", {"song": own_song(request, song_id), "focus": "focus" in request.GET})


@require_http_methods(["GET", "POST"])
def rename(request: HttpRequest, song_id: UUID) -> HttpResponse:
    """Change title and artist."""
    song = own_song(request, song_id)
    error, in_card = "", request.GET.get("in") == "card"
    if request.method == "POST":
        try:
            song.rename(request.POST.get("title", ""), request.POST.get("artist", ""))
        except ValidationError as refused:
            error = refused.messages[0]
        else:
            if wants_part(request):
                part = "songs/card.html" if in_card else "songs/heading.html"
                return render(request, part, {"song": song, "mine": True, "focus": True})
            return redirect("player:song", song.pk)
    template = "songs/rename_form.html" if wants_part(request) else "songs/rename.html"
    context = {"song": song, "error": error, "in_card": in_card}
    return render(request, template, context, status=422 if error else 200)


@require_POST
def delete(request: HttpRequest, song_id: UUID) -> HttpResponse:
    """Take the song out of the library and offer to undo it."""
    song = own_song(request, song_id)
    song.trash()
    if wants_part(request) and request.headers.get("HX-Target", "").startswith("song-"):
        answer = render(request, "songs/deleted_card.html", {"song": song, "focus": True})
        answer["HX-Trigger"] = COUNT_CHANGED
        return answer
    return redirect(f"{reverse('songs:library')}?deleted={song.pk}")


@require_POST
def undo(request: HttpRequest, song_id: UUID) -> HttpResponse:
    """Bring a deleted song back, and its place in line if it had one."""
    song = own_song(request, song_id, deleted=True)
    assert song.owner is not None
    try:
        restore(song.owner, song)
    except ValidationError as error:
        messages.error(request, error.messages[0])
        return library_changed() if wants_part(request) else redirect("songs:library")
    if request.GET.get("in") == "bin":  # the line goes, and the list has the song again
        return library_changed()
    if wants_part(request):
        answer = render(request, "songs/card.html", {"song": song, "focus": True})
        answer["HX-Trigger"] = COUNT_CHANGED
        return answer
    return redirect("player:song", song.pk)


@require_POST
def share(request: HttpRequest, song_id: UUID) -> HttpResponse:
    """Make the private link, or withdraw it."""
    song: Song = own_song(request, song_id)
    if request.POST.get("withdraw"):
        song.unshare()
    else:
        song.share()
    if wants_part(request):
        return render(request, "songs/share.html", {"song": song, "focus": True})
    return redirect("player:song", song.pk)
