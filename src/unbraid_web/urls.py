"""Which address belongs to which app."""

from django.contrib import admin
from django.urls import include, path

from unbraid_web.accounts.views import admin_login
from unbraid_web.api.endpoints import api
from unbraid_web.operations import metrics

handler400 = "unbraid_web.error_pages.bad_request"
handler403 = "unbraid_web.error_pages.permission_denied"
handler404 = "unbraid_web.error_pages.page_not_found"
urlpatterns = [
    path("", include("unbraid_web.player.urls")),
    path("", include("unbraid_web.songs.urls")),
    path("", include("unbraid_web.separations.urls")),
    path("", include("unbraid_web.about.urls")),
    path("account/", include("unbraid_web.accounts.urls")),
    path("api/v1/", api.urls),
    path("api/", include("unbraid_web.api.urls")),
    path("admin/login/", admin_login),
    path("admin/", admin.site.urls),
    path("metrics", metrics.metrics, name="metrics"),
]
