"""Names the app for Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People and their passwords."""

    name = "unbraid_web.accounts"
    verbose_name = "accounts"
