"""Sends stored files with byte ranges, cached for ever, through nginx or S3 if available."""

import re
from collections.abc import Iterator
from typing import IO
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.http import content_disposition_header

ACCELERATED = "/protected/"  # what nginx calls the folder of the files; a name in a request might be a stranger's
RANGE = re.compile(r"^bytes=([0-9]{0,18})-([0-9]{0,18})$")


def send(
    request: HttpRequest, name: str, content_type: str, *, save_as: str = "", immutable: bool = True
) -> HttpResponseBase:
    """Answer with the stored file `name`; the caller has checked that the person may have it.

    Args:
        save_as: the name under which a browser saves it; empty to show or play it
        immutable: whether this address never holds anything else
    """
    if settings.S3_BUCKET:
        options = {"ResponseContentType": content_type}
        if save_as:
            options["ResponseContentDisposition"] = content_disposition_header(True, save_as) or ""
        # Signed for an hour, so the redirect itself must not be kept any longer than that.
        answer: HttpResponseBase = HttpResponseRedirect(default_storage.url(name, parameters=options))  # type: ignore[call-arg]
        answer["Cache-Control"] = "private, max-age=1800"
        return answer
    if not default_storage.exists(name):
        raise Http404("This file is no longer here.")
    if request.headers.get("X-Accel") == "on":  # nginx says that it can
        answer = HttpResponse(content_type=content_type)
        answer["X-Accel-Redirect"] = ACCELERATED + quote(name)
    else:
        answer = send_ourselves(request, name, content_type)
    if save_as:
        answer["Content-Disposition"] = content_disposition_header(True, save_as) or "attachment"
    answer["Cache-Control"] = "private, max-age=31536000, immutable" if immutable else "private, no-cache"
    return answer


def send_ourselves(request: HttpRequest, name: str, content_type: str) -> HttpResponseBase:
    """Send the file, or the one requested range of bytes (RFC 9110, section 14)."""
    size = default_storage.size(name)
    asked = RANGE.match(request.headers.get("Range", ""))
    file = default_storage.open(name)
    if asked is None or asked.groups() == ("", ""):
        answer: HttpResponseBase = FileResponse(file, content_type=content_type)
        answer["Accept-Ranges"] = "bytes"
        return answer
    first, last = asked.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    file.seek(start)
    answer = FileResponse(Part(file, end - start + 1), status=206, content_type=content_type)
    answer["Content-Length"] = str(end - start + 1)
    answer["Content-Range"] = f"bytes {start}-{end}/{size}"
    answer["Accept-Ranges"] = "bytes"
    return answer


class Part:
    """The next `length` bytes of an open file, as a file."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self._left = file, length

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes of what is left."""
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data

    def __iter__(self) -> Iterator[bytes]:
        while data := self.read(65536):
            yield data

    def close(self) -> None:
        """Close the file."""
        self._file.close()
