"""Receiving files: in one go from a plain form, or in pieces that survive a dropped connection.

POST  /uploads/            {"filename", "size",           201 {"url", "received"}    a known unfinished file goes on
                            "fingerprint"}
GET   /uploads/<id>/                                      200 {"received"}
PATCH /uploads/<id>/       Upload-Offset: n, the bytes    200 {"received"}           409 {"received"}: go on there
                                                          201 {"song"}: it was the last piece
DELETE /uploads/<id>/                                     204
"""

import contextlib
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from unbraid_web.accounts.models import User
from unbraid_web.inputs import one_line, read_json
from unbraid_web.songs import storage
from unbraid_web.songs.limits import announce
from unbraid_web.songs.models import Song, Upload
from unbraid_web.songs.parts import library_changed, wants_part
from unbraid_web.songs.receiving import receive_file

MIN_PIECE, MAX_PIECE = 256 * 2**10, 8 * 2**20  # in bytes; each piece is a file until the last one has come
FULL = "The server has no room left at the moment. Try again later; what you have sent is kept."


def current_user(request: HttpRequest) -> User | None:
    """Return who asks, or None for a visitor."""
    return request.user if isinstance(request.user, User) else None


def error_response(sentence: str, status: int) -> JsonResponse:
    """Answer with a sentence."""
    return JsonResponse({"error": sentence}, status=status)


def announcement(request: HttpRequest) -> dict[str, Any]:
    """Return the announced file's `filename`, its `size` in bytes, and the `fingerprint` of what is in it.

    Raises:
        ValueError: with a sentence, when the request names neither name nor size, or something else.
    """
    with contextlib.suppress(ValueError):
        match read_json(request):
            case {"filename": str(filename), "size": int(size), **rest} if type(size) is int and one_line(filename):
                fingerprint = one_line(str(rest.get("fingerprint", "")))[:64]
                return {"filename": one_line(filename)[-255:], "size": size, "fingerprint": fingerprint}
    raise ValueError("Send the file's name, and its size in bytes.")


@require_POST
def begin_upload(request: HttpRequest) -> JsonResponse:
    """Announce a file; the same file announced again goes on where it stopped."""
    user = current_user(request)
    if user is None:
        return error_response("You've been logged out. Log in, then choose the file again.", 401)
    try:
        file = announcement(request)
    except ValueError as error:
        return error_response(str(error), 400)
    upload = Upload.objects.filter(owner=user, **file).first()
    if upload is None:
        try:
            upload = announce(user, **file)
        except ValidationError as error:
            return error_response(error.messages[0], 422)
    return JsonResponse(
        {"url": reverse("songs:upload", args=[upload.pk]), "received": upload.received, "piece": MAX_PIECE}, status=201
    )


@require_http_methods(["GET", "PATCH", "DELETE"])
def upload_piece(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Take the next piece, report the upload's progress, or drop it."""
    user = current_user(request)
    if user is None:
        return error_response("You've been logged out. Log in, then choose the file again.", 401)
    upload = Upload.objects.filter(pk=upload_id, owner=user).first()
    made = {"song": reverse("player:song", args=[upload_id])}
    if upload is None:  # it may be a song by now, and the answer that said so was lost
        get_object_or_404(Song.objects.owned_by(user), pk=upload_id)
        return JsonResponse(made, status=201)
    if request.method == "DELETE":
        upload.delete_with_files()
        return HttpResponse(status=204)
    if request.method == "GET":
        return JsonResponse({"received": upload.received})
    if request.headers.get("Upload-Offset") != str(upload.received):
        return JsonResponse({"received": upload.received}, status=409)
    body = request.body
    left = upload.size - upload.received  # 0: all is here, but there was no room to make a song of it
    if len(body) > min(MAX_PIECE, left) or (left and not body):
        return error_response(
            f"A piece must have between 1 and {MAX_PIECE} bytes, and no more than were announced.", 413
        )
    if len(body) < min(MIN_PIECE, left):
        return error_response(f"A piece must have at least {MIN_PIECE} bytes, except for the last one.", 413)
    # The last piece brings them together in a second file, of the whole size.
    wanted = len(body) + (upload.size if len(body) == left else 0)
    try:
        if not storage.has_room(wanted):
            return error_response(FULL, 507)
        if left and not upload.add(body):
            return JsonResponse({"received": upload.received}, status=409)
        if upload.received < upload.size:
            return JsonResponse({"received": upload.received})
        upload.become_song()
    except OSError as error:
        if storage.is_full(error):
            return error_response(FULL, 507)
        raise
    return JsonResponse(made, status=201)


@require_POST
@login_required
def drop_upload(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """Drop an unfinished upload."""
    get_object_or_404(Upload, pk=upload_id, owner=current_user(request)).delete_with_files()
    return library_changed() if wants_part(request) else redirect("songs:library")


@require_POST
@login_required
def upload_form(request: HttpRequest) -> HttpResponse:
    """Take files from a plain form, for browsers that run no scripts."""
    user = current_user(request)
    assert user is not None
    for file in request.FILES.getlist("files"):
        try:
            receive_file(user, file)
        except ValidationError as error:
            messages.error(request, f"{file.name}: {error.messages[0]}")
    return redirect("songs:library")
