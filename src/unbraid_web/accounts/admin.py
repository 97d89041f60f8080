"""People in the admin pages, with what they store."""

from django.contrib import admin
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest

from unbraid_web.accounts.models import User
from unbraid_web.formatting import size


@admin.register(User)
class UserAdmin(admin.ModelAdmin[User]):
    """Who is here, and how much room they take."""

    list_display = ("email", "song_count", "storage", "date_joined", "last_login", "is_staff")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email",)
    ordering = ("-date_joined",)
    fields = ("email", "is_active", "is_staff", "is_superuser", "last_login", "date_joined")
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Count songs and bytes in the same query."""
        return super().get_queryset(request).annotate(songs_=Count("songs"), bytes_=Sum("songs__bytes_total"))

    @admin.display(description="songs", ordering="songs_")
    def song_count(self, user: User) -> int:
        """How many songs."""
        return int(getattr(user, "songs_", 0))

    @admin.display(description="storage", ordering="bytes_")
    def storage(self, user: User) -> str:
        """How many bytes."""
        return size(getattr(user, "bytes_", 0) or 0)
