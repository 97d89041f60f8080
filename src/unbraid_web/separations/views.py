"""Progress, stems and exports over HTTP."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from unbraid_web.accounts.throttle import Throttle, client_place
from unbraid_web.inputs import read_json
from unbraid_web.separations import media
from unbraid_web.separations.access import audible_separation, own_separation
from unbraid_web.separations.jobs.job import State
from unbraid_web.separations.models import Export, Separation
from unbraid_web.separations.preparing import has_waited, refused_page, started_page, waiting_page
from unbraid_web.separations.quota import request_export
from unbraid_web.separations.recipes import CONTENT_TYPES, stem_recipe
from unbraid_web.songs.access import link_key
from unbraid_web.songs.limits import check_waiting

EXPORTS = Throttle("exports", limit=60, seconds=10 * 60)


@require_safe
@never_cache
def progress(request: HttpRequest, separation_id: UUID) -> HttpResponse:
    """The line that shows progress; htmx requests it while there is something to wait for."""
    separation = audible_separation(request, separation_id)
    song = separation.song
    context = {
        "separation": separation,
        "song": song,
        "key": link_key(request, song),
        "fresh_heading": not separation.is_active or bool(song.duration and "decoded" not in request.GET),
        "heading": "" if song.owner_id else "h2",  # the demo is a part of the welcome page
        "mine": song.owner_id is not None and song.owner_id == request.user.pk,
    }
    answer = render(request, "separations/progress.html", context)
    if not separation.is_active:
        answer["HX-Trigger"] = "separation-ended"
    return answer


@require_POST
def cancel(request: HttpRequest, separation_id: UUID) -> HttpResponse:
    """Stop waiting or working."""
    separation = own_separation(request, separation_id)
    separation.cancel()
    return progress_or_page(request, separation)


@require_POST
def retry(request: HttpRequest, separation_id: UUID) -> HttpResponse:
    """Try again."""
    separation = own_separation(request, separation_id)
    assert separation.song.owner is not None
    try:
        check_waiting(separation.song.owner)
    except ValidationError as error:
        return progress_or_page(request, separation, error.messages[0])
    separation.retry()
    return progress_or_page(request, separation)


def progress_or_page(request: HttpRequest, separation: Any, refused: str = "") -> HttpResponse:
    """Answer htmx with the line or the card, a plain form with the page; with a sentence where it was refused."""
    if request.headers.get("HX-Target", "").startswith("song-"):
        return render(request, "songs/card.html", {"song": separation.song, "refused": refused, "focus": True})
    if request.headers.get("HX-Request"):
        context = {"separation": separation, "song": separation.song, "refused": refused, "focus": True}
        return render(request, "separations/progress.html", context)
    if refused:
        messages.error(request, refused)
    return redirect("player:song", separation.song_id)


@require_safe
def segment(request: HttpRequest, separation_id: UUID, name: str, number: int) -> HttpResponseBase:
    """A few seconds of one stem."""
    separation = audible_separation(request, separation_id)
    if number >= separation.segments:
        raise Http404("This part hasn't been separated yet.")
    stem = get_object_or_404(separation.stems, name=name)
    return media.send(request, stem.segment(number), "audio/flac")


@require_safe
def compressed_segment(request: HttpRequest, separation_id: UUID, name: str, number: int) -> HttpResponseBase:
    """A few seconds of one stem, small."""
    separation = audible_separation(request, separation_id)
    if not separation.compressed or number >= separation.segments:
        raise Http404("This part hasn't been separated yet.")
    stem = get_object_or_404(separation.stems, name=name)
    return media.send(request, stem.compressed(number), CONTENT_TYPES["opus"])


@require_safe
def spectrogram(request: HttpRequest, separation_id: UUID, name: str) -> HttpResponseBase:
    """The picture of one stem's spectrum."""
    separation = audible_separation(request, separation_id)
    stem = get_object_or_404(separation.stems, name=name)
    return media.send(request, stem.spectrogram, "image/png")


@require_safe
@never_cache
def stem_file(request: HttpRequest, separation_id: UUID, name: str) -> HttpResponseBase:
    """One whole stem as FLAC, or a page that waits until a worker has put it together."""
    separation = audible_separation(request, separation_id)
    if separation.state != State.DONE:
        raise Http404("This song hasn't been separated yet.")
    stem = get_object_or_404(separation.stems, name=name)
    try:
        found = request_export(separation, stem_recipe(stem.name), is_visitor=is_visitor(request, separation))
    except ValidationError as error:
        return refused_page(request, error.messages[0], status=422)
    if found.state != State.DONE:
        return waiting_page(request, name=found.filename)
    if has_waited(request):
        return started_page(request, name=found.filename)
    return media.send(request, found.file, CONTENT_TYPES["flac"], save_as=found.filename, immutable=False)


@require_safe
def original(request: HttpRequest, separation_id: UUID) -> HttpResponseBase:
    """The file that was uploaded, for whoever may hear what was made of it."""
    song = audible_separation(request, separation_id).song
    return media.send(request, song.upload, "application/octet-stream", save_as=song.filename, immutable=False)


@require_POST
def export(request: HttpRequest, separation_id: UUID) -> HttpResponse:
    """Ask for a download that has to be rendered; the answer is a line that follows its progress."""
    separation = audible_separation(request, separation_id)
    if separation.state != State.DONE:
        return JsonResponse({"error": "This song hasn't been separated yet."}, status=409)
    try:
        recipe = separation.validated(read_json(request))
    except (ValueError, ValidationError) as error:
        return JsonResponse({"error": getattr(error, "message", "This isn't a valid recipe.")}, status=422)
    if not EXPORTS.admits(client_place(request)):
        return JsonResponse({"error": "That's a lot of downloads. Please wait a few minutes."}, status=429)
    try:
        found = request_export(separation, recipe, is_visitor=is_visitor(request, separation))
    except ValidationError as error:
        return JsonResponse({"error": error.messages[0]}, status=422)
    return JsonResponse(export_facts(request, found), status=202)


def is_visitor(request: HttpRequest, separation: Separation) -> bool:
    """Whether somebody else than the song's owner asks."""
    return separation.song.owner_id not in (None, request.user.pk)


@require_safe
@never_cache
def export_status(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """How far an export is, and where to get it."""
    found = get_object_or_404(Export.objects.select_related("separation__song"), pk=export_id)
    audible_separation(request, found.separation_id)
    return JsonResponse(export_facts(request, found))


@require_safe
def export_file(request: HttpRequest, export_id: UUID) -> HttpResponseBase:
    """The rendered file."""
    found = get_object_or_404(Export, pk=export_id, state=State.DONE)
    audible_separation(request, found.separation_id)
    content_type = "application/zip" if found.recipe["kind"] == "zip" else CONTENT_TYPES[found.recipe["format"]]
    return media.send(request, found.file, content_type, save_as=found.filename, immutable=False)


def export_facts(request: HttpRequest, found: Export) -> dict[str, Any]:
    """Return the facts about an export that the player needs."""
    key = f"?key={key}" if (key := link_key(request, found.separation.song)) else ""
    done = found.state == State.DONE
    return {
        "id": str(found.pk),
        "state": found.state,
        "fraction": found.fraction,
        "error": found.error,
        "filename": found.filename,
        "status": reverse("separations:export_status", args=[found.pk]) + key,
        "file": reverse("separations:export_file", args=[found.pk]) + key if done else None,
    }
