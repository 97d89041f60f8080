"""Songs are searched and sorted by folded text, which reads the same in every database."""

from typing import Any

from django.db import migrations, models

from unbraid_web.folding import fold


def fold_names(apps: Any, schema_editor: Any) -> None:
    """Fill the new columns, some hundred songs at a time."""
    Song = apps.get_model("songs", "Song")
    some = []
    for song in Song.objects.only("title", "artist", "filename").iterator(500):
        song.search_text = fold("\n".join((song.title, song.artist, song.filename)))[:2000]
        song.sort_title = fold(song.title)[:100]
        some.append(song)
        if len(some) == 500:
            Song.objects.bulk_update(some, ["search_text", "sort_title"])
            some = []
    Song.objects.bulk_update(some, ["search_text", "sort_title"])


class Migration(migrations.Migration):
    """Add the columns, fill them, and sort by them."""

    dependencies = (("songs", "0003_upload_fingerprint"),)

    operations = (
        migrations.AddField("song", "search_text", models.CharField(default="", editable=False, max_length=2000)),
        migrations.AddField("song", "sort_title", models.CharField(default="", editable=False, max_length=100)),
        migrations.RunPython(fold_names, migrations.RunPython.noop),
        migrations.RemoveIndex("song", "song_by_title"),
        migrations.AddIndex("song", models.Index(fields=["owner", "deleted_at", "sort_title"], name="song_by_title")),
    )
