"""Names the app for Django."""

from django.apps import AppConfig


class AboutConfig(AppConfig):
    """Pages about the site."""

    name = "unbraid_web.about"
    verbose_name = "about"
