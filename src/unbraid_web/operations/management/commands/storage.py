"""`manage.py storage`: lists who stores how much, the largest first."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from unbraid_web.accounts.models import User
from unbraid_web.formatting import size


class Command(BaseCommand):
    """Prints a line for each person: bytes, share of their limit, songs."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Report."""
        stored = Coalesce(Sum("songs__bytes_total"), 0)
        people = User.objects.annotate(songs_=Count("songs"), bytes_=stored).order_by("-bytes_", "email")
        for person in people.iterator():
            share = person.bytes_ / person.max_bytes
            self.stdout.write(f"{size(person.bytes_):>10} {share:>5.0%} {person.songs_:>6} songs  {person.email}")
