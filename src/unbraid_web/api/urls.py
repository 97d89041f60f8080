"""Addresses below /api/."""

from django.urls import path

from unbraid_web.api import views

app_name = "api"
urlpatterns = [
    path("", views.introduction, name="introduction"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", views.revoke, name="revoke"),
]
