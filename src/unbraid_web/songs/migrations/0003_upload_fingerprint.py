"""Uploads tell files of one name and size apart."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the fingerprint."""

    dependencies = (("songs", "0002_count_bytes_in_the_index"),)

    operations = (
        migrations.AddField(
            model_name="upload",
            name="fingerprint",
            field=models.CharField(
                blank=True, default="", help_text="tells files of one name and size apart", max_length=64
            ),
            preserve_default=False,
        ),
    )
