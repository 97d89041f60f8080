"""One song's card in the library."""

from tests.web.conftest import Person, Refuses
from unbraid_web.songs.models import Song


def test_asks_for_itself_again_while_there_is_something_to_wait_for(alice: Person, waiting: Song) -> None:
    url = f"/songs/{waiting.pk}/card/"
    assert "hx-trigger" in alice.client.get(url).content.decode()
    waiting.separations.update(state="failed")
    card = alice.client.get(url).content.decode()
    assert "hx-trigger" not in card
    assert "Failed" in card


def test_is_nobody_elses(waiting: Song, only_for_alice: Refuses) -> None:
    only_for_alice(f"/songs/{waiting.pk}/card/", "get", "post")
