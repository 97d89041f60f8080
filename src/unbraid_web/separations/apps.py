"""Names the app for Django."""

from django.apps import AppConfig


class SeparationsConfig(AppConfig):
    """Background work and stems."""

    name = "unbraid_web.separations"
    verbose_name = "separations"
