"""The library: every song of a person, found again by looking, searching and sorting."""

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from unbraid_web.accounts.models import User
from unbraid_web.inputs import one_line
from unbraid_web.songs.limits import quota_of
from unbraid_web.songs.models import SORTS, Song

PAGE = 24
BIN = 20  # deleted songs that are offered for undoing


@require_safe
@login_required
def library(request: HttpRequest) -> HttpResponse:
    """One page of songs; htmx asks for the list alone."""
    user = request.user
    assert isinstance(user, User)
    words, order = one_line(request.GET.get("q", "")[:100]), request.GET.get("sort", "newest")
    order = order if order in SORTS else "newest"  # it becomes part of the addresses of other pages
    songs = Song.objects.owned_by(user).matching(words).sorted_by(order).with_separations()
    page = Paginator(songs, PAGE).get_page(request.GET.get("page"))
    context: dict[str, object] = {"page": page, "words": words, "order": order, "sorts": SORTS}
    if not words and page.number == 1:
        context["deleted"] = Song.objects.deleted_by(user)[:BIN]
    if request.headers.get("HX-Target") == "songs":
        return render(request, "songs/list.html", context)
    context |= {
        "undo": just_deleted(user, request.GET.get("deleted", "")),
        "quota": quota_of(user),
        "max_bytes": settings.MAX_UPLOAD_BYTES,
        "max_minutes": settings.MAX_SONG_SECONDS / 60,
    }
    return render(request, "songs/library.html", context)


def just_deleted(user: User, song_id: str) -> Song | None:
    """Return the song that the address names, if it is one that this person deleted and can bring back."""
    try:
        return Song.objects.deleted_by(user).filter(pk=UUID(song_id)).first()
    except ValueError:
        return None
