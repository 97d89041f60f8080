"""Names the app for Django."""

from django.apps import AppConfig


class PlayerConfig(AppConfig):
    """The mixer."""

    name = "unbraid_web.player"
    verbose_name = "player"
