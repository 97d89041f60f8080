"""Names the app for Django."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Tokens and the REST API."""

    name = "unbraid_web.api"
    label = "api"
    verbose_name = "API"
