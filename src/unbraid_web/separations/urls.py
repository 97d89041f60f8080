"""Addresses of separations, stems and exports."""

from django.urls import path

from unbraid_web.separations import views
from unbraid_web.separations.bundle import bundle

app_name = "separations"
urlpatterns = [
    path("separations/<uuid:separation_id>/progress/", views.progress, name="progress"),
    path("separations/<uuid:separation_id>/cancel/", views.cancel, name="cancel"),
    path("separations/<uuid:separation_id>/retry/", views.retry, name="retry"),
    path("separations/<uuid:separation_id>/exports/", views.export, name="export"),
    path("separations/<uuid:separation_id>/original/", views.original, name="original"),
    path("separations/<uuid:separation_id>/<str:name>.flac", views.stem_file, name="stem"),
    path("separations/<uuid:separation_id>/<str:name>.png", views.spectrogram, name="spectrogram"),
    path("separations/<uuid:separation_id>/<str:name>/<int:number>.flac", views.segment, name="segment"),
    path(
        "separations/<uuid:separation_id>/<str:name>/<int:number>.opus",
        views.compressed_segment,
        name="compressed_segment",
    ),
    path("library/download/", bundle, name="bundle"),
    path("exports/<uuid:export_id>/", views.export_status, name="export_status"),
    path("exports/<uuid:export_id>/file/", views.export_file, name="export_file"),
]
