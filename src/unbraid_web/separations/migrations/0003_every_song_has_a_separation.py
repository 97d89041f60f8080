"""Put songs in line whose separation was lost between two writes; from now on both are one."""

from typing import Any

from django.db import migrations


def add_missing(apps: Any, editor: Any) -> None:
    """Add the missing rows; housekeeping reminds workers of them."""
    songs = apps.get_model("songs", "Song").objects.filter(separations=None)
    separations = apps.get_model("separations", "Separation").objects
    separations.bulk_create([separations.model(song=song) for song in songs.iterator()], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [
        ("separations", "0002_clearer_names"),
    ]

    operations = [migrations.RunPython(add_missing, migrations.RunPython.noop)]
