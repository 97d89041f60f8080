"""Addresses of the pages with the mixer."""

from django.urls import path

from unbraid_web.player import views

app_name = "player"
urlpatterns = [
    path("", views.welcome, name="welcome"),
    path("songs/<uuid:song_id>/", views.song, name="song"),
    path("s/<str:token>/", views.shared, name="shared"),
    path("separations/<uuid:separation_id>/manifest.json", views.manifest_json, name="manifest"),
]
