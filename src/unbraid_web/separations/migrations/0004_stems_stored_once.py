"""Stems are stored once, in segments: the whole files beside them go, and what they took is given back."""

from typing import Any

from django.core.files.storage import default_storage
from django.db import migrations, models
from django.db.models import F


def delete_whole_files(apps: Any, editor: Any) -> None:
    """Delete the whole file of every stem; separations from before have no headroom and clip at full scale."""
    stem_rows, separations = apps.get_model("separations", "Stem").objects, apps.get_model("separations", "Separation")
    songs = apps.get_model("songs", "Song").objects
    fields = ("pk", "name", "separation_id", "separation__run", "separation__song_id")
    for pk, name, separation, run, song in list(stem_rows.exclude(separation__run="").values_list(*fields)):
        file = f"separations/{separation}/{run}/{name}.flac"
        if default_storage.exists(file):
            size = default_storage.size(file)
            default_storage.delete(file)
            stem_rows.filter(pk=pk).update(bytes_stored=F("bytes_stored") - size)
            separations.objects.filter(pk=separation).update(bytes_stored=F("bytes_stored") - size)
            songs.filter(pk=song).update(bytes_total=F("bytes_total") - size)


class Migration(migrations.Migration):
    dependencies = [
        ("separations", "0003_every_song_has_a_separation"),
    ]

    operations = [
        migrations.AddField(
            "separation",
            "headroom",
            models.FloatField(default=1.0, help_text="by how much stored samples are softer than in the song"),
        ),
        migrations.AddField(
            "separation", "peak", models.FloatField(default=1.0, help_text="of the loudest stem; 1 is full scale")
        ),
        migrations.RunPython(delete_whole_files, migrations.RunPython.noop),
    ]
