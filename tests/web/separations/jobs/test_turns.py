"""Everybody takes turns, however many songs one person has in line; and somebody has to be there to do them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models.functions import Now
from django.test import Client

from tests.web.conftest import Person
from unbraid_web.separations.jobs.job import Job
from unbraid_web.separations.jobs.queue import run_job
from unbraid_web.separations.models import Export, Separation, Worker
from unbraid_web.songs import limits
from unbraid_web.songs.models import Song

pytestmark = pytest.mark.django_db


def put_in_line(who: Person, *names: str) -> None:
    for name in names:
        song = Song.new(who.user, name, 1000)
        song.save()
        song.separate()


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have jobs done without any work, and note their order."""
    titles: list[str] = []

    def perform(job: Job) -> None:
        titles.append(str(Separation.objects.get(pk=job.pk).song))
        job.finish()

    monkeypatch.setattr(Job, "perform", perform)
    return titles


def test_people_take_turns(alice: Person, charlie: Person, order: list[str]) -> None:
    put_in_line(alice, "a1", "a2", "a3", "a4")
    put_in_line(charlie, "c1", "c2")
    first = list(Separation.objects.all())
    for job in first[:2]:
        run_job.call("separations.Separation", str(job.pk))
    put_in_line(charlie, "c3")
    for job in (*first[2:], *Separation.objects.exclude(pk__in=[job.pk for job in first])):
        run_job.call("separations.Separation", str(job.pk))
    assert order == ["a1", "c1", "a2", "c2", "a3", "c3", "a4"]


def test_who_comes_while_others_have_hundreds_in_line_is_next_but_one(
    alice: Person, charlie: Person, order: list[str]
) -> None:
    put_in_line(alice, *(f"a{number}" for number in range(40)))
    jobs = list(Separation.objects.in_turn())
    for job in jobs[:10]:
        run_job.call("separations.Separation", str(job.pk))
    assert jobs[10].claim()  # one is being worked on
    put_in_line(charlie, "c")
    assert Separation.objects.get(song__title="c").queue_position == 1
    put_in_line(charlie, "d")
    assert [Separation.objects.get(song__title=title).queue_position for title in ("a11", "d", "a12")] == [2, 3, 4]


def test_every_job_is_done_though_a_message_may_bring_another_one(
    alice: Person, charlie: Person, order: list[str]
) -> None:
    put_in_line(alice, "a1", "a2")
    put_in_line(charlie, "c1")
    for job in reversed(Separation.objects.all()):
        run_job.call("separations.Separation", str(job.pk))
    run_job.call("separations.Separation", str(job.pk))  # delivered twice
    assert sorted(order) == ["a1", "a2", "c1"]


def test_a_person_has_so_many_songs_in_line_and_no_more(alice: Person, settings: Any) -> None:
    settings.MAX_WAITING = 3
    put_in_line(alice, "a1", "a2")
    limits.announce(alice.user, "a3", 10)
    with pytest.raises(ValidationError, match="You already have 3 songs waiting"):
        limits.announce(alice.user, "a4", 10)
    Separation.objects.filter(song__title="a1").update(state="failed")
    limits.announce(alice.user, "a4", 10)
    pk = Separation.objects.get(song__title="a1").pk
    answer = alice.client.post(f"/separations/{pk}/retry/", headers={"HX-Request": "true"})
    assert "You already have 3 songs waiting" in answer.content.decode()
    page = alice.client.post(f"/separations/{pk}/retry/", follow=True).content.decode()
    assert "You already have 3 songs waiting" in page
    assert Separation.objects.get(pk=pk).state == "failed"


def test_a_song_has_so_many_downloads_in_line_and_no_more(alice: Person, separation: Separation, settings: Any) -> None:
    settings.MAX_WAITING = 2
    url = f"/separations/{separation.pk}/exports/"
    ask = [
        alice.client.post(
            url, {"kind": "mix", "format": "mp3", "stems": {"bass": {"gain": gain}}}, content_type="application/json"
        )
        for gain in (0.5, 0.6, 0.7)
    ]
    assert [answer.status_code for answer in ask] == [202, 202, 422]
    assert Export.objects.count() == 2


def test_the_page_and_healthz_say_when_nobody_works(alice: Person, visitor: Client, waiting: Song) -> None:
    url, nobody = f"/separations/{waiting.separation.pk}/progress/", "No worker is running at the moment"
    assert nobody in alice.client.get(url).content.decode()
    assert visitor.get("/healthz").json()["workers"] == "none"
    Worker(name="here:1").beat()
    assert nobody not in alice.client.get(url).content.decode()
    assert visitor.get("/healthz").json()["workers"] == "ok"
    Worker.objects.update(seen_at=Now() - timedelta(minutes=5))
    assert visitor.get("/healthz").json()["workers"] == "none"


def test_a_broker_that_is_away_costs_no_upload(
    alice: Person, song_file: Path, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def away(*_: object) -> None:
        raise ConnectionError("the broker is away")

    monkeypatch.setattr(type(run_job), "enqueue", away)
    with django_capture_on_commit_callbacks(execute=True), song_file.open("rb") as file:
        assert alice.client.post("/uploads/whole/", {"files": file}).status_code == 302
    assert Separation.objects.get().state == "queued"  # the housekeeper sends the message again
