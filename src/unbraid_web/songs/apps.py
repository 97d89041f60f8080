"""Names the app for Django."""

from django.apps import AppConfig


class SongsConfig(AppConfig):
    """Songs and the library."""

    name = "unbraid_web.songs"
    verbose_name = "songs"
