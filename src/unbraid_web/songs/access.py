"""Which songs a visitor may reach: the owner their own, everybody the demo, a holder of the private link one song."""

from uuid import UUID

from django.db.models import Q
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from unbraid_web.songs.models import Song
from unbraid_web.songs.models.song import SongQuerySet


def audible_songs(request: HttpRequest) -> SongQuerySet:
    """Return the songs that this visitor may hear; the link's key travels as `?key=`."""
    allowed = Q(owner=None)
    if request.user.is_authenticated:
        allowed |= Q(owner=request.user)
    if key := request.GET.get("key"):
        allowed |= Q(share_token=key)
    return Song.objects.kept().filter(allowed)


def link_key(request: HttpRequest, song: Song) -> str:
    """Return the private link's key if the visitor came by it; whatever else was sent never gets into an address."""
    key = request.GET.get("key", "")
    return key if key and key == song.share_token else ""


def own_song(request: HttpRequest, song_id: UUID, *, deleted: bool = False) -> Song:
    """Return a song that belongs to this visitor; anything else does not exist for them."""
    if not request.user.is_authenticated:
        raise Http404
    songs = Song.objects.filter(owner=request.user, deleted_at__isnull=not deleted)
    return get_object_or_404(songs, pk=song_id)
