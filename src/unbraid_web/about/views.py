"""The pages about the site."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from unbraid_web.about.listen import sections
from unbraid_web.separations.archive import stream_zip
from unbraid_web.separations.housekeeping import EXPORT_LIFE

PACKAGES = ("unbraid", "unbraid_web")
LEFT_OUT = {".pyc", ".onnx"}  # what Python made, and the weights, which are no source


@require_safe
def show_help(request: HttpRequest) -> HttpResponse:
    """How to use the site, and what its limits are."""
    context = {
        "max_bytes": settings.MAX_UPLOAD_BYTES,
        "max_seconds": settings.MAX_SONG_SECONDS,
        "max_user_bytes": settings.MAX_USER_BYTES,
        "undo_seconds": settings.UNDO_SECONDS,
        "stem_seconds": settings.STEM_DAYS * 86_400,
    }
    return render(request, "about/help.html", context)


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """What is stored about people, for how long, and who sees it."""
    context = {
        "undo_seconds": settings.UNDO_SECONDS,
        "export_seconds": EXPORT_LIFE.total_seconds(),
        "by_mail": settings.CONFIRM_BY_MAIL,
    }
    return render(request, "about/privacy.html", context)


@require_safe
def licence(request: HttpRequest) -> HttpResponse:
    """What everybody may do with the program."""
    return render(request, "about/licence.html")


@require_safe
def samples(request: HttpRequest) -> HttpResponse:
    """Songs and their stems, to listen to before signing up."""
    return render(request, "about/samples.html", {"sections": sections()})


@require_safe
def source(request: HttpRequest) -> StreamingHttpResponse:
    """The program's source, as it runs here."""
    answer = StreamingHttpResponse(stream_zip(source_files()), content_type="application/zip")
    answer["Content-Disposition"] = 'attachment; filename="unbraid-source.zip"'
    answer["Cache-Control"] = "public, max-age=3600"
    return answer


def source_files() -> Iterator[tuple[str, list[bytes]]]:
    """Yield the files of both packages, with their contents."""
    for package in PACKAGES:
        spec = find_spec(package)
        assert spec and spec.origin
        folder = Path(spec.origin).parent
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in LEFT_OUT:
                yield f"{package}/{path.relative_to(folder).as_posix()}", [path.read_bytes()]
