"""Decides by a request's headers how large its body may be: very small for unknown senders."""

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest, parse_cookie

from unbraid_web.accounts.models import User
from unbraid_web.api.models import Scope, Token
from unbraid_web.songs import storage
from unbraid_web.songs.limits import NO_ROOM, refusal_reason
from unbraid_web.songs.views.uploads import MAX_PIECE
from unbraid_web.web_server import Refusal

FORM = 64 * 1024  # the longest form, recipe or line of JSON is far below
WHOLE_FILES = {"/uploads/whole/", "/api/v1/songs"}


def body_limit(path: str, headers: dict[str, str], bytes_awaited: int) -> int:
    """Return how many bytes of a request's body are read.

    Args:
        path: The request's path.
        headers: Its headers, their names in capitals with underscores.
        bytes_awaited: How many bytes other requests have still to send.

    Raises:
        Refusal: the body must not be read at all.
    """
    announced = headers.get("CONTENT_LENGTH", "")
    length = int(announced) if announced.isascii() and announced.isdigit() else 0
    chunked = "CONTENT_LENGTH" not in headers
    is_upload = path.startswith("/uploads/") or path in WHOLE_FILES
    if not is_upload or (length <= FORM and not chunked):
        return FORM
    try:
        close_old_connections()
        user = sender(headers)
        if user is None:
            return FORM
        if path not in WHOLE_FILES:
            return MAX_PIECE
        # The file lies on the disk twice for a moment, as received and as stored.
        if not storage.has_room(2 * (length or settings.MAX_UPLOAD_BYTES) + bytes_awaited):
            raise Refusal(507, "Insufficient Storage", NO_ROOM)
        if length > FORM and (sentence := refusal_reason(user, length - FORM)):
            raise Refusal(413, "Request Entity Too Large", sentence)
    except DatabaseError as error:
        raise Refusal(
            503, "Service Unavailable", "The server can't take files at the moment. Please try again."
        ) from error
    return settings.MAX_UPLOAD_BYTES + FORM


def sender(headers: dict[str, str]) -> User | None:
    """Return the user who sent these headers, by token or session, or None if unknown."""
    kind, _, secret = headers.get("AUTHORIZATION", "").partition(" ")
    if kind.lower() == "bearer":
        token = Token.find(secret.strip())
        return token.owner if token and token.scope == Scope.WRITE else None
    key = parse_cookie(headers.get("COOKIE", "")).get(settings.SESSION_COOKIE_NAME, "")
    if not key.isalnum():
        return None
    request = HttpRequest()
    request.session = SessionStore(key)
    user = get_user(request)
    return user if isinstance(user, User) else None
