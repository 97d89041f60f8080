"""Addresses below /api/."""

from django.urls import path

from unbraid_web.api import views

app_name = "api"
urlpatterns = [
    path("", views.page, name="page"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:token_id>/withdraw/", views.withdraw, name="withdraw"),
]
