"""An update of the site keeps what its users had."""

import uuid

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from unbraid_web.separations.models import Separation
from unbraid_web.songs.models import Song


@pytest.mark.django_db(transaction=True)
def test_a_running_job_keeps_its_claim_and_every_song_gets_a_separation() -> None:
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes()
    executor.migrate([("separations", "0001_initial")])
    running, lost = (Song.new(None, name, 1) for name in ("running.mp3", "lost.mp3"))
    running.save()
    lost.save()
    claim = uuid.uuid4()
    old = MigrationExecutor(connection).loader.project_state([("separations", "0001_initial")]).apps
    old.get_model("separations", "Separation").objects.create(song_id=running.pk, state="running", claim=claim)

    MigrationExecutor(connection).migrate(latest)
    assert Separation.objects.get(song=running).claim_token == claim
    assert Separation.objects.get(song=lost).state == "queued"
