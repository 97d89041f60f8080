"""Who may see what: the owner everything, everybody the demo, a holder of the private link one song."""

from uuid import UUID

from django.db.models import Q
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from unbraid_web.separations.models import Separation
from unbraid_web.songs.models import Song


def audible(request: HttpRequest) -> Q:
    """Return the condition on songs that this visitor may hear; the link's key travels as `?key=`."""
    allowed = Q(owner=None)
    if request.user.is_authenticated:
        allowed |= Q(owner=request.user)
    if key := request.GET.get("key"):
        allowed |= Q(share_token=key)
    return allowed & Q(deleted_at=None)


def song_to_hear(request: HttpRequest, song_id: UUID) -> Song:
    """Return a song that this visitor may hear; anything else does not exist for them."""
    return get_object_or_404(Song.objects.filter(audible(request)), pk=song_id)


def separation_to_hear(request: HttpRequest, separation_id: UUID) -> Separation:
    """Return a separation whose song this visitor may hear."""
    songs = Song.objects.filter(audible(request))
    found: Separation = get_object_or_404(Separation.objects.select_related("song"), pk=separation_id, song__in=songs)
    return found


def own_song(request: HttpRequest, song_id: UUID, *, deleted: bool = False) -> Song:
    """Return a song that belongs to this visitor."""
    if not request.user.is_authenticated:
        raise Http404
    songs = Song.objects.filter(owner=request.user, deleted_at__isnull=not deleted)
    return get_object_or_404(songs, pk=song_id)


def own_separation(request: HttpRequest, separation_id: UUID) -> Separation:
    """Return a separation whose song belongs to this visitor."""
    if not request.user.is_authenticated:
        raise Http404
    separations = Separation.objects.select_related("song").filter(song__deleted_at=None, song__owner=request.user)
    found: Separation = get_object_or_404(separations, pk=separation_id)
    return found
