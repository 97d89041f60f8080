"""Songs in the admin pages."""

from django.contrib import admin

from unbraid_web.formatting import size
from unbraid_web.songs.models import Song


@admin.register(Song)
class SongAdmin(admin.ModelAdmin[Song]):
    """All songs, with whose they are and how much room they take."""

    list_display = ("title", "artist", "owner", "storage", "created_at", "deleted_at")
    list_filter = ("created_at", "deleted_at")
    list_select_related = ("owner",)
    search_fields = ("title", "artist", "owner__email")
    fields = ("title", "artist", "owner", "filename", "upload_bytes", "bytes_total", "duration", "deleted_at")
    readonly_fields = ("filename", "upload_bytes", "bytes_total", "duration")

    @admin.display(ordering="bytes_total")
    def storage(self, song: Song) -> str:
        """With stems."""
        return size(song.bytes_total)
