"""Rename what a job holds while it runs, and the constraints."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("separations", "0001_initial"),
    ]

    operations = [
        migrations.RenameField("separation", "claim", "claim_token"),
        migrations.RenameField("export", "claim", "claim_token"),
        migrations.RemoveConstraint("stem", "one_stem_a_name"),
        migrations.AddConstraint(
            "stem", models.UniqueConstraint(fields=["separation", "name"], name="unique_stem_name")
        ),
        migrations.RemoveConstraint("export", "one_export_a_wish"),
        migrations.AddConstraint(
            "export", models.UniqueConstraint(fields=["separation", "key"], name="unique_export_recipe")
        ),
        migrations.AlterField(
            "export",
            "key",
            models.CharField(help_text="hash of the recipe: the same recipe is rendered once", max_length=64),
        ),
    ]
