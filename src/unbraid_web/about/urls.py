"""Addresses of the pages about the site."""

from django.urls import path

from unbraid_web.about import views
from unbraid_web.about.listen import PAGE

app_name = "about"
urlpatterns = [
    path("help/", views.show_help, name="help"),
    path("privacy/", views.privacy, name="privacy"),
    path("licence/", views.licence, name="licence"),
    *([path("samples/", views.samples, name="samples")] if PAGE.exists() else []),  # a checkout has them
    path("source.zip", views.source, name="source"),
]
