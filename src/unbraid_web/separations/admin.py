"""Jobs in the admin pages: what failed and why."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from unbraid_web.formatting import size
from unbraid_web.separations.models import Export, Separation


@admin.action(description="Try again")
def try_again(modeladmin: admin.ModelAdmin[Separation], request: HttpRequest, jobs: QuerySet[Separation]) -> None:
    """Put the chosen jobs back in line."""
    again = sum(job.retry() for job in jobs)
    modeladmin.message_user(request, f"{again} put back in line.")


@admin.register(Separation)
class SeparationAdmin(admin.ModelAdmin[Separation]):
    """Separations, newest first; filter by `failed` to see what went wrong."""

    list_display = ("song", "owner", "state", "percent", "attempt", "worker", "error", "storage", "created_at")
    list_filter = ("state", "stage", "created_at")
    list_select_related = ("song__owner",)
    search_fields = ("song__title", "song__owner__email", "error")
    actions = (try_again,)
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Separations come from uploads."""
        return False

    @admin.display(ordering="song__owner__email")
    def owner(self, separation: Separation) -> str:
        """Whose song."""
        return str(separation.song.owner or "demo")

    @admin.display(description="%", ordering="fraction")
    def percent(self, separation: Separation) -> str:
        """How far."""
        return f"{separation.fraction:.0%}"

    @admin.display(ordering="bytes_stored")
    def storage(self, separation: Separation) -> str:
        """How much room the stems take."""
        return size(separation.bytes_stored)


@admin.register(Export)
class ExportAdmin(admin.ModelAdmin[Export]):
    """Rendered downloads."""

    list_display = ("filename", "state", "attempt", "error", "created_at")
    list_filter = ("state",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Exports come from the player."""
        return False
