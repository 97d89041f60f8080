"""`manage.py doctor`: checks settings, database, storage, model and the rest, and says what to fix."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from unbraid_web.operations.doctor import Level, examine


class Command(BaseCommand):
    """Checks the site with the current settings; exits with 1 if anything fails."""

    help = __doc__
    requires_system_checks = ()  # it says by itself what they say

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each part."""
        failed = False
        for finding in examine():
            self.stdout.write(str(finding))
            self.stdout.flush()
            failed = failed or finding.level is Level.FAIL
        if failed:
            sys.exit(1)
