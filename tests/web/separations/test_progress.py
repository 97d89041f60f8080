"""The line that tells how far a separation is, and its buttons."""

from datetime import timedelta
from pathlib import Path

from django.test import Client
from django.utils import timezone

from tests.web.conftest import Person, Refuses, put
from unbraid_web.separations.models import Separation
from unbraid_web.songs.models import Song


def line(who: Client, song: Song) -> str:
    return who.get(f"/separations/{song.separations.get().pk}/progress/").content.decode()


def test_tells_the_place_in_line(alice: Person, waiting: Song) -> None:
    assert "You’re next." in line(alice.client, waiting)
    for _ in range(2):
        Separation.objects.create(song=waiting, queued_at=timezone.now() - timedelta(minutes=1))
    first = Separation.objects.earliest("created_at")
    assert "Third in the queue." in alice.client.get(f"/separations/{first.pk}/progress/").content.decode()


def test_tells_percent_and_remaining_time(alice: Person, waiting: Song) -> None:
    since = timezone.now() - timedelta(seconds=60)
    waiting.separations.update(
        state="running", stage="separating", fraction=0.25, separating_since=since, segments=2, heartbeat=timezone.now()
    )
    text = line(alice.client, waiting)
    assert "Separating: 25%" in text
    assert "about 3 minutes left." in text
    assert "You can start listening now." in text


def test_stops_asking_when_it_is_over(alice: Person, waiting: Song) -> None:
    assert "hx-trigger" in line(alice.client, waiting)
    waiting.separations.update(state="failed", error="This is not a sound file.")
    answer = alice.client.get(f"/separations/{waiting.separations.get().pk}/progress/")
    assert answer.headers["HX-Trigger"] == "separation-ended"
    assert "This is not a sound file." in answer.content.decode()
    assert "Try again" in answer.content.decode()


def test_the_heading_and_the_window_get_their_title_once_the_file_was_read(alice: Person, waiting: Song) -> None:
    assert "<title>" not in line(alice.client, waiting)
    Song.objects.filter(pk=waiting.pk).update(title="Long One", duration=12.0)
    address = f"/separations/{waiting.separations.get().pk}/progress/"
    first = alice.client.get(address).content.decode()
    assert "<title>Long One · unbraid</title>" in first
    assert "<h1>Long One</h1>" in first
    assert f'hx-get="{address}?key=&amp;decoded"' in first
    assert "<h1>" not in alice.client.get(f"{address}?key=&decoded").content.decode()


def test_cancel_and_retry(alice: Person, waiting: Song) -> None:
    pk = waiting.separations.get().pk
    assert (
        "Stopped." in alice.client.post(f"/separations/{pk}/cancel/", headers={"HX-Request": "true"}).content.decode()
    )
    assert alice.client.post(f"/separations/{pk}/retry/").headers["Location"] == f"/songs/{waiting.pk}/"
    assert Separation.objects.get(pk=pk).state == "queued"
    assert not Separation.objects.get(pk=pk).retry()  # it waits already


def test_visitors_of_the_demo_have_no_buttons(visitor: Client, song_file: Path) -> None:
    song = put(None, song_file)
    assert "Stop" not in line(visitor, song)


def test_the_demo_keeps_the_place_of_its_heading_in_the_page(visitor: Client, song_file: Path) -> None:
    song = put(None, song_file)
    Song.objects.update(duration=12.0)
    assert "<h3>" in line(visitor, song)
    assert "<title>" not in line(visitor, song)


def test_is_nobody_elses(waiting: Song, only_for_alice: Refuses) -> None:
    pk = waiting.separations.get().pk
    only_for_alice(f"/separations/{pk}/progress/", "get", "post")
    only_for_alice(f"/separations/{pk}/cancel/", "post", "get")
    only_for_alice(f"/separations/{pk}/retry/", "post", "get")
