"""Pages about the site: there for everybody, complete, and without a request to another site."""

import ast
import io
import re
import zipfile

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from tests.web.conftest import body


@pytest.mark.parametrize("path", ["help", "privacy", "licence", "samples", "api"])
def test_is_there_for_everybody_and_linked(visitor: Client, path: str) -> None:
    answer = visitor.get(f"/{path}/")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert not re.findall(r'(?:src|href)="(?:https?:)?//(?!creativecommons)', page)
    assert visitor.post(f"/{path}/").status_code == 405
    linked = set(re.findall(r'href="(/[^"]*)"', visitor.get("/help/").content.decode()))
    assert f"/{path}/" in linked
    assert all(visitor.get(address).status_code in (200, 302) for address in linked if "static" not in address)


def test_samples_have_their_sounds_on_this_site(visitor: Client) -> None:
    sounds = re.findall(r'<audio[^>]* src="/static/([^"]+)"', visitor.get("/samples/").content.decode())
    assert len(sounds) == 18
    assert all(finders.find(sound) for sound in sounds)


def test_the_source_is_that_of_both_packages_and_nothing_else(visitor: Client) -> None:
    with zipfile.ZipFile(io.BytesIO(body(visitor.get("/source.zip")))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        for name in ("unbraid/separator.py", "unbraid_web/settings.py"):
            ast.parse(archive.read(name))
    assert {name.split("/")[0] for name in names} == {"unbraid", "unbraid_web"}
    assert "unbraid/weights/MODEL_CARD.md" in names
    assert not [name for name in names if "secret" in name or name.endswith((".sqlite3", ".env", ".pyc"))]
