"""The library: all songs of a person, to browse, search and sort."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from unbraid_web.accounts.models import User
from unbraid_web.inputs import one_line, uuids
from unbraid_web.songs.limits import quota_of, restore
from unbraid_web.songs.models import SORTS, Song, Upload
from unbraid_web.songs.parts import library_changed, wants_part

PAGE = 24
BIN = 20  # deleted songs that are offered for undoing


@require_safe
@login_required
def library(request: HttpRequest) -> HttpResponse:
    """One page of songs; htmx asks for the list alone."""
    user = request.user
    assert isinstance(user, User)
    context = listing(user, request.GET, uuids(request.GET.getlist("deleted")))
    if request.headers.get("HX-Target") == "songs":
        return render(request, "songs/list.html", context | {"part": True})
    context |= {
        "unfinished": Upload.objects.filter(owner=user).order_by("moved_at"),
        "max_bytes": settings.MAX_UPLOAD_BYTES,
        "max_seconds": settings.MAX_SONG_SECONDS,
    }
    return render(request, "songs/library.html", context)


@require_POST
@login_required
def delete_selected(request: HttpRequest) -> HttpResponse:
    """Take several songs out of the library and offer to undo it."""
    user = request.user
    assert isinstance(user, User)
    chosen = uuids(request.POST.getlist("song"))
    for song in Song.objects.owned_by(user).filter(pk__in=chosen):
        song.trash()
    # also those that were deleted elsewhere meanwhile
    deleted = [str(song.pk) for song in Song.objects.deleted_by(user).filter(pk__in=chosen)]
    if wants_part(request):
        return library_changed(deleted=deleted)
    query = QueryDict(mutable=True)
    query.setlist("deleted", deleted)
    return redirect(f"{reverse('songs:library')}?{query.urlencode()}")


@require_POST
@login_required
def undo_selected(request: HttpRequest) -> HttpResponse:
    """Bring deleted songs back; those that are back already stay where they are."""
    user = request.user
    assert isinstance(user, User)
    for song in Song.objects.deleted_by(user).filter(pk__in=uuids(request.POST.getlist("song"))):
        try:
            restore(user, song)
        except ValidationError as error:
            messages.error(request, f"{song.title}: {error.messages[0]}")
    return library_changed() if wants_part(request) else redirect("songs:library")


def listing(user: User, query: QueryDict, deleted: list[UUID]) -> dict[str, Any]:
    """Return the context of the list of songs.

    Args:
        user: whose songs
        query: words, order and page
        deleted: songs that were deleted just now; those in the bin can be brought back with one click
    """
    words, order = one_line(query.get("q", "")[:100]), query.get("sort", "newest")
    order = order if order in SORTS else "newest"  # it becomes part of the addresses of other pages
    songs = Song.objects.owned_by(user).matching(words).sorted_by(order).with_separations()
    page = Paginator(songs, PAGE).get_page(query.get("page"))
    context: dict[str, Any] = {"page": page, "words": words, "order": order, "sorts": SORTS, "quota": quota_of(user)}
    if deleted:
        context["undo"] = Song.objects.deleted_by(user).filter(pk__in=deleted)
    if not words and page.number == 1:
        context["deleted"] = Song.objects.deleted_by(user)[:BIN]
    return context
