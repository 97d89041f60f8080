"""Names the app for Django, and has it look at the settings before anything starts."""

from django.apps import AppConfig
from django.core import checks

from unbraid_web.operations import configuration


class OperationsConfig(AppConfig):
    """What whoever runs the site needs."""

    name = "unbraid_web.operations"

    def ready(self) -> None:
        """Refuse to start with settings that cannot work or are not safe; `check --deploy` warns of others too."""
        checks.register(configuration.refusals)
        checks.register(configuration.warnings, deploy=True)
