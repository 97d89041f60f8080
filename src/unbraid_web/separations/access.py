"""Which separations a visitor may reach: those of the songs that they may hear, and to change, their own."""

from uuid import UUID

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from unbraid_web.separations.models import Separation
from unbraid_web.songs.access import audible_songs


def audible_separation(request: HttpRequest, separation_id: UUID) -> Separation:
    """Return a separation whose song this visitor may hear; anything else does not exist for them."""
    separations = Separation.objects.select_related("song").filter(song__in=audible_songs(request))
    found: Separation = get_object_or_404(separations, pk=separation_id)
    return found


def own_separation(request: HttpRequest, separation_id: UUID) -> Separation:
    """Return a separation whose song belongs to this visitor."""
    if not request.user.is_authenticated:
        raise Http404
    separations = Separation.objects.select_related("song").filter(song__deleted_at=None, song__owner=request.user)
    found: Separation = get_object_or_404(separations, pk=separation_id)
    return found
